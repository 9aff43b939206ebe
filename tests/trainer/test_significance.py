"""Jobs on the same test images are tested against each other; others are refused, with why."""

from contextlib import closing
from typing import Any

import httpx
import numpy as np
import pytest
from chassis.database import Database
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from sqlalchemy import insert, update
from trainer.settings import TrainerSettings
from trainer.significance import NotComparableError, align, read_predictions
from trainer.tables import artifact, job

from tests.trainer.running import submit

IMAGES = 120


def table(gain: float, first: int = 0, classes: str = "BK") -> str:
    """Predictions of 120 images of 60 patients, right by ``gain``; seeded alike."""
    generator = np.random.default_rng(6)
    lines = [f"image_id,patient,label,p_{classes[0]},p_{classes[1]}"]
    for place in range(IMAGES):
        label = int(generator.integers(0, 2))
        score = float(np.clip(0.5 + gain * (label - 0.5) + generator.normal() * 0.2, 0, 1))
        row = [first + place, place // 2, classes[label], f"{1 - score:.6f}", f"{score:.6f}"]
        lines.append(",".join(map(str, row)))
    return "\n".join(lines) + "\n"


def test_tables_are_joined_by_image_whatever_their_order() -> None:
    header, *rows = table(0.2).splitlines()
    turned = "\n".join([header, *reversed(table(0.4).splitlines()[1:])])
    target, one, other, patients = align(read_predictions(table(0.2)), read_predictions(turned))
    expected = read_predictions(table(0.4)).probs
    assert (other == expected).all()
    assert len(rows) == len(target) == len(one)
    assert patients.tolist() == [i // 2 for i in range(IMAGES)] or len(set(patients)) == 60


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (table(0.2, first=7), "120 and 120 images, 113 in both"),
        (table(0.2, classes="BM"), "classes differ"),
        (table(0.2).replace(",B,", ",X,").replace(",K,", ",B,").replace(",X,", ",K,"), "label"),
        (table(0.2).replace("image_id", "exam_id"), "one is by image, the other by exam"),
    ],
)
def test_other_test_sets_are_refused(other: str, reason: str) -> None:
    with pytest.raises(NotComparableError, match=reason):
        align(read_predictions(table(0.2)), read_predictions(other))


async def finish(settings: TrainerSettings, s3: S3Server, job_id: str, text: str | None) -> None:
    """Let a job have ended, with predictions or without."""
    key = f"jobs/{job_id}/artifacts/1/predictions.csv"
    with closing(make_client(s3)) as client:
        if text is not None:
            client.put_object(Bucket=settings.artifact_bucket, Key=key, Body=text.encode())
    row: dict[str, Any] = {"job_id": job_id, "name": "predictions.csv", "key": key, "bytes": 1}
    database = Database(settings.database_url)
    async with database.transaction() as session:
        ended = {"state": "succeeded", "fence": 2, "finished_at": job.c.created_at}
        await session.execute(update(job).where(job.c.job_id == job_id).values(**ended))
        if text is not None:
            values = row | {"sha256": "0" * 64, "media_type": "text/csv"}
            await session.execute(insert(artifact).values(**values))
    await database.close()


async def test_jobs_are_tested_against_the_first(
    api: httpx.AsyncClient, blobs: str, settings: TrainerSettings, s3: S3Server
) -> None:
    ids = [(await submit(api, blobs, seed=seed))["job_id"] for seed in range(4)]
    for job_id, text in zip(ids, (table(0.05), table(0.6), table(0.6, first=9), None), strict=True):
        await finish(settings, s3, job_id, text)
    queued = (await submit(api, blobs, seed=9))["job_id"]
    answer = await api.get("/api/v1/jobs/compare", params={"ids": [*ids, queued]})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    (test,) = found["tests"]
    assert (test["a"], test["b"], test["n"], test["patients"]) == (*ids[:2], IMAGES, 60)
    assert test["roc_auc"]["low"] > 0
    assert test["bootstrap_p"] < 0.01
    assert test["delong_p"] < 0.01
    reasons = {one["b"]: one["reason"] for one in found["refused"]}
    assert "test sets differ" in reasons[ids[2]]
    assert "left no predictions" in reasons[ids[3]]
    assert "queued" in reasons[queued]
    swapped = await api.get("/api/v1/jobs/compare", params={"ids": [queued, ids[0]]})
    assert "queued" in swapped.json()["refused"][0]["reason"]
