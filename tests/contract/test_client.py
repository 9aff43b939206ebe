"""The command line against the real services: bring tables, look, count, freeze."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from embedlab import Client
from embedlab.cli import main
from embedlab.smoke import checks

from tests.gateway.conftest import Gateway

Say = Callable[..., list[dict[str, Any]]]

DATASET = "client-test"


@pytest.fixture(scope="module")
def token(lab: Gateway) -> str:
    """An admin's API token."""
    return str(lab.with_token("admin").headers["Authorization"]).removeprefix("Bearer ")


@pytest.fixture
def embedlab(
    lab: Gateway,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Say:
    """Runs a command that must succeed; the JSON values it prints."""
    monkeypatch.setenv("EMBEDLAB_URL", lab.url)
    monkeypatch.setenv("EMBEDLAB_TOKEN", token)

    def run(*words: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        status = main(["--json", *words])
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return [json.loads(line) for line in printed.out.splitlines() if line.startswith("{")]

    return run


@pytest.fixture(scope="module")
def ingested(lab: Gateway, token: str, synthetic_tables: Path) -> str:
    """The synthetic tables as a dataset, brought by the command."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EMBEDLAB_URL", lab.url)
        environment.setenv("EMBEDLAB_TOKEN", token)
        assert main(["ingest", DATASET, *_sources(synthetic_tables), "--open"]) == 0
    return DATASET


def _sources(tables: Path) -> list[str]:
    files = {
        "--clinical": tables / "EMBED_OpenData_clinical.csv",
        "--metadata": tables / "EMBED_OpenData_metadata.csv",
        "--images": tables,
    }
    return [word for option, path in files.items() for word in (option, f"file://{path}")]


def test_a_dry_run_reports_and_changes_nothing(embedlab: Say, synthetic_tables: Path) -> None:
    report = embedlab("ingest", "never-there", *_sources(synthetic_tables), "--dry-run")
    assert report
    assert not any(d["name"] == "never-there" and d.get("revision") for d in embedlab("datasets"))


def test_the_same_tables_again_are_known(
    embedlab: Say, ingested: str, synthetic_tables: Path
) -> None:
    (before,) = (d for d in embedlab("datasets") if d["name"] == ingested)
    embedlab("ingest", ingested, *_sources(synthetic_tables), "--open")
    (after,) = (d for d in embedlab("datasets") if d["name"] == ingested)
    assert after["revision"]["sha256"] == before["revision"]["sha256"]


def test_images_and_facets_agree(embedlab: Say, ingested: str) -> None:
    words = ("ViewPosition=CC", "asses=S,M")
    images = embedlab("images", *words, "--dataset", ingested, "--limit", "0")
    (facets,) = embedlab(
        "facets", *words, "--dataset", ingested, "--facet", "asses", "--facet", "ViewPosition"
    )
    checks.check_search(images, facets["total"]["images"], "CC", ("S", "M"))
    checks.check_totals(images, facets["total"])
    checks.check_facets(facets["facets"], images, "CC", ("S", "M"))


def test_a_limit_is_kept(embedlab: Say, ingested: str) -> None:
    assert len(embedlab("images", "--dataset", ingested, "--limit", "7")) == 7


def test_a_cohort_is_frozen_and_listed(embedlab: Say, ingested: str) -> None:
    (cohort,) = embedlab(
        "cohort", "create", "B against N", "--dataset", ingested, "--class", "B", "--class", "N",
        "--per-class", "20",
    )  # fmt: skip
    members = embedlab("cohort", "members", cohort["cohort_id"])
    assert {member["label"] for member in members} == {"B", "N"}
    assert len(members) == 40
    assert cohort["cohort_id"] in {c["cohort_id"] for c in embedlab("cohort", "list")}
    (again,) = embedlab("cohort", "show", cohort["cohort_id"])
    assert again["sha256"] == cohort["sha256"]


def test_cohorts_of_recipes_are_combined_compared_and_deleted(embedlab: Say, ingested: str) -> None:
    assert [item["name"] for item in embedlab("cohort", "recipes")] == [
        "sn", "dc", "sla", "nus", "dt",
    ]  # fmt: skip
    create = ("cohort", "create", "--dataset", ingested)
    (whole,) = embedlab(*create, "outcomes", "--recipe", "nus", "--folds", "4")
    (part,) = embedlab(*create, "CC alone", "ViewPosition=CC", "--recipe", "nus")
    keys = (whole["cohort_id"], part["cohort_id"])
    (rest,) = embedlab("cohort", "combine", "the rest", "difference", *keys)
    images = [cohort["counts"]["images"] for cohort in (whole, part, rest)]
    assert images[0] - images[1] == images[2] > 0
    (found,) = embedlab("cohort", "compare", *keys)
    assert found["in_both"] == images[1]
    assert found["only_a"]["reasons"] == [{"reason": "matching the filter", "images": images[2]}]
    embedlab("cohort", "delete", rest["cohort_id"])
    assert rest["cohort_id"] not in {c["cohort_id"] for c in embedlab("cohort", "list")}


def test_a_wrong_filter_is_said_with_what_would_be_accepted(
    embedlab: Say, ingested: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["images", "asess=S", "--dataset", ingested]) == 1
    assert "asses" in capsys.readouterr().err


def test_a_job_without_a_worker_waits_and_can_be_cancelled(embedlab: Say, ingested: str) -> None:
    (cohort,) = embedlab(
        "cohort", "create", "B against K", "--dataset", ingested, "--class", "B", "--class", "K",
        "--per-class", "10",
    )  # fmt: skip
    (job,) = embedlab("jobs", "submit", "embed-2b6k", cohort["cohort_id"], "--set", "epochs=1",
                      "--set", "weights=none")  # fmt: skip
    assert job["state"] == "queued"
    assert job["job_id"] in {found["job_id"] for found in embedlab("jobs", "list")}
    main(["jobs", "cancel", job["job_id"]])
    (after,) = [found for found in embedlab("jobs", "list") if found["job_id"] == job["job_id"]]
    assert after["state"] == "cancelled"


@pytest.fixture(scope="module")
def by_image(lab: Gateway, token: str, ingested: str) -> str:
    """A cohort split by image; its id."""
    with Client(lab.url, token) as client:
        label = {"field": "asses", "classes": [{"name": n, "values": [n]} for n in "BK"]}
        split = {"by": "image"}
        cohort = client.create_cohort(
            {"name": "by image", "dataset": ingested, "label": label, "split": split, "seed": 7}
        )
    return cohort["cohort_id"]


def test_a_split_by_image_takes_the_published_protocol(
    embedlab: Say, by_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    submit = (
        "jobs",
        "submit",
        "embed-2b6k",
        by_image,
        "--set",
        "epochs=1",
        "--set",
        "weights=none",
    )
    assert main([*submit]) == 1
    assert "split by image" in capsys.readouterr().err
    (job,) = embedlab(*submit, "--protocol", "published")
    assert job["spec"]["protocol"] == "published"
    (folds,) = embedlab(
        "jobs", "submit", "embed-2b6k", _by_patient(embedlab, job["dataset"]), "--set", "epochs=1",
        "--set", "weights=none", "--folds", "2", "--fold-method", "k-holdout",
    )  # fmt: skip
    assert folds["spec"]["composition"]["method"] == "k-holdout"
    capsys.readouterr()
    assert main(["jobs", "compare", job["job_id"], folds["job_id"]]) == 0
    told = capsys.readouterr()
    assert "is not tested against" in told.out
    assert "do not compare" in told.err
    for queued in (job, folds):
        main(["jobs", "cancel", queued["job_id"]])


def _by_patient(embedlab: Say, dataset: str) -> str:
    (cohort,) = embedlab(
        "cohort", "create", "scored", "--dataset", dataset, "--class", "B", "--class", "K",
        "--per-class", "30",
    )  # fmt: skip
    return str(cohort["cohort_id"])


def test_scores_from_elsewhere_are_queued_and_refused_by_line_and_column(
    embedlab: Say, ingested: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort_id = _by_patient(embedlab, ingested)
    members = embedlab("cohort", "members", cohort_id)
    tested = [member["image_id"] for member in members if member["split"] == "test"]
    scores = tmp_path / "scores.csv"
    _write_scores(scores, [(image_id, 0.25) for image_id in tested])
    (job,) = embedlab("evaluate", str(scores), "--cohort", cohort_id, "--name", "from elsewhere")
    assert (job["name"], job["state"]) == ("from elsewhere", "queued")
    assert job["spec"]["scores"]["split"] == "test"
    main(["jobs", "cancel", job["job_id"]])
    _write_scores(scores, [(tested[0], 0.5), (tested[1], 7)])
    capsys.readouterr()
    assert main(["evaluate", str(scores), "--cohort", cohort_id]) == 1
    assert "line 3, p_B: '7' is no probability from 0 to 1" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "none.csv"), "--cohort", cohort_id]) == 1


def _write_scores(path: Path, rows: list[tuple[int, float]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("image_id", "p_B", "p_K"))
        writer.writerows((image_id, b, 1 - b) for image_id, b in rows)
