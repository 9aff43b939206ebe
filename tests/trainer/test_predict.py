"""What a trained model says of images: the same as when it was tested, or nothing."""

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from chassis.database import Database
from PIL import Image
from sqlalchemy import cast, update
from trainer.settings import TrainerSettings
from trainer.tables import JSONB, job

from tests.trainer.running import follow
from tests.trainer.test_cohort_job import Lab, catalog_settings, lab, mammograms

__all__ = ["catalog_settings", "lab", "mammograms"]

pytestmark = pytest.mark.slow


async def read_csv(lab: Lab, job_id: str) -> list[dict[str, str]]:
    answer = await lab.api.get(f"/api/v1/jobs/{job_id}/artifacts/predictions.csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def explain_one(lab: Lab, job_id: str, image_id: int) -> None:
    """The overlay and the heat map of an image, at the size it was trained on."""
    where = f"/api/v1/jobs/{job_id}/explanations/{image_id}"
    picture = await lab.api.get(where, params={"method": "grad-cam"})
    assert picture.status_code == 200, picture.text
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["x-class"] in ("B", "K")
    overlay = np.asarray(Image.open(io.BytesIO(picture.content)))
    found = await lab.api.get(where, params={"method": "integrated-gradients", "format": "npy"})
    heat = np.load(io.BytesIO(found.content))
    assert overlay.shape[:2] == heat.shape == (32, 32)
    assert heat.max() == pytest.approx(1.0)
    refused = await lab.api.get(where, params={"method": "attention"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["accepted"] == [
        "saliency", "grad-cam", "integrated-gradients",
    ]  # fmt: skip
    missing = await lab.api.get(f"/api/v1/jobs/{job_id}/explanations/{10**9}")
    assert missing.status_code == 404


async def test_a_model_says_of_images_what_it_said_in_its_test(
    lab: Lab, start_worker: Callable[..., Any], settings: TrainerSettings
) -> None:
    cohort = await lab.freeze()
    start_worker()
    job_id = (await lab.submit(cohort)).json()["job_id"]
    trained = await follow(lab.api, job_id)
    assert trained["state"] == "succeeded", trained["reason"]

    (model,) = (await lab.api.get("/api/v1/models", params={"owner": "me"})).json()["items"]
    assert model == (await lab.api.get(f"/api/v1/models/{job_id}")).json()
    assert model["lineage"]["cohort_sha256"] == cohort["sha256"]
    assert model["lineage"]["revision_id"] == str(cohort["revision_id"])
    artifacts = (await lab.api.get(f"/api/v1/jobs/{job_id}/artifacts")).json()["items"]
    weights = next(a for a in artifacts if a["name"] == "weights.safetensors")
    assert model["weights_sha256"] == weights["sha256"]

    tested = await read_csv(lab, job_id)
    wanted = [int(row["image_id"]) for row in tested]
    predict = f"/api/v1/jobs/{job_id}/predict"
    answer = await lab.api.post(predict, json={"image_ids": [*wanted, 10**9]})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["missing"] == [10**9]
    assert said["preprocessing_sha256"] == model["preprocessing_sha256"]
    assert [p["image_id"] for p in said["predictions"]] == list(dict.fromkeys(wanted))
    by_id = {p["image_id"]: p["probs"]["K"] for p in said["predictions"]}
    told = [float(row["p_K"]) for row in tested]
    np.testing.assert_allclose([by_id[i] for i in wanted], told, atol=2e-6)

    await explain_one(lab, job_id, wanted[0])

    queued = await lab.api.post(f"{predict}/{cohort['cohort_id']}")
    assert queued.status_code == 201, queued.text
    done = await follow(lab.api, queued.json()["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    everybody = await read_csv(lab, done["job_id"])
    assert len(everybody) == cohort["counts"]["images"]
    again = {row["image_id"]: row for row in everybody}
    assert [again[row["image_id"]] for row in tested] == tested
    assert (await lab.api.get("/api/v1/models")).json()["total"] == 1, "it left no weights"

    database = Database(settings.database_url)
    other = job.c.model.op("||", return_type=JSONB)(cast({"preprocessing_sha256": "x"}, JSONB))
    async with database.transaction() as session:
        await session.execute(update(job).where(job.c.job_id == job_id).values(model=other))
    await database.close()
    broken = (await lab.api.post(f"{predict}/{cohort['cohort_id']}")).json()
    failed = await follow(lab.api, broken["job_id"])
    assert failed["state"] == "failed"
    assert "prepared in another way" in failed["reason"]
