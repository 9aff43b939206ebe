"""A job on a frozen cohort, with the real catalog and imagery over synthetic mammograms."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import catalog.app
import catalog.migrate
import catalog.settings
import httpx
import imagery.app
import imagery.settings
import pytest
from devstack.synthetic import Demo, write_demo
from devstack.synthetic.selection import Plan
from devstack.testing import IdentityKeys, SignIdentity
from trainer.app import create_app
from trainer.experiments import EXPERIMENTS
from trainer.settings import TrainerSettings

from tests.trainer.running import follow, serving

pytestmark = pytest.mark.slow

PLAN = Plan(
    pairs=10, per_assessment=0, per_severity=0, normal=0, histories=0, full_size_pairs=0,
    max_images=6,
)  # fmt: skip
TINY = {"input_size": 32, "epochs": 2, "precision": "float32"}


@pytest.fixture(scope="session")
def mammograms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables and small DICOM files of 20 patients, half of them with a cancer."""
    folder = tmp_path_factory.mktemp("mammograms")
    write_demo(folder, seed=7, progress=lambda *_: None, demo=Demo(0, PLAN, pixel_scale=1 / 16))
    return folder


class Lab:
    """Catalog, imagery and trainer as one person sees them."""

    def __init__(self, mirror: Path, urls: dict[str, str], headers: dict[str, str]) -> None:
        self.mirror = mirror
        clients = {
            k: httpx.AsyncClient(base_url=u, headers=headers, timeout=60) for k, u in urls.items()
        }
        self.catalog, self.imagery, self.api = (
            clients[name] for name in ("catalog", "imagery", "trainer")
        )

    async def close(self) -> None:
        for client in (self.catalog, self.imagery, self.api):
            await client.aclose()

    async def ingest(self, authorization: str) -> None:
        root = f"file://{self.mirror}"
        names = {
            kind: f"{root}/tables/EMBED_OpenData_{kind}.csv" for kind in ("clinical", "metadata")
        }
        answer = await self.catalog.post(
            "/api/v1/datasets/embed-synthetic/revisions",
            json={**names, "image_root": f"{root}/images"},
            headers={"Authorization": authorization},
        )
        assert answer.status_code == 202, answer.text
        where = f"/api/v1/datasets/embed-synthetic/revisions/{answer.json()['revision_id']}"
        for _ in range(600):
            found = (await self.catalog.get(where, headers={"Authorization": authorization})).json()
            if found["state"] in ("succeeded", "failed"):
                break
            await asyncio.sleep(0.1)
        assert found["state"] == "succeeded", found

    async def freeze(self, by: str = "patient", classes: str = "BK") -> dict[str, Any]:
        body = {
            "name": "B against K",
            "dataset": "embed-synthetic",
            "filter": {},
            "label": {
                "field": "asses",
                "classes": [{"name": c, "values": [c]} for c in classes],
                "policy": "worst",
            },
            "sampling": None,
            "split": {"by": by, "train": 0.6, "validation": 0.2, "test": 0.2},
            "seed": 1,
        }
        answer = await self.catalog.post("/api/v1/cohorts", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def submit(
        self, cohort: dict[str, Any], asked: Mapping[str, Any] = {}, **overrides: Any
    ) -> httpx.Response:
        body = {
            "experiment": "embed-2b6k",
            "cohort_id": cohort["cohort_id"],
            "overrides": TINY | overrides,
        }
        return await self.api.post("/api/v1/jobs", json=body | dict(asked))

    async def pictures(self) -> float:
        """How many pictures imagery has answered for."""
        text = (await self.imagery.get("/metrics")).text
        lines = [
            x for x in text.splitlines() if x.startswith("http_requests_total") and "/pixels" in x
        ]
        return sum(float(line.split()[-1]) for line in lines)


@pytest.fixture
def catalog_settings(
    settings: TrainerSettings, identity_keys: IdentityKeys, tmp_path: Path
) -> catalog.settings.Settings:
    """Settings of a migrated catalog in the trainer's database server."""
    catalog.migrate.migrate(settings.database_url)
    return catalog.settings.Settings(
        database_url=settings.database_url,
        identity_jwks=identity_keys.jwks_path,
        mirror_root=tmp_path / "mirror",
    )


@pytest.fixture
async def lab(
    mammograms: Path,
    tmp_path: Path,
    settings: TrainerSettings,
    catalog_settings: catalog.settings.Settings,
    sign_identity: SignIdentity,
) -> AsyncIterator[Lab]:
    mirror = tmp_path / "mirror"
    shutil.copytree(mammograms, mirror)
    async with serving(catalog.app.create_app(catalog_settings)) as catalog_url:
        imagery_settings = imagery.settings.ImagerySettings(
            catalog_url=catalog_url, cache_url=settings.broker_url, workers=1,
            disk_cache_dir=tmp_path / "cache", mirror_root=mirror,
            identity_jwks=settings.identity_jwks,
        )  # fmt: skip
        async with serving(imagery.app.create_app(imagery_settings)) as imagery_url:
            urls = {"catalog": catalog_url, "imagery": imagery_url}
            here = {f"{name}_url": url for name, url in urls.items()}
            settings.__dict__.update(here)  # start_worker reads the same settings
            async with serving(create_app(settings)) as trainer_url:
                headers = {"Authorization": sign_identity("researcher")}
                opened = Lab(mirror, urls | {"trainer": trainer_url}, headers)
                try:
                    await opened.ingest(sign_identity("admin"))
                    yield opened
                finally:
                    await opened.close()


async def test_a_cohort_is_fetched_once_trained_and_reported(
    lab: Lab,
    start_worker: Callable[..., Any],
    settings: TrainerSettings,
    sign_identity: SignIdentity,
) -> None:
    cohort = await lab.freeze()
    images = cohort["counts"]["images"]
    answer = await lab.submit(cohort)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert job["dataset"] == "embed-synthetic"
    assert job["estimate"]["bytes"] > images * 32 * 32
    start_worker()
    done = await follow(lab.api, job["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    test = done["metrics"]["test"]
    assert test["n"] == sum(c["splits"]["test"] for c in cohort["classes"])
    assert await lab.pictures() == images

    report = (await lab.api.get(f"/api/v1/jobs/{job['job_id']}/report")).json()
    assert report["spec"]["source"]["sha256"] == cohort["sha256"]
    assert "Manufacturer = " in " ".join(report["metrics"]["baseline"]["features"])
    assert not any("asses" in name for name in report["metrics"]["baseline"]["features"])
    assert {row["model"] for row in report["published"]} == {"resnet18", "convnext_tiny"}
    page = await lab.api.get(
        f"/api/v1/jobs/{job['job_id']}/report", headers={"Accept": "text/html"}
    )
    assert page.headers["content-type"].startswith("text/html")
    assert "<svg" in page.text

    again = (await lab.submit(cohort, seed=1)).json()
    assert (await follow(lab.api, again["job_id"]))["state"] == "succeeded"
    assert await lab.pictures() == images, "the second job found the pixels of the first"

    body = {"kind": "ensemble", "jobs": [job["job_id"], again["job_id"]]}
    asked = {"experiment": "embed-2b6k", "composition": body}
    mean = (await lab.api.post("/api/v1/jobs", json=asked)).json()
    assert (await follow(lab.api, mean["job_id"]))["state"] == "succeeded"
    together = (await lab.api.get(f"/api/v1/jobs/{mean['job_id']}/report")).json()
    assert together["lineage"] == report["lineage"]
    for part in ("levels", "subgroups"):
        here, there = (found["evaluation"][part] for found in (together, report))
        assert here, part
        assert [_known_of(row) for row in here] == [_known_of(row) for row in there]

    def arrays() -> list[Path]:
        return list(settings.scratch.glob("pixels/*/images.npy"))

    assert arrays()
    headers = {"Authorization": sign_identity("admin")}
    purged = await lab.api.delete("/api/v1/datasets/embed-synthetic/jobs", headers=headers)
    assert purged.json()["removed"] == {"jobs": 3}
    for _ in range(600):  # the worker hears of it
        if not arrays():
            break
        await asyncio.sleep(0.1)
    assert not arrays()


def _known_of(row: dict[str, Any]) -> dict[str, Any]:
    """What of a level or subgroup is known without a prediction."""
    return {k: row[k] for k in ("level", "variable", "group", "n", "patients") if k in row}


async def test_the_catalog_takes_every_cohort_that_is_declared(lab: Lab) -> None:
    expected = {n: e.cohort.model_dump() for n, e in EXPERIMENTS.items() if e.cohort is not None}
    assert len(expected) >= 6
    for name, definition in expected.items():
        body = {"name": name, "dataset": "embed-synthetic", "seed": 1, **definition}
        answer = await lab.catalog.post("/api/v1/cohorts/preview", json=body)
        assert answer.status_code == 200, (name, answer.text)
        classes = [found["name"] for found in answer.json()["classes"]]
        assert classes == list(EXPERIMENTS[name].classes)


async def test_missing_images_are_told_or_refused(
    lab: Lab, start_worker: Callable[..., Any]
) -> None:
    cohort = await lab.freeze()
    members = (await lab.catalog.get(f"/api/v1/cohorts/{cohort['cohort_id']}/members")).json()
    uid, image_id = (members["items"][0][name] for name in ("sop_instance_uid", "image_id"))
    (broken,) = lab.mirror.rglob(f"*{uid}.dcm")
    broken.write_bytes(b"not DICOM")
    start_worker()
    strict = (await lab.submit(cohort, missing_tolerance=0.0)).json()
    failed = await follow(lab.api, strict["job_id"])
    assert failed["state"] == "failed"
    assert "1 of " in failed["reason"]
    assert f"({image_id})" in failed["reason"]
    lenient = (await lab.submit(cohort, missing_tolerance=0.1)).json()
    done = await follow(lab.api, lenient["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    assert any("left out" in text for text in done["warnings"])


async def test_the_published_protocol_chooses_on_the_test_split_and_says_so(
    lab: Lab, start_worker: Callable[..., Any]
) -> None:
    cohort = await lab.freeze(by="image")
    answer = await lab.submit(cohort, {"protocol": "published"})
    assert answer.status_code == 201, answer.text
    start_worker()
    done = await follow(lab.api, answer.json()["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    assert done["spec"]["protocol"] == "published"
    assert any("inflated" in text for text in done["warnings"])
    chosen = next(e for e in done["epochs"] if e["epoch"] == done["metrics"]["epoch"])
    test = done["metrics"]["test"]
    assert test["n"] == sum(c["splits"]["test"] for c in cohort["classes"])
    assert chosen["validation_accuracy"] == pytest.approx(test["accuracy"]["value"])
    assert chosen["validation_roc_auc"] == pytest.approx(test["roc_auc"]["value"])
    report = (await lab.api.get(f"/api/v1/jobs/{done['job_id']}/report")).json()
    used = {row["split"]: row["images"] for row in report["splits"]}
    rest = sum(c["splits"]["train"] + c["splits"]["validation"] for c in cohort["classes"])
    assert used == {"train": rest, "test": test["n"]}


async def test_a_protocol_is_of_one_kind_of_split(lab: Lab) -> None:
    by_patient = await lab.submit(await lab.freeze(), {"protocol": "published"})
    assert by_patient.status_code == 422
    assert by_patient.json()["errors"][0]["field"] == "protocol"
    by_image = await lab.freeze(by="image")
    for composition in (
        {"kind": "folds", "count": 3},
        {"kind": "sweep", "grid": {"learning_rate": [1e-3, 1e-4]}},
    ):
        body = {"protocol": "published", "composition": composition}
        refused = await lab.submit(by_image, body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "composition"


async def test_what_the_catalog_knows_to_be_wrong_is_refused_at_submit(
    lab: Lab, sign_identity: SignIdentity
) -> None:
    unknown = await lab.submit({"cohort_id": "00000000-0000-0000-0000-000000000000"})
    assert unknown.status_code == 404
    assert unknown.json()["errors"][0]["field"] == "cohort_id"
    overlapping = await lab.submit(await lab.freeze(by="image"))
    assert overlapping.status_code == 409
    assert "split by image" in overlapping.json()["detail"]
    cohort = await lab.freeze()
    fewest = min(part["patients"] for part in cohort["classes"])
    body = {"experiment": "embed-2b6k", "cohort_id": cohort["cohort_id"], "overrides": TINY}
    folds = {"kind": "folds", "count": fewest + 1}
    lacking = await lab.api.post("/api/v1/jobs", json=body | {"composition": folds})
    assert lacking.status_code == 422, lacking.text
    assert lacking.json()["errors"][0]["field"] == "composition.count"
    assert lacking.json()["errors"][0]["accepted"] == [f"at most {fewest}"]
    foreign = await lab.submit(await lab.freeze(classes="BN"))
    assert foreign.status_code == 422
    assert "no class K" in foreign.json()["detail"]


async def test_uploaded_scores_are_evaluated_like_a_job(
    lab: Lab, start_worker: Callable[..., Any]
) -> None:
    cohort = await lab.freeze()
    where = f"/api/v1/cohorts/{cohort['cohort_id']}/members"
    members = (await lab.catalog.get(where, params={"limit": 1000})).json()["items"]
    test = [m for m in members if m["split"] == "test"]
    told = {"B": "0.7,0.3", "K": "0.1,0.9"}
    rows = [f"{m['image_id']},{told[m['label']]}" for m in test]
    asked = {"cohort_id": cohort["cohort_id"], "name": "a colleague's"}

    async def send(text: str) -> httpx.Response:
        headers = {"Content-Type": "text/csv"}
        path = "/api/v1/evaluations"
        return await lab.api.post(path, params=asked, content=text, headers=headers)

    header = "image_id,p_B,p_K"
    short = await send("\n".join([header, *rows[:-1]]))
    assert short.status_code == 422
    assert "have no row" in short.json()["detail"]
    wrong = await send("\n".join([header, rows[0].replace("0.", "7."), *rows[1:]]))
    assert wrong.json()["errors"][0]["field"].startswith("line 2, p_")
    assert (await lab.api.get("/api/v1/jobs")).json()["total"] == 0, "nothing half written"

    queued = await send("\n".join([header, *rows]))
    assert queued.status_code == 201, queued.text
    start_worker()
    done = await follow(lab.api, queued.json()["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    assert done["metrics"]["test"]["n"] == len(test)
    assert done["metrics"]["test"]["roc_auc"]["value"] == 1.0
    assert done["metrics"]["baseline"] is None
    report = (await lab.api.get(f"/api/v1/jobs/{done['job_id']}/report")).json()
    assert report["lineage"]["scores"].startswith("scores uploaded")
    assert [one["level"] for one in report["evaluation"]["levels"]] == [
        "breast", "breast", "exam", "exam",
    ]  # fmt: skip
    again = await send("\n".join([header, *rows]))
    second = await follow(lab.api, again.json()["job_id"])
    ids = [done["job_id"], second["job_id"]]
    joined = await lab.submit(cohort, {"composition": {"kind": "ensemble", "jobs": ids}})
    assert joined.status_code == 422, "nothing is known of how they were chosen"
    assert joined.json()["errors"][0]["field"] == "composition.jobs.0"
    page = await lab.api.get(
        f"/api/v1/jobs/{done['job_id']}/report", headers={"Accept": "text/html"}
    )
    assert "scores uploaded" in page.text
    assert await lab.pictures() == 0, "scores need no pixels"
