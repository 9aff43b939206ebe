"""What grows old is let go but for its report; who keeps too much queues nothing; gauges tell."""

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from chassis.database import Database
from chassis.s3 import s3_client
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import insert, update
from trainer import store, sweeper
from trainer.gauges import QueueGauges
from trainer.objects import Objects
from trainer.settings import TrainerSettings
from trainer.tables import artifact, job

from tests.trainer.running import submit

NAMES = ("report.json", "weights.safetensors")


@pytest.fixture
async def objects(settings: TrainerSettings) -> AsyncIterator[Objects]:
    async with s3_client(settings) as client:
        yield Objects(client, settings.artifact_bucket)


async def add_artifacts(database: Database, s3: S3Server, bucket: str, job_id: str) -> None:
    """A succeeded job of two months ago with two files."""
    told = {"job_id": job_id, "bytes": 100, "sha256": "0", "media_type": "text/plain"}
    rows = [told | {"name": n, "key": f"jobs/{job_id}/artifacts/1/{n}"} for n in NAMES]
    now = datetime.now(UTC)
    async with database.transaction() as session:
        await session.execute(insert(artifact), [row | {"created_at": now} for row in rows])
        ended = {"state": "succeeded", "finished_at": now - timedelta(days=60), "cleared": True}
        await session.execute(update(job).where(job.c.job_id == job_id).values(**ended))
    with closing(make_client(s3)) as client:
        for row in rows:
            client.put_object(Bucket=bucket, Key=str(row["key"]), Body=b"x")


async def test_old_files_go_and_reports_and_what_is_kept_stay(
    api: httpx.AsyncClient,
    settings: TrainerSettings,
    s3: S3Server,
    blobs: str,
    objects: Objects,
) -> None:
    old, kept = [(await submit(api, blobs, seed=seed))["job_id"] for seed in (1, 2)]
    assert (await api.patch(f"/api/v1/jobs/{kept}", json={"keep": True})).json()["keep"]
    database = Database(settings.database_url)
    for job_id in (old, kept):
        await add_artifacts(database, s3, settings.artifact_bucket, job_id)
    await sweeper.let_go(database, objects, 90)
    await sweeper.let_go(database, objects, 0)
    assert (await api.get("/api/v1/jobs/storage")).json()["bytes"] == 400
    await sweeper.let_go(database, objects, 30)
    await database.close()

    left = (await api.get(f"/api/v1/jobs/{old}/artifacts")).json()["items"]
    assert [item["name"] for item in left] == ["report.json"]
    assert (await api.get(f"/api/v1/jobs/{old}")).json()["expired_at"] is not None
    assert (await api.get(f"/api/v1/jobs/{kept}")).json()["expired_at"] is None
    with closing(make_client(s3)) as client:
        found: dict[str, Any] = client.list_objects_v2(Bucket=settings.artifact_bucket)
    assert {item["Key"].split("/", 1)[1] for item in found["Contents"]} == {
        f"{old}/artifacts/1/report.json",
        *(f"{kept}/artifacts/1/{name}" for name in NAMES),
    }
    together = {"kind": "ensemble", "jobs": [kept, old]}
    body = {"experiment": "labelled-array", "composition": together}
    refused = await api.post("/api/v1/jobs", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "composition.jobs.1"
    assert "kept no longer" in refused.json()["detail"]


async def test_who_keeps_more_than_the_quota_queues_nothing(
    api: httpx.AsyncClient, settings: TrainerSettings, s3: S3Server, blobs: str
) -> None:
    settings.__dict__["artifact_quota"] = 200
    job_id = (await submit(api, blobs))["job_id"]
    database = Database(settings.database_url)
    await add_artifacts(database, s3, settings.artifact_bucket, job_id)
    await database.close()
    body = {"experiment": "labelled-array", "array": blobs, "overrides": {"input_size": 32}}
    answer = await api.post("/api/v1/jobs", json=body)
    assert answer.status_code == 409
    assert "keep 200 bytes and 200 may be kept" in answer.json()["detail"]
    told = (await api.get("/api/v1/jobs/storage")).json()
    assert told == {"bytes": 200, "quota": 200, "retention_days": None}
    await api.delete(f"/api/v1/jobs/{job_id}")
    assert (await api.post("/api/v1/jobs", json=body)).status_code == 201


async def test_metrics_tell_the_queue_the_workers_and_their_gpus(
    api: httpx.AsyncClient, settings: TrainerSettings, blobs: str
) -> None:
    for seed in (1, 2):
        await submit(api, blobs, seed=seed)
    gpu = {"uuid": "GPU-1", "name": "a GPU", "utilisation": 0.75, "memory_used": 7}
    usage = {"cpu": 0.5, "memory_used": 1, "memory_total": 2, "memory_own": 1}
    beat = {"name": "w", "host": "h", "pid": 1, "slots": 2, "about": {}}
    database = Database(settings.database_url)
    async with database.transaction() as session:
        told = usage | {"gpus": [gpu | {"memory_total": 9}]}
        await store.beat_worker(session, beat | {"started_at": datetime.now(UTC), "usage": told})
        assert await store.claim_job(session, "w", 60)
    registry = CollectorRegistry()
    await QueueGauges(registry).refresh(database)
    await database.close()
    text = generate_latest(registry).decode()
    assert "trainer_jobs" in (await api.get("/metrics")).text
    assert 'trainer_jobs{state="queued"} 1.0' in text
    assert 'trainer_jobs{state="running"} 1.0' in text
    assert "trainer_queue_due 1.0" in text
    assert "trainer_worker_slots 2.0" in text
    assert 'trainer_workers{state="busy"} 1.0' in text
    assert 'trainer_gpu_utilisation{gpu="GPU-1",worker="w"} 0.75' in text
    assert 'trainer_gpu_memory_used_bytes{gpu="GPU-1",worker="w"} 7.0' in text
