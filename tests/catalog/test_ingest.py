"""Ingests over HTTP: idempotent, never half visible, refused with line and reason."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from catalog.paths import relative_key
from catalog.settings import Settings
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from devstack.throwaway import psql

from tests.catalog.conftest import Api, served, sources
from tests.catalog.direct import ingest_here, put
from tests.catalog.tables import Tables, several

ASSES = {
    "field": "asses",
    "classes": [{"name": "N", "values": ["N"]}, {"name": "not N", "values": ["B", "A", "S", "K"]}],
}


def test_the_same_bytes_from_s3_answer_the_same_revision(
    admin: Api, s3: S3Server, bucket: str
) -> None:
    tables = several(1)
    with closing(make_client(s3)) as client:
        for name in ("clinical", "metadata"):
            client.put_object(
                Bucket=bucket, Key=f"t/{name}.csv", Body=getattr(tables, name).encode()
            )
        for row in csv.DictReader(io.StringIO(tables.metadata)):
            key = f"images/{relative_key(row['anon_dicom_path'])}"
            client.put_object(Bucket=bucket, Key=key, Body=b"")
        request = {name: f"s3://{bucket}/t/{name}.csv" for name in ("clinical", "metadata")}
        request |= {"image_root": f"s3://{bucket}/images"}
        path = "/api/v1/datasets/twice/revisions"
        first = admin.wait(admin.post(path, request, 202))
        assert first["state"] == "succeeded", first["error"]
        assert first["progress"]["phase"] == "done"
        again = admin.post(path, request, 202)
        assert again["revision_id"] == first["revision_id"]
        before = admin.get("/api/v1/images", dataset="twice")["items"]
        more = tables.metadata + tables.metadata.splitlines()[-1].replace(".dcm", "7.dcm") + "\n"
        client.put_object(Bucket=bucket, Key="t/metadata.csv", Body=more.encode())
        changed = admin.wait(admin.post(path, request, 202))
    assert changed["revision_id"] != first["revision_id"]
    after = admin.get("/api/v1/images", dataset="twice", limit=1000)["items"]
    ids = {image["sop_instance_uid"]: image["image_id"] for image in after}
    assert len(after) == changed["counts"]["images"] == first["counts"]["images"] + 1
    assert all(ids[image["sop_instance_uid"]] == image["image_id"] for image in before)


@pytest.mark.parametrize("reduced", [(), ("clinical",)])
def test_the_tables_of_a_folder_are_found_by_their_names(
    admin: Api, s3: S3Server, bucket: str, reduced: tuple[str, ...]
) -> None:
    tables = several(13)
    files = {
        "EMBED_OpenData_clinical.csv": tables.clinical,
        "EMBED_OpenData_metadata.csv": tables.metadata,
        "EMBED_OpenData_metadata_reduced.csv": "",
        "AWS_Open_Data_Clinical_Legend.csv": "",
        "older/EMBED_OpenData_clinical.csv": "",
    }
    for table in reduced:
        name = f"EMBED_OpenData_{table}"
        files[f"{name}_reduced.csv"] = files.pop(f"{name}.csv")
    with closing(make_client(s3)) as client:
        for name, text in files.items():
            client.put_object(Bucket=bucket, Key=f"the tables/{name}", Body=text.encode())
    request = {"tables": f"s3://{bucket}/the%20tables/", "image_root": f"s3://{bucket}/images"}
    dataset = f"folder-{len(reduced)}"
    state = admin.wait(admin.post(f"/api/v1/datasets/{dataset}/revisions", request, 202))
    assert state["state"] == "succeeded", state["error"]
    assert state["counts"]["findings"] == tables.clinical.count("\n") - 1


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], "*clinical*.csv is expected there; found: nothing"),
        (["clinical.csv"], "*metadata*.csv is expected there; found: clinical.csv"),
        (["clinical.csv", "my_clinical.csv"], "found: clinical.csv, my_clinical.csv"),
    ],
)
def test_a_folder_without_both_tables_is_refused(
    admin: Api, folder: Path, names: list[str], told: str
) -> None:
    for name in names:
        (folder / name).write_text("")
    body = {"tables": f"file://{folder}", "image_root": "s3://images"}
    answer = admin.http.post("/api/v1/datasets/wrong/revisions", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "tables"
    assert told in error["message"]


@pytest.mark.parametrize("given", [("clinical",), ("clinical", "metadata", "tables"), ()])
def test_both_tables_or_their_folder_are_asked_for(admin: Api, given: tuple[str, ...]) -> None:
    body = {**dict.fromkeys(given, "s3://images/x"), "image_root": "s3://images"}
    answer = admin.http.post("/api/v1/datasets/wrong/revisions", json=body)
    assert answer.status_code == 422
    assert "or the folder of both as tables" in answer.json()["errors"][0]["message"]


def test_equal_bytes_under_another_tag_are_recognised_by_their_hash(
    admin: Api, folder: Path
) -> None:
    put(folder, several(2))
    first = admin.ingest("hashed", folder)
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    again = admin.ingest("hashed", folder)
    assert again["same_as"] == first["revision_id"]
    dataset = admin.get("/api/v1/datasets/hashed")
    assert dataset["revision"]["revision_id"] == first["revision_id"]


def test_the_same_files_by_other_rules_are_made_anew(
    admin: Api, folder: Path, catalog_settings: Settings
) -> None:
    put(folder, several(12))
    first = admin.ingest("ruled", folder)
    older = f"update catalog.revision set rules = 'old' where revision_id = {first['revision_id']}"
    psql(catalog_settings.database_url, older)
    second = admin.ingest("ruled", folder)
    assert second["same_as"] is None
    assert second["state"] == "succeeded", second["error"]
    served = admin.get("/api/v1/datasets/ruled")["revision"]["revision_id"]
    assert served == second["revision_id"] > first["revision_id"]


def test_a_trial_tells_and_keeps_nothing(
    admin: Api, folder: Path, catalog_url: str, catalog_settings: Settings
) -> None:
    put(folder, several(3))
    names = {
        name: f"file://{folder}/EMBED_OpenData_{name}.csv" for name in ("clinical", "metadata")
    }
    command = ["ingest", "trial", "--images", "s3://images/images", "--dry-run", "--open"]
    for name, uri in names.items():
        command += [f"--{name}", uri]
    ended = subprocess.run(
        [sys.executable, "-m", "embedlab.cli", *command],
        env={
            **os.environ,
            "EMBEDLAB_URL": catalog_url,
            "EMBEDLAB_TOKEN": admin.authorize().removeprefix("Bearer "),
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout[ended.stdout.index("{") :])
    assert {"repaired", "rejected", "noticed"} <= report.keys()
    assert "trial would be in the catalog" in ended.stdout + ended.stderr
    (state,) = admin.get("/api/v1/datasets/trial/revisions")["items"]
    assert state["dry_run"]
    assert state["counts"]["images"] > 0
    left = "select count(*) from pg_tables where schemaname = 'catalog' and tablename ~ '_{}$'"
    assert psql(catalog_settings.database_url, left.format(state["revision_id"])).strip() == "0"
    assert "trial" not in {d["name"] for d in admin.get("/api/v1/datasets")["items"]}
    assert admin.http.get("/api/v1/images", params={"dataset": "trial"}).status_code == 404


HTML = "<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>\n"


def cut(text: str) -> str:
    """The third line without all cells but the first."""
    lines = text.split("\n")
    lines[2] = ",".join(lines[2].split(",")[:4])
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (lambda text: HTML, 1, "columns missing"),
        (lambda text: text.replace("acc_anon", "accession", 1), 1, "acc_anon"),
        (cut, 3, "missing data"),
        (lambda text: text.replace("\n", "\nX,", 2).replace("X,", "", 1), 3, "cells"),
        (lambda text: text + text.split("\n")[1] + "\n", None, "once more"),
        (lambda text: text.replace("2D", "2\x00D", 1), None, "NUL"),
        (lambda text: text.split("\n")[0] + "\n", 1, "no rows"),
        (lambda text: "", 1, "header"),
        (lambda text: text + '"', None, "quote"),
        (lambda text: text.replace("/mnt", "\xff", 1), None, "UTF-8"),
    ],
)
async def test_a_wrong_file_is_refused_with_line_and_reason(
    bare_settings: Settings, folder: Path, change: Any, line: int | None, reason: str
) -> None:
    tables = several(4)
    (folder / "EMBED_OpenData_clinical.csv").write_text(tables.clinical)
    wrong = change(tables.metadata).encode("latin-1")
    (folder / "EMBED_OpenData_metadata.csv").write_bytes(wrong)
    state = await ingest_here(bare_settings, folder)
    assert state["state"] == "failed"
    assert "metadata" in state["error"]
    assert reason in state["error"], state["error"]
    assert line is None or f"line {line}" in state["error"], state["error"]


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (lambda tables: HTML, 1, "columns missing"),
        (lambda tables: tables.metadata, 1, "columns missing"),  # the other table
        (lambda tables: cut(tables.clinical), 3, "missing data"),
        (lambda tables: tables.clinical.replace("\n", "\n\xff", 1), 2, "UTF-8"),
        (lambda tables: tables.clinical.replace(",", ";"), 1, "columns missing"),
        (lambda tables: tables.clinical.replace("side", "asses", 1), 1, "named twice"),
    ],
)
async def test_a_wrong_clinical_file_is_refused_with_line_and_reason(
    bare_settings: Settings, folder: Path, change: Any, line: int | None, reason: str
) -> None:
    tables = several(4)
    (folder / "EMBED_OpenData_metadata.csv").write_text(tables.metadata)
    (folder / "EMBED_OpenData_clinical.csv").write_bytes(change(tables).encode("latin-1"))
    state = await ingest_here(bare_settings, folder)
    assert state["state"] == "failed"
    assert state["error"].startswith("clinical")
    assert reason in state["error"], state["error"]
    assert line is None or f"line {line}:" in state["error"], state["error"]


async def test_ids_that_lost_digits_are_refused(bare_settings: Settings, folder: Path) -> None:
    tables = several(6)
    lines = tables.metadata.split("\n")
    cells = lines[1].split(",")
    lines[1] = ",".join([cells[0], "9.1234567890123e+15", *cells[2:]])
    put(folder, Tables(tables.clinical, "\n".join(lines)))
    state = await ingest_here(bare_settings, folder)
    assert "digits were lost" in state["error"]
    assert "line 2" in state["error"]


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "http://example.org/x.csv",
        "s3://",
        "file:///\x00",
        "s3://no-such-bucket-here/x.csv",
        "../x",
    ],
)
def test_sources_outside_of_store_and_mirror_are_refused(admin: Api, uri: str) -> None:
    body = {"clinical": uri, "metadata": uri, "image_root": "s3://images"}
    answer = admin.http.post("/api/v1/datasets/wrong/revisions", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "clinical"


def test_embed_needs_an_agreement_everywhere(
    admin: Api, folder: Path, catalog_url: str, person: Callable[..., Api]
) -> None:
    tables = put(folder, several(8))
    refused = admin.http.post("/api/v1/datasets/embed/revisions", json=sources(tables))
    assert refused.json()["errors"][0]["field"] == "basis"  # its name alone makes it restricted
    state = admin.ingest("embed", tables, basis="synthetic rows, all of them")
    assert state["state"] == "succeeded", state["error"]
    agreed = person(catalog_url, "researcher", agreements=["embed"])
    other = person(catalog_url, "researcher")
    page = agreed.get("/api/v1/images", dataset="embed")
    image = page["items"][0]
    cohort = agreed.post("/api/v1/cohorts", {"dataset": "embed", "label": ASSES}, 201)
    assert agreed.get(f"/api/v1/cohorts/{cohort['cohort_id']}")["name"] == "cohort"
    for path in (
        "/api/v1/images?dataset=embed",
        "/api/v1/filters?dataset=embed",
        f"/api/v1/images/{image['image_id']}",
        f"/api/v1/exams/{image['exam_id']}?dataset=embed",
        f"/api/v1/patients/{image['patient_id']}?dataset=embed",
        f"/api/v1/cohorts/{cohort['cohort_id']}",
        f"/api/v1/cohorts/{cohort['cohort_id']}/members",
    ):
        assert other.http.get(path).status_code == 403, path
    for path, body in (
        ("/api/v1/facets", {"dataset": "embed"}),
        ("/api/v1/images/search", {"dataset": "embed"}),
        ("/api/v1/cohorts", {"dataset": "embed", "label": ASSES}),
        ("/api/v1/cohorts/preview", {"dataset": "embed", "label": ASSES}),
        ("/internal/v1/image-sources", {"image_ids": [image["image_id"]]}),
    ):
        assert other.http.post(path, json=body).status_code == 403, path
    assert cohort["cohort_id"] not in {
        c["cohort_id"] for c in other.get("/api/v1/cohorts")["items"]
    }


def test_a_cohort_has_the_same_hash_on_another_stack_and_another_with_a_changed_label(
    admin: Api,
    folder: Path,
    catalog_settings: Settings,
    postgres_url: str,
    database_url: str,
    person: Callable[..., Api],
) -> None:
    from catalog.migrate import migrate

    tables = several(9)
    put(folder, tables)
    request = {"dataset": "hashes", "label": {**ASSES, "policy": "exclude"}, "seed": 3}
    admin.ingest("hashes", folder)
    here = admin.post("/api/v1/cohorts", request, 201)
    migrate(database_url)
    with served(catalog_settings.model_copy(update={"database_url": database_url})) as url:
        other = person(url, "admin")
        filler = folder / "filler"
        filler.mkdir()
        other.ingest("filler", put(filler, several(10)))  # ids differ from those of the first stack
        other.ingest("hashes", folder, image_root="s3://elsewhere/images")
        there = other.post("/api/v1/cohorts", request, 201)
        assert there["sha256"] == here["sha256"]
        lines = tables.clinical.split("\n")
        column = lines[0].split(",").index("asses")
        for number, line in enumerate(lines[1:], 1):
            cells = line.split(",")
            if len(cells) > column and cells[column] == "N":
                cells[column] = "B"
                lines[number] = ",".join(cells)
                break
        put(folder, Tables("\n".join(lines), tables.metadata))
        other.ingest("hashes", folder)
        changed = other.post("/api/v1/cohorts", request, 201)
        assert changed["sha256"] != here["sha256"]
        # The cohort of the former revision stays as it was frozen.
        frozen = other.get(f"/api/v1/cohorts/{there['cohort_id']}")
        assert frozen["sha256"] == there["sha256"]
