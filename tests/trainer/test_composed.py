"""Jobs made of jobs: what children there are, who waits for whom, and what is put together."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import numpy as np
import pytest
from chassis.database import Database
from sqlalchemy import update
from trainer import store
from trainer.evaluation.bootstrap import tail_share
from trainer.settings import TrainerSettings
from trainer.tables import job

from tests.trainer.running import follow, write_blobs
from tests.trainer.test_store import claim, read

SMALL = {"input_size": 32, "epochs": 2, "batch_size": 16}


@pytest.fixture
async def database(settings: TrainerSettings) -> AsyncIterator[Database]:
    opened = Database(settings.database_url)
    yield opened
    await opened.close()


async def ask(
    api: httpx.AsyncClient, array: str, composition: dict[str, Any] | None, **overrides: Any
) -> httpx.Response:
    body = {"experiment": "labelled-array", "array": array, "overrides": SMALL | overrides}
    return await api.post("/api/v1/jobs", json=body | {"composition": composition})


async def compose(
    api: httpx.AsyncClient, array: str, composition: dict[str, Any], **overrides: Any
) -> dict[str, Any]:
    answer = await ask(api, array, composition, **overrides)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def children(api: httpx.AsyncClient, job_id: str) -> list[dict[str, Any]]:
    """In their order: lists are newest first, and children are made in one moment."""
    found = (await api.get("/api/v1/jobs", params={"parent": job_id})).json()["items"]
    return sorted(found, key=lambda child: child["name"])


RATES = {"kind": "sweep", "grid": {"learning_rate": [1e-3, 1e-7]}}


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_sweep_chooses_on_validation_and_its_children_make_an_ensemble(
    api: httpx.AsyncClient, start_worker: Callable[..., Any], blobs: str
) -> None:
    start_worker()
    parent = await compose(api, blobs, RATES, epochs=4)
    assert parent["children"] == {"total": 2, "ended": 0, "succeeded": 0}
    done = await follow(api, parent["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    rows = done["combined"]["members"]
    assert [row["differs"] for row in rows] == [
        {"settings.learning_rate": 1e-3},
        {"settings.learning_rate": 1e-7},
    ]
    best = min(rows, key=lambda row: row["validation_loss"])
    assert done["combined"]["chosen"] == best["job_id"] == rows[0]["job_id"]
    chosen = (await api.get(f"/api/v1/jobs/{best['job_id']}")).json()
    assert (chosen["parent_id"], chosen["metrics"]) == (done["job_id"], done["metrics"])
    tested = await read_rows(api, best["job_id"])
    spots = [float(row["p_spot"]) for row in tested if row["label"] == "spot"]
    assert len(done["metrics"]["thresholds"]) == 3, "chosen on validation"
    for one in done["metrics"]["thresholds"]:
        found = np.mean([share >= one["threshold"] - 1e-6 for share in spots])
        assert one["sensitivity"]["value"] == pytest.approx(found)
    page = await api.get(f"/api/v1/jobs/{done['job_id']}/report", headers={"Accept": "text/html"})
    assert "learning_rate 0.001" in page.text
    reports = [
        (await api.get(f"/api/v1/jobs/{j}/report")).json() for j in (done["job_id"], best["job_id"])
    ]
    assert reports[0]["evaluation"] == reports[1]["evaluation"]
    assert reports[0]["misclassified"] == reports[1]["misclassified"]

    ids = [row["job_id"] for row in rows]
    body = {"experiment": "labelled-array", "composition": {"kind": "ensemble", "jobs": ids}}
    answer = await api.post("/api/v1/jobs", json=body)
    assert answer.status_code == 201, answer.text
    mean = await follow(api, answer.json()["job_id"])
    assert mean["state"] == "succeeded", mean["reason"]
    parts = [await read_probs(api, job_id) for job_id in ids]
    expected = [sum(pair) / 2 for pair in zip(*parts, strict=True)]
    assert await read_probs(api, mean["job_id"]) == pytest.approx(expected, abs=2e-6)
    report = (await api.get(f"/api/v1/jobs/{mean['job_id']}/report")).json()
    assert [row["job_id"] for row in report["combined"]["members"]] == ids
    assert mean["metrics"]["thresholds"] == [], "nobody validated the mean"
    own, member = report["manifest"], reports[1]["manifest"]
    assert own["parameters"] == 2 * member["parameters"], "of both members"
    for name in ("samples_sha256", "versions", "runtime"):
        assert own[name] == member[name], "the members agree on it"
    assert "attempt_seconds" not in own


async def read_probs(api: httpx.AsyncClient, job_id: str) -> list[float]:
    """Of the second class, in the order of the file."""
    return [float(row["p_spot"]) for row in await read_rows(api, job_id)]


async def read_rows(api: httpx.AsyncClient, job_id: str) -> list[dict[str, str]]:
    answer = await api.get(f"/api/v1/jobs/{job_id}/artifacts/predictions.csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_folds_test_everybody_once_and_are_no_ensemble(
    api: httpx.AsyncClient, start_worker: Callable[..., Any], blobs: str
) -> None:
    start_worker()
    folds = await compose(api, blobs, {"kind": "folds", "count": 3})
    done = await follow(api, folds["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    parts = await children(api, done["job_id"])
    tested = [part["metrics"]["test"]["n"] for part in parts]
    assert sum(tested) == done["metrics"]["test"]["n"] == 120, "each image was tested once"
    area = done["metrics"]["test"]["roc_auc"]
    areas = [part["metrics"]["test"]["roc_auc"]["value"] for part in parts]
    assert area["value"] == pytest.approx(sum(areas) / 3, abs=1e-6)
    assert area["low"] < area["value"] < area["high"]
    assert any("draw patients within each fold's test set" in told for told in done["warnings"])
    baseline = done["metrics"]["baseline"]["roc_auc"]
    assert baseline["value"] is not None
    assert (baseline["low"], baseline["high"]) == (None, None)
    report = (await api.get(f"/api/v1/jobs/{done['job_id']}/report")).json()
    assert sum(report["evaluation"]["calibration"]["n"]) == 120, "of all folds"
    assert report["splits"] == [], "every fold has its own"

    ids = [part["job_id"] for part in parts]
    other = await ask(api, blobs, {"kind": "ensemble", "jobs": ids[:2]})
    assert other.status_code == 409
    assert other.json()["errors"][0]["field"] == "composition.jobs.1"


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_folds_of_one_test_set_have_the_interval_of_its_patients(
    api: httpx.AsyncClient, start_worker: Callable[..., Any], blobs: str
) -> None:
    start_worker()
    folds = await compose(api, blobs, {"kind": "folds", "count": 2, "method": "k-holdout"})
    done = await follow(api, folds["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    tables = [await read_rows(api, part["job_id"]) for part in await children(api, done["job_id"])]
    people = sorted({row["patient"] for row in tables[0]})
    generator, drawn = np.random.default_rng(8), []
    for _ in range(500):
        chosen = generator.choice(people, len(people))
        drawn.append(np.mean([accuracy_of(table, chosen) for table in tables]))
    found = done["metrics"]["test"]["accuracy"]
    assert done["metrics"]["test"]["patients"] == len(people)
    assert found["value"] == pytest.approx(np.mean([accuracy_of(t, people) for t in tables]))
    tail = tail_share(len(people))
    expected = np.quantile(drawn, [tail, 1 - tail])
    assert [found["low"], found["high"]] == pytest.approx(expected, abs=0.05)
    report = (await api.get(f"/api/v1/jobs/{done['job_id']}/report")).json()
    assert "evaluation" not in report
    assert any("An ensemble of these jobs" in told for told in report["warnings"])


def accuracy_of(rows: list[dict[str, str]], patients: Sequence[str]) -> float:
    """Of the images of ``patients``, as often as they are named."""
    right: dict[str, list[bool]] = {}
    for row in rows:
        said = "spot" if float(row["p_spot"]) > 0.5 else "plain"
        right.setdefault(row["patient"], []).append(said == row["label"])
    return float(np.mean([one for patient in patients for one in right[patient]]))


async def test_an_ensemble_may_train_its_members(api: httpx.AsyncClient, blobs: str) -> None:
    member = {"experiment": "labelled-array"}
    seeds = [member | {"overrides": {"seed": seed}} for seed in (1, 2)]
    parent = await compose(api, blobs, {"kind": "ensemble", "members": seeds})
    found = (await api.get("/api/v1/jobs", params={"parent": parent["job_id"]})).json()["items"]
    assert sorted(child["spec"]["settings"]["seed"] for child in found) == [1, 2]
    assert {child["spec"]["settings"]["epochs"] for child in found} == {2}


async def test_a_parent_waits_without_a_slot_and_its_children_have_turns_like_any_job(
    api: httpx.AsyncClient, database: Database, blobs: str
) -> None:
    parent = (await compose(api, blobs, RATES))["job_id"]
    assert (await read(database, parent)).queue_position is None
    claims = [await claim(database) for _ in range(3)]
    assert [c is not None for c in claims] == [True, True, False]
    for held in claims[:2]:
        assert held is not None
        assert (await read(database, held.lease.job_id)).parent_id == parent
        async with database.transaction() as session:
            await store.finish_job(session, held.lease, "failed", reason="no luck")
    assert (await read(database, parent)).children is not None
    last = await claim(database)
    assert last is not None
    assert last.lease.job_id == parent


async def test_cancel_retry_and_delete_reach_the_children(
    api: httpx.AsyncClient, database: Database, blobs: str
) -> None:
    parent = (await compose(api, blobs, RATES))["job_id"]
    held = await claim(database)
    assert held is not None
    path = f"/api/v1/jobs/{parent}"
    assert (await api.post(f"{path}/cancel")).json()["state"] == "cancelled"
    first, second = await children(api, parent)
    assert {first["state"], second["state"]} == {"running", "cancelled"}
    assert first["cancel_requested"]
    assert second["cancel_requested"]
    assert (await api.delete(path)).status_code == 409, "a child is still at work"
    async with database.transaction() as session:
        await store.finish_job(session, held.lease, "cancelled")
    assert (await api.delete(f"/api/v1/jobs/{first['job_id']}")).status_code == 409
    assert (await api.post(f"{path}/retry")).json()["state"] == "queued"
    assert [c["state"] for c in await children(api, parent)] == ["queued", "queued"]
    await api.post(f"{path}/cancel")
    assert (await api.delete(path)).status_code == 204
    assert (await api.get("/api/v1/jobs")).json()["total"] == 0


async def test_children_that_all_fail_are_told_in_the_parent(
    api: httpx.AsyncClient, database: Database, start_worker: Callable[..., Any], blobs: str
) -> None:
    parent = (await compose(api, blobs, RATES))["job_id"]
    async with database.transaction() as session:
        broken = {
            "state": "failed",
            "reason": "the GPU is on fire",
            "finished_at": job.c.created_at,
        }
        await session.execute(update(job).where(job.c.parent_id == parent).values(**broken))
    start_worker()
    done = await follow(api, parent)
    assert (done["state"], done["attempts"]) == ("failed", 1)
    assert "none of its 2 children succeeded" in done["reason"]
    assert "the GPU is on fire" in done["reason"]


@pytest.mark.parametrize(
    ("composition", "field"),
    [
        ({"kind": "sweep", "grid": {"learning_rate": [1e-3]}}, "composition"),
        ({"kind": "sweep", "grid": {"learning_rate": [1e-3, 7]}}, "overrides.learning_rate"),
        (
            {"kind": "sweep", "runs": [{"input_size": 32}, {"input_size": 64}]},
            "overrides.input_size",
        ),
        ({"kind": "folds", "count": 2}, "composition"),
        ({"kind": "ensemble", "jobs": ["a", "b"]}, "composition.jobs.0"),
        ({"kind": "stack"}, "composition"),
    ],
)
async def test_what_cannot_be_composed_is_refused_whole(
    api: httpx.AsyncClient, blobs: str, composition: dict[str, Any], field: str
) -> None:
    answer = await ask(api, blobs, composition)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert (await api.get("/api/v1/jobs")).json()["total"] == 0


@pytest.mark.slow
async def test_an_ensemble_is_of_jobs_on_its_own_data(
    api: httpx.AsyncClient, start_worker: Callable[..., Any], settings: TrainerSettings, blobs: str
) -> None:
    assert settings.arrays is not None
    write_blobs(settings.arrays / "others", seed=4)
    start_worker()
    ids = []
    for seed in (0, 1):
        job_id = (await ask(api, blobs, None, epochs=1, seed=seed)).json()["job_id"]
        assert (await follow(api, job_id))["state"] == "succeeded"
        ids.append(job_id)
    answer = await ask(api, "others", {"kind": "ensemble", "jobs": ids})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "composition.jobs.0"
    assert "other data" in error["message"]


async def test_folds_that_would_lack_a_class_are_refused_whole(
    api: httpx.AsyncClient, settings: TrainerSettings, blobs: str
) -> None:
    assert settings.arrays is not None
    write_blobs(settings.arrays / "few", patients=20)
    asked = {"experiment": "labelled-array", "array": "few", "overrides": SMALL}
    for method, most in (("k-fold", 10), ("k-holdout", 8)):
        folds = {"kind": "folds", "method": method}
        body = asked | {"composition": folds | {"count": most + 1}}
        answer = await api.post("/api/v1/jobs", json=body)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["field"] == "composition.count"
        assert f"{most} patients" in error["message"]
        assert (await api.get("/api/v1/jobs")).json()["total"] == 0
        body["composition"] = folds | {"count": most}
        assert (await api.post("/api/v1/jobs/preview", json=body)).status_code == 200


async def test_a_quota_counts_children_and_a_preview_shows_them(
    api: httpx.AsyncClient, settings: TrainerSettings, blobs: str
) -> None:
    body = {"experiment": "labelled-array", "array": blobs, "overrides": SMALL}
    shown = await api.post("/api/v1/jobs/preview", json=body | {"composition": RATES})
    assert [c["settings"]["learning_rate"] for c in shown.json()["children"]] == [1e-3, 1e-7]
    settings.__dict__["max_queued"] = 2
    assert (await ask(api, blobs, RATES)).status_code == 429
    assert (await ask(api, blobs, None)).status_code == 201
