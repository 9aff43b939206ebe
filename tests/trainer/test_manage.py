"""Jobs are previewed, named, put away, compared and deleted."""

from contextlib import closing
from typing import Any

import httpx
import pytest
from chassis.database import Database
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from sqlalchemy import insert, update
from trainer.settings import TrainerSettings
from trainer.tables import epoch, job

from tests.trainer.running import submit


async def test_a_preview_queues_nothing(api: httpx.AsyncClient, blobs: str) -> None:
    body = {"experiment": "labelled-array", "array": blobs, "overrides": {"input_size": 32}}
    answer = await api.post("/api/v1/jobs/preview", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["spec"]["settings"]["input_size"] == 32
    assert found["estimate"]["disk"] > 120 * 32 * 32
    assert found["estimate"]["basis"] == "reference"
    assert (await api.get("/api/v1/jobs")).json()["total"] == 0
    submitted = await submit(api, blobs, **found["spec"]["settings"])
    assert submitted["spec_sha256"] == found["spec_sha256"]
    refused = await api.post("/api/v1/jobs/preview", json=body | {"overrides": {"epochs": 0}})
    assert refused.json()["errors"][0]["field"] == "overrides.epochs"


async def test_an_estimate_learns_from_jobs_like_it(
    api: httpx.AsyncClient, blobs: str, settings: TrainerSettings
) -> None:
    former = await submit(api, blobs, epochs=2)
    database = Database(settings.database_url)
    row = {"job_id": former["job_id"], "checkpoint": {}, "fence": 1, "seconds": 60.0}
    async with database.transaction() as session:
        await session.execute(insert(epoch), [row | {"epoch": n} for n in (1, 2)])
        await session.execute(update(job).values(state="succeeded", finished_at=job.c.created_at))
    await database.close()
    later = await submit(api, blobs, epochs=4)
    assert later["estimate"]["basis"] == "history"
    assert later["estimate"]["minutes"] == pytest.approx(4, abs=0.5)
    other = await submit(api, blobs, epochs=4, input_size=32, model="resnet18")
    assert other["estimate"]["basis"] == "reference"


async def test_a_job_is_renamed_put_away_and_found(api: httpx.AsyncClient, blobs: str) -> None:
    first, second = [await submit(api, blobs, seed=seed) for seed in (1, 2)]
    path = f"/api/v1/jobs/{first['job_id']}"
    changed = (await api.patch(path, json={"name": "the 50% one", "priority": 3})).json()
    assert (changed["name"], changed["priority"], changed["queue_position"]) == (
        "the 50% one",
        3,
        1,
    )
    found = (await api.get("/api/v1/jobs", params={"q": "50%"})).json()["items"]
    assert [j["job_id"] for j in found] == [first["job_id"]]
    assert (await api.get("/api/v1/jobs", params={"q": "5_%"})).json()["items"] == []
    assert (await api.get("/api/v1/jobs", params={"model": "resnet18"})).json()["total"] == 0
    await api.patch(path, json={"archived": True})
    listed = (await api.get("/api/v1/jobs")).json()["items"]
    assert [j["job_id"] for j in listed] == [second["job_id"]]
    away = (await api.get("/api/v1/jobs", params={"archived": "true"})).json()["items"]
    assert [j["job_id"] for j in away] == [first["job_id"]]
    wrong = await api.patch(path, json={"state": "succeeded"})
    assert wrong.status_code == 422


async def test_jobs_are_compared_by_what_differs(api: httpx.AsyncClient, blobs: str) -> None:
    ids = [(await submit(api, blobs, seed=7, epochs=n))["job_id"] for n in (2, 5)]
    answer = await api.get("/api/v1/jobs/compare", params={"ids": ids})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [j["job_id"] for j in found["jobs"]] == ids
    assert found["settings"] == [{"name": "settings.epochs", "values": [2, 5]}]
    assert found["best_on_validation"] is None
    assert {row["name"] for row in found["metrics"]} >= {"roc_auc", "accuracy"}
    unknown = await api.get("/api/v1/jobs/compare", params={"ids": [ids[0], "nobody"]})
    assert unknown.status_code == 404
    alone = await api.get("/api/v1/jobs/compare", params={"ids": ids[:1]})
    assert alone.status_code == 422


async def test_a_job_is_deleted_with_its_objects_once_it_has_ended(
    api: httpx.AsyncClient, blobs: str, s3: S3Server, settings: TrainerSettings
) -> None:
    job_id = (await submit(api, blobs))["job_id"]
    path, key = f"/api/v1/jobs/{job_id}", f"jobs/{job_id}/checkpoints/1-1.pt"
    assert (await api.delete(path)).status_code == 409
    await api.post(f"{path}/cancel")
    with closing(make_client(s3)) as client:
        client.put_object(Bucket=settings.artifact_bucket, Key=key, Body=b"x")
        assert (await api.delete(path)).status_code == 204
        left: dict[str, Any] = client.list_objects_v2(Bucket=settings.artifact_bucket)
    assert left["KeyCount"] == 0
    assert (await api.get(path)).status_code == 404


async def test_nobody_changes_or_deletes_the_job_of_another(
    api: httpx.AsyncClient, blobs: str, sign_identity: Any
) -> None:
    path = f"/api/v1/jobs/{(await submit(api, blobs))['job_id']}"
    stranger = {"Authorization": sign_identity("researcher", person_id="another")}
    assert (await api.patch(path, json={"name": "x"}, headers=stranger)).status_code == 403
    assert (await api.delete(path, headers=stranger)).status_code == 403
    admin = {"Authorization": sign_identity("admin", person_id="root")}
    assert (await api.patch(path, json={"name": "x"}, headers=admin)).status_code == 200
