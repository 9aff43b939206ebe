"""Three workers, each with a scratch folder of its own, share broker, database and store."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from trainer.probe import is_alive
from trainer.settings import TrainerSettings

from tests.trainer.running import WorkerProcess, follow, submit


@pytest.mark.slow
async def test_three_workers_share_the_jobs_and_nothing_else(
    api: httpx.AsyncClient,
    start_worker: Callable[..., WorkerProcess],
    blobs: str,
    settings: TrainerSettings,
) -> None:
    names = ("one", "two", "three")
    jobs = [await submit(api, blobs, epochs=400, seed=seed) for seed in range(3)]
    for name in names:
        start_worker(worker_name=name, scratch=settings.scratch / name)

    def runs(job: dict[str, Any]) -> bool:
        return len(job["epochs"]) > 0

    running = await asyncio.gather(*(follow(api, job["job_id"], runs) for job in jobs))
    assert {job["worker"] for job in running} == set(names), "each trains one, none two"
    workers = (await api.get("/api/v1/workers")).json()["items"]
    assert {w["name"]: w["jobs"] for w in workers} == {j["worker"]: [j["job_id"]] for j in running}
    for worker in workers:
        assert worker["slots"] == 1
        assert 0 < worker["usage"]["memory_own"] < worker["usage"]["memory_total"]
    assert all(is_alive(settings.scratch / name) for name in names)
    for job in jobs:
        await api.post(f"/api/v1/jobs/{job['job_id']}/cancel")
    ended = await asyncio.gather(*(follow(api, job["job_id"]) for job in jobs))
    assert [job["state"] for job in ended] == ["cancelled"] * 3
    assert {path.name for path in settings.scratch.iterdir()} == set(names)
