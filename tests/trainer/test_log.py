"""What a job says: bounded, told in order, whoever ends an attempt, and gone with the job."""

import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from chassis.database import Database
from devstack.testing import SignIdentity
from sqlalchemy import func, select, update
from trainer import store
from trainer.settings import TrainerSettings
from trainer.tables import job, line

from tests.trainer.running import WorkerProcess, follow, submit, training_processes

StartWorker = Callable[..., WorkerProcess]


async def read_log(api: httpx.AsyncClient, job_id: str, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get(f"/api/v1/jobs/{job_id}/log", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def texts(lines: list[dict[str, Any]]) -> list[str]:
    return [one["text"] for one in lines]


async def test_a_job_tells_of_its_attempts_also_of_one_that_was_killed(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str, settings: TrainerSettings
) -> None:
    start_worker(worker_name="first")
    job_id = (await submit(api, blobs, epochs=12))["job_id"]
    assert await read_log(api, job_id) == []
    await follow(api, job_id, lambda found: len(found["epochs"]) >= 3)
    os.kill(training_processes(settings.scratch, job_id)[0], signal.SIGKILL)
    found = await follow(api, job_id)
    assert (found["state"], found["attempts"]) == ("succeeded", 2)
    lines = await read_log(api, job_id)
    said = texts(lines)
    first, second = (said.index(f"Attempt {n} begins on worker first") for n in (1, 2))
    sizes = "tiny_cnn on 120 images: train 84, validation 12, test 24"
    assert sizes in said[first:second]
    back = next(one for one in lines if one["text"].startswith("Back in the queue: "))
    assert back["level"] == "warning"
    assert "killed (signal 9)" in back["text"]
    assert first < said.index(back["text"]) < second
    assert any(text.startswith("Goes on after epoch ") for text in said[second:])
    assert any(text.startswith("Epoch 12 of 12: training loss 0.") for text in said[second:])
    assert said[-1] == "Succeeded"
    assert [one["line_id"] for one in lines] == sorted(one["line_id"] for one in lines)
    assert texts(await read_log(api, job_id, tail=2)) == said[-2:]


async def test_the_log_keeps_its_last_lines_and_goes_with_its_job(
    api: httpx.AsyncClient, blobs: str, settings: TrainerSettings
) -> None:
    job_id = (await submit(api, blobs))["job_id"]
    database = Database(settings.database_url)
    async with database.transaction() as session:
        claim = await store.claim_job(session, "w", 30)
        assert claim is not None
        lines: list[store.Line] = [("info", f"{n} " + "x" * 600) for n in range(700)]
        await store.add_lines(session, claim.lease, lines)
    answer = (await api.get(f"/api/v1/jobs/{job_id}/log")).json()
    assert (answer["total"], len(answer["items"])) == (500, 500)
    kept = texts(answer["items"])
    assert (kept[0].split()[0], kept[-1].split()[0]) == ("200", "699")
    assert {len(text) for text in kept} == {500}

    stale = store.Lease(job_id, claim.lease.fence - 1)
    async with database.transaction() as session:
        await store.add_lines(session, stale, [("info", "from an attempt that is over")])
    assert texts(await read_log(api, job_id)) == kept

    await api.post(f"/api/v1/jobs/{job_id}/cancel")
    async with database.transaction() as session:
        await store.finish_job(session, claim.lease, "cancelled")
    assert texts(await read_log(api, job_id, tail=2)) == ["Asked to stop", "Cancelled"]
    assert (await api.delete(f"/api/v1/jobs/{job_id}")).status_code == 204
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(line)) == 0
    await database.close()
    assert (await api.get(f"/api/v1/jobs/{job_id}/log")).status_code == 404


@pytest.mark.parametrize("tail", ["0", "501", "many"])
async def test_a_tail_that_there_cannot_be_is_refused(
    api: httpx.AsyncClient, blobs: str, tail: str
) -> None:
    job_id = (await submit(api, blobs))["job_id"]
    answer = await api.get(f"/api/v1/jobs/{job_id}/log", params={"tail": tail})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == ["tail"]


async def test_the_log_of_restricted_data_asks_for_the_agreement(
    api: httpx.AsyncClient, blobs: str, settings: TrainerSettings, sign_identity: SignIdentity
) -> None:
    job_id = (await submit(api, blobs))["job_id"]
    database = Database(settings.database_url)
    async with database.transaction() as session:
        await session.execute(update(job).values(dataset="embed", restricted=True))
    await database.close()
    path = f"/api/v1/jobs/{job_id}/log"
    assert (await api.get(path)).status_code == 403
    agreed = {"Authorization": sign_identity("reader", agreements=["embed"])}
    assert (await api.get(path, headers=agreed)).status_code == 200
