"""Jobs that are stopped, killed, handed over and repeated: none is lost, none runs twice."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from trainer.settings import TrainerSettings

from tests.trainer.running import WorkerProcess, follow, submit, training_processes

StartWorker = Callable[..., WorkerProcess]


def epochs_done(count: int) -> Callable[[dict[str, Any]], bool]:
    def reached(job: dict[str, Any]) -> bool:
        return len(job["epochs"]) >= count or job["finished_at"] is not None

    return reached


async def digests(api: httpx.AsyncClient, job_id: str) -> dict[str, str]:
    answer = (await api.get(f"/api/v1/jobs/{job_id}/artifacts")).json()
    kept = ("weights.safetensors", "predictions.csv")
    return {item["name"]: item["sha256"] for item in answer["items"] if item["name"] in kept}


def server_of(settings: TrainerSettings) -> S3Server:
    return S3Server(
        settings.s3_endpoint_url or "",
        settings.s3_region,
        settings.s3_access_key_id or "",
        settings.s3_secret_access_key or "",
    )


def stored_keys(settings: TrainerSettings, job_id: str) -> list[str]:
    """Keys of the job's objects; the first part of each is `jobs`, the second its id."""
    with closing(make_client(server_of(settings))) as client:
        prefix = f"jobs/{job_id}/"
        found = client.list_objects_v2(Bucket=settings.artifact_bucket, Prefix=prefix)
    return [item["Key"] for item in found["Contents"]]


async def cleared_up(settings: TrainerSettings, job_id: str) -> None:
    """Wait until a succeeded job has its artifacts in the object store and nothing else."""
    left = stored_keys(settings, job_id)
    deadline = time.monotonic() + 60
    while {key.split("/")[2] for key in left} != {"artifacts"} and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        left = stored_keys(settings, job_id)
    assert {key.split("/")[2] for key in left} == {"artifacts"}


def without_time(epochs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in epochs]


async def test_a_job_goes_on_after_kill_9_and_ends_equal_to_the_bit(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str, settings: TrainerSettings
) -> None:
    chosen = {"epochs": 12, "optimiser": "adamw", "augment": "light", "schedule": "one-cycle"}
    worker = start_worker()
    undisturbed = await follow(api, (await submit(api, blobs, **chosen))["job_id"])
    assert undisturbed["state"] == "succeeded", undisturbed["reason"]

    job_id = (await submit(api, blobs, **chosen))["job_id"]
    await follow(api, job_id, epochs_done(4))
    assert len(training_processes(settings.scratch, job_id)) == 1
    worker.kill()
    deadline = time.monotonic() + 2
    while training_processes(settings.scratch, job_id) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert training_processes(settings.scratch, job_id) == [], "the training outlived its worker"

    start_worker()
    resumed = await follow(api, job_id)
    assert resumed["state"] == "succeeded", resumed["reason"]
    assert resumed["attempts"] == 2
    assert without_time(resumed["epochs"]) == without_time(undisturbed["epochs"])
    assert resumed["metrics"] == undisturbed["metrics"]
    assert await digests(api, job_id) == await digests(api, undisturbed["job_id"])
    await cleared_up(settings, job_id)


async def test_cancel_stops_a_running_job_within_a_batch(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str, settings: TrainerSettings
) -> None:
    start_worker()
    job_id = (await submit(api, blobs, epochs=150))["job_id"]
    await follow(api, job_id, epochs_done(1))
    answer = await api.post(f"/api/v1/jobs/{job_id}/cancel")
    assert answer.status_code == 200
    assert answer.json()["cancel_requested"] is True
    job = await follow(api, job_id)
    assert job["state"] == "cancelled"
    assert len(job["epochs"]) < 150
    assert training_processes(settings.scratch, job_id) == []
    again = await api.post(f"/api/v1/jobs/{job_id}/cancel")
    assert again.json()["state"] == "cancelled"


