"""What is refused before it is queued, and why."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from chassis.problems import Problem
from trainer.catalog import Cohort
from trainer.experiments import EXPERIMENTS
from trainer.schemas import NewJob
from trainer.submit import check_cohort, resolve_settings

from tests.trainer.running import submit

B_AGAINST_K = EXPERIMENTS["embed-2b6k"]
FULL = {"train": 7, "validation": 1, "test": 2}


def make_cohort(**splits: dict[str, int]) -> Cohort:
    return Cohort.model_validate(
        {
            "cohort_id": "c",
            "sha256": "0",
            "name": "c",
            "dataset": "d",
            "revision_id": 1,
            "definition": {"split": {"by": "patient"}},
            "counts": {},
            "classes": [
                {"name": name, "images": 10, "patients": 5, "splits": found}
                for name, found in splits.items()
            ],
        }
    )


async def refusal(api: httpx.AsyncClient, status: int, **body: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/jobs", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    return found


async def test_an_unknown_experiment_is_404_and_names_the_known(api: httpx.AsyncClient) -> None:
    problem = await refusal(api, 404, experiment="embed-9x9", cohort_id="c")
    assert "embed-2b6k" in problem["detail"]


@pytest.mark.parametrize(
    ("overrides", "field", "accepted"),
    [
        ({"epochs": 0}, "overrides.epochs", None),
        ({"model": "resnet99"}, "overrides.model", "resnet18"),
        ({"optimiser": "lion"}, "overrides.optimiser", "adamw"),
        ({"colour": "blue"}, "overrides.colour", "epochs"),
        ({"learning_rate": "fast"}, "overrides.learning_rate", None),
        ({"weights": "imagenet"}, "overrides.weights", "none"),
    ],
)
async def test_a_bad_override_is_422_and_names_its_field(
    api: httpx.AsyncClient, overrides: dict[str, Any], field: str, accepted: str | None
) -> None:
    body = {"experiment": "embed-2b6k", "cohort_id": "c", "overrides": overrides}
    (error,) = (await refusal(api, 422, **body))["errors"]
    assert error["field"] == field
    if accepted:
        assert accepted in error["accepted"]


async def test_missing_pretrained_weights_are_refused_with_the_reason(
    api: httpx.AsyncClient,
) -> None:
    problem = await refusal(api, 422, experiment="embed-2b6k", cohort_id="c", profile="published")
    assert "no TRAINER_WEIGHTS, and TRAINER_WEIGHTS_HUB is off" in problem["detail"]


async def test_a_cohort_or_array_is_needed_and_must_exist(
    api: httpx.AsyncClient, blobs: str
) -> None:
    missing = await refusal(api, 422, experiment="embed-2b6k")
    assert missing["errors"][0]["field"] == "cohort_id"
    missing = await refusal(api, 422, experiment="labelled-array")
    assert missing["errors"][0]["accepted"] == [blobs]
    await refusal(api, 404, experiment="labelled-array", array="nothing")
    small = await refusal(api, 422, experiment="labelled-array", array=blobs)
    assert small["errors"][0]["field"] == "overrides.input_size"
    await refusal(api, 422, experiment="embed-2b6k", cohort_id="../../etc")


async def test_a_catalog_that_is_away_queues_nothing(api: httpx.AsyncClient) -> None:
    await refusal(api, 503, experiment="embed-2b6k", cohort_id="c")
    assert (await api.get("/api/v1/jobs")).json()["total"] == 0


async def test_an_array_whose_patients_overlap_is_409(
    api: httpx.AsyncClient, blobs: str, settings: Any
) -> None:
    path = settings.arrays / blobs / "samples.json"
    path.write_text(path.read_text().replace('"p18"', '"p0"'))
    small = {"input_size": 32}
    problem = await refusal(api, 409, experiment="labelled-array", array=blobs, overrides=small)
    assert "1 patients are in more than one split" in problem["detail"]


async def test_a_reader_may_look_but_not_submit(
    api: httpx.AsyncClient, blobs: str, sign_identity: Callable[..., str]
) -> None:
    api.headers["Authorization"] = sign_identity("reader")
    await refusal(api, 403, experiment="labelled-array", array=blobs)
    assert (await api.get("/api/v1/jobs")).status_code == 200
    assert (await api.get("/api/v1/experiments")).status_code == 200


async def test_an_idempotency_key_makes_one_job(api: httpx.AsyncClient, blobs: str) -> None:
    body = {"experiment": "labelled-array", "array": blobs, "overrides": {"input_size": 32}}
    key = {"Idempotency-Key": "once"}
    first = (await api.post("/api/v1/jobs", json=body, headers=key)).json()
    second = (await api.post("/api/v1/jobs", json=body, headers=key)).json()
    assert first["job_id"] == second["job_id"]
    assert (await api.get("/api/v1/jobs")).json()["total"] == 1
    other = body | {"overrides": {"input_size": 32, "epochs": 3}}
    answer = await api.post("/api/v1/jobs", json=other, headers=key)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_a_key_belongs_to_its_person(
    api: httpx.AsyncClient, blobs: str, sign_identity: Callable[..., str]
) -> None:
    body = {"experiment": "labelled-array", "array": blobs, "overrides": {"input_size": 32}}
    key = {"Idempotency-Key": "once"}
    first = (await api.post("/api/v1/jobs", json=body, headers=key)).json()
    api.headers["Authorization"] = sign_identity("researcher", person_id="another")
    second = (await api.post("/api/v1/jobs", json=body, headers=key)).json()
    assert first["job_id"] != second["job_id"]


async def test_only_owner_and_admin_may_stop_a_job(
    api: httpx.AsyncClient, blobs: str, sign_identity: Callable[..., str]
) -> None:
    job_id = (await submit(api, blobs))["job_id"]
    api.headers["Authorization"] = sign_identity("researcher", person_id="another")
    assert (await api.post(f"/api/v1/jobs/{job_id}/cancel")).status_code == 403
    api.headers["Authorization"] = sign_identity("admin", person_id="admin")
    assert (await api.post(f"/api/v1/jobs/{job_id}/cancel")).status_code == 200


async def test_lists_are_filtered_and_paged(
    api: httpx.AsyncClient, blobs: str, sign_identity: Callable[..., str]
) -> None:
    ids = [(await submit(api, blobs))["job_id"] for _ in range(3)]
    await api.post(f"/api/v1/jobs/{ids[0]}/cancel")
    first = (await api.get("/api/v1/jobs", params={"limit": 2})).json()
    assert [job["job_id"] for job in first["items"]] == ids[:0:-1]
    rest = await api.get("/api/v1/jobs", params={"limit": 2, "cursor": first["next"]})
    assert [job["job_id"] for job in rest.json()["items"]] == ids[:1]
    assert rest.json()["next"] is None
    waiting = (await api.get("/api/v1/jobs", params={"state": "queued"})).json()
    assert waiting["total"] == 2
    assert [job["queue_position"] for job in waiting["items"]] == [2, 1]
    api.headers["Authorization"] = sign_identity("researcher", person_id="another")
    assert (await api.get("/api/v1/jobs", params={"owner": "me"})).json()["total"] == 0
    wrong = await api.get("/api/v1/jobs", params={"cursor": "bm9uc2Vuc2U", "limit": 2})
    assert wrong.status_code == 422


def test_a_complete_cohort_gives_its_classes_in_the_experiments_order() -> None:
    assert check_cohort(make_cohort(K=FULL, B=FULL), B_AGAINST_K) == ("B", "K")


@pytest.mark.parametrize(
    ("cohort", "text"),
    [
        (make_cohort(B=FULL), "has no class K"),
        (make_cohort(B=FULL, K={"train": 7, "validation": 0, "test": 2}), "validation"),
        (make_cohort(B=FULL, K=FULL, S=FULL), "has classes B, K, S"),
    ],
)
def test_a_missing_empty_or_foreign_class_is_refused(cohort: Cohort, text: str) -> None:
    with pytest.raises(Problem) as caught:
        check_cohort(cohort, B_AGAINST_K)
    assert caught.value.status == 422
    assert caught.value.errors[0].field == "cohort_id"
    assert text in caught.value.errors[0].message


def test_overrides_are_laid_over_the_profile() -> None:
    body = NewJob(experiment="embed-2b6k", profile="published", overrides={"epochs": 3})
    settings = resolve_settings(B_AGAINST_K, body)
    assert (settings.weights, settings.input_size, settings.epochs) == ("imagenet", 224, 3)
    with pytest.raises(Problem, match="Invalid request"):
        resolve_settings(B_AGAINST_K, NewJob(experiment="embed-2b6k", profile="fast"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_describes_its_overrides(name: str) -> None:
    declared = EXPERIMENTS[name]
    schema = declared.overrides_schema()
    assert schema["properties"]["model"]["enum"] == list(declared.models)
    assert schema["properties"]["epochs"]["default"] == declared.defaults.epochs
    assert all("description" in member for member in schema["properties"].values())
    assert "required" not in schema