async def test_a_cancelled_job_goes_on_from_its_checkpoint_when_retried(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str
) -> None:
    start_worker()
    job_id = (await submit(api, blobs, epochs=14))["job_id"]
    await follow(api, job_id, epochs_done(3))
    await api.post(f"/api/v1/jobs/{job_id}/cancel")
    stopped = await follow(api, job_id)
    kept = stopped["epochs"]
    assert 3 <= len(kept) < 14
    assert (await api.post(f"/api/v1/jobs/{job_id}/retry")).json()["state"] == "queued"
    job = await follow(api, job_id)
    assert job["state"] == "succeeded", job["reason"]
    assert without_time(job["epochs"][: len(kept)]) == without_time(kept)
    assert [e["epoch"] for e in job["epochs"]] == list(range(1, 15))
    again = await api.post(f"/api/v1/jobs/{job_id}/retry")
    assert again.status_code == 409


async def test_a_broken_checkpoint_costs_time_and_nothing_else(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str, settings: TrainerSettings
) -> None:
    start_worker()
    job_id = (await submit(api, blobs, epochs=10))["job_id"]
    await follow(api, job_id, epochs_done(2))
    await api.post(f"/api/v1/jobs/{job_id}/cancel")
    await follow(api, job_id)
    with closing(make_client(server_of(settings))) as client:
        for key in stored_keys(settings, job_id):
            client.put_object(Bucket=settings.artifact_bucket, Key=key, Body=b"torn")
    await api.post(f"/api/v1/jobs/{job_id}/retry")
    job = await follow(api, job_id)
    assert job["state"] == "succeeded", job["reason"]
    assert [e["epoch"] for e in job["epochs"]] == list(range(1, 11))


async def test_a_waiting_job_is_cancelled_at_once(api: httpx.AsyncClient, blobs: str) -> None:
    job_id = (await submit(api, blobs))["job_id"]
    job = (await api.post(f"/api/v1/jobs/{job_id}/cancel")).json()
    assert (job["state"], job["queue_position"]) == ("cancelled", None)


async def test_a_worker_that_shuts_down_hands_its_job_over(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str
) -> None:
    first = start_worker(worker_name="first")
    job_id = (await submit(api, blobs, epochs=15))["job_id"]
    await follow(api, job_id, epochs_done(2))
    workers = (await api.get("/api/v1/workers")).json()["items"]
    assert [(w["name"], w["state"], w["jobs"]) for w in workers] == [("first", "busy", [job_id])]
    first.stop()
    waiting = (await api.get(f"/api/v1/jobs/{job_id}")).json()
    assert (waiting["state"], waiting["attempts"]) == ("queued", 0)
    assert (await api.get("/api/v1/workers")).json()["items"] == []
    start_worker(worker_name="second")
    job = await follow(api, job_id)
    assert (job["state"], job["worker"], job["attempts"]) == ("succeeded", "second", 1)


async def test_a_training_process_that_dies_is_started_again_by_its_worker(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str, settings: TrainerSettings
) -> None:
    start_worker()
    job_id = (await submit(api, blobs, epochs=12))["job_id"]
    await follow(api, job_id, epochs_done(2))
    os.kill(training_processes(settings.scratch, job_id)[0], signal.SIGKILL)
    job = await follow(api, job_id)
    assert (job["state"], job["attempts"]) == ("succeeded", 2)


async def test_a_job_that_cannot_succeed_fails_once_with_its_reason(
    api: httpx.AsyncClient, start_worker: StartWorker, blobs: str, settings: TrainerSettings
) -> None:
    job_id = (await submit(api, blobs))["job_id"]
    assert settings.arrays is not None
    shutil.rmtree(settings.arrays / blobs)
    start_worker()
    job = await follow(api, job_id)
    assert (job["state"], job["attempts"]) == ("failed", 1)
    assert "array dataset blobs cannot be read" in job["reason"]
    assert (await api.get(f"/api/v1/jobs/{job_id}/report")).status_code == 409
