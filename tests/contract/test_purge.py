"""`embedlab purge`: a dataset and all that was made of it are gone, what is another's stays."""

import asyncio
import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import redis
from catalog.paths import relative_key
from catalog.store.loading import LOCK_CLASS
from chassis.database import asyncpg_url
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from devstack.throwaway import psql
from embedlab.cli import main

from tests.gateway.conftest import Gateway
from tests.imagery.dicom_files import Made, breast, dicom_bytes

NAME, OTHER = "to-purge", "to-keep"
COUNTS = {"cohorts", "flags", "queries", "images", "revisions", "datasets"}


@pytest.fixture(scope="module", autouse=True)
def empty_cache(valkey_url: str) -> None:
    """What other modules of the session left there is no part of these datasets."""
    with closing(redis.Redis.from_url(valkey_url)) as cache:
        cache.flushall()


@pytest.fixture(scope="module")
def admin(lab: Gateway) -> httpx.Client:
    return lab.with_token("admin")


@pytest.fixture(scope="module")
def tables(synthetic_tables: Path) -> Path:
    """A few exams of the synthetic tables, each B or K, and their files."""
    folder = synthetic_tables.with_name("few")
    folder.mkdir()
    read = {}
    for table in ("clinical", "metadata"):
        with (synthetic_tables / f"EMBED_OpenData_{table}.csv").open() as source:
            read[table] = list(csv.DictReader(source))
    pictured = {row["acc_anon"] for row in read["metadata"]}
    known = [row for row in read["clinical"] if row["acc_anon"] in pictured]
    kept = [[row["acc_anon"] for row in known if row["asses"] == asses][:12] for asses in "BK"]
    exams = {exam for part in kept for exam in part}
    for table, rows in read.items():
        with (folder / f"EMBED_OpenData_{table}.csv").open("w") as few:
            writer = csv.DictWriter(few, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(row for row in rows if row["acc_anon"] in exams)
    for row in read["metadata"]:
        if row["acc_anon"] in exams:
            file = folder / relative_key(row["anon_dicom_path"])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(dicom_bytes(breast(), Made(elements={"SOPInstanceUID": file.stem})))
    return folder


@pytest.fixture(scope="module", autouse=True)
def other(admin: httpx.Client, tables: Path) -> None:
    """A dataset that stays."""
    ingest(admin, OTHER, tables)


@pytest.fixture
def dataset(admin: httpx.Client, tables: Path) -> Iterator[str]:
    """A dataset that goes, at the latest with the test."""
    ingest(admin, NAME, tables)
    yield NAME
    for part in ("", "/pictures", "/jobs"):
        assert admin.delete(f"/api/v1/datasets/{NAME}{part}").status_code == 200


def ingest(admin: httpx.Client, name: str, tables: Path) -> None:
    body = {
        "clinical": f"file://{tables}/EMBED_OpenData_clinical.csv",
        "metadata": f"file://{tables}/EMBED_OpenData_metadata.csv",
        "image_root": f"file://{tables}",
        "restricted": False,
    }
    path = f"/api/v1/datasets/{name}/revisions"
    state = admin.post(path, json=body).json()
    while state["state"] in ("queued", "running"):
        state = admin.get(f"{path}/{state['revision_id']}").json()
    assert state["state"] == "succeeded", state


@pytest.fixture
def job(admin: httpx.Client, dataset: str) -> dict[str, Any]:
    """A queued job on a cohort of it, with a flag, a saved query and a picture looked at."""
    image = admin.get("/api/v1/images", params={"dataset": dataset, "has_file": "true"}).json()
    image_id = image["items"][0]["image_id"]
    assert admin.get(f"/api/v1/images/{image_id}/header").status_code == 200
    made = [
        admin.post("/api/v1/flags", json={"image_id": image_id, "kind": "unreadable"}),
        admin.post("/api/v1/queries", json={"dataset": dataset, "name": "mine"}),
    ]
    classes = [{"name": name, "values": [name]} for name in ("B", "K")]
    frozen = {"dataset": dataset, "label": {"field": "asses", "classes": classes}}
    cohort = admin.post("/api/v1/cohorts", json=frozen | {"sampling": {"per_class": 10}})
    assert cohort.status_code == 201, cohort.text
    body = {
        "experiment": "embed-2b6k",
        "cohort_id": cohort.json()["cohort_id"],
        "overrides": {"epochs": 1, "weights": "none"},
    }
    job = admin.post("/api/v1/jobs", json=body)
    assert {answer.status_code for answer in (*made, cohort, job)} == {201}, job.text
    found: dict[str, Any] = job.json()
    return found


@pytest.fixture
def weights(s3: S3Server, job: dict[str, Any]) -> Iterator[tuple[Any, str, str]]:
    """(client, bucket, key) of an object of the job."""
    with closing(make_client(s3)) as client:
        names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
        (bucket,) = (name for name in names if name.startswith("contract-"))
        key = f"jobs/{job['job_id']}/artifacts/1/model.safetensors"
        client.put_object(Bucket=bucket, Key=key, Body=b"weights")
        yield client, bucket, key


@pytest.fixture
def embedlab(lab: Gateway, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_URL", lab.url)
    monkeypatch.setenv("EMBEDLAB_TOKEN", admin.headers["Authorization"].removeprefix("Bearer "))


@pytest.mark.usefixtures("embedlab")
def test_everything_goes_and_the_backups_that_hold_it_are_named(
    lab: Gateway,
    admin: httpx.Client,
    database: str,
    valkey_url: str,
    job: dict[str, Any],
    weights: tuple[Any, str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = counted(admin, OTHER)
    backups(database, "note", "/backups/held")
    cache = redis.Redis.from_url(valkey_url)
    pictured = admin.get("/api/v1/images", params={"dataset": OTHER, "has_file": "true"}).json()
    assert admin.get(f"/api/v1/images/{pictured['items'][0]['image_id']}/header").status_code == 200
    cache.set("imagery:answer:0123", b"its key does not tell whose it is")
    assert list(cache.scan_iter(f"imagery:answer:{NAME}:*"))
    capsys.readouterr()
    assert main(["--json", "purge", NAME, "--yes"]) == 0
    told = {line["service"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    removed = told["catalog"]["removed"]
    assert set(removed) == COUNTS
    assert removed["images"] == before["images"]
    assert (removed["cohorts"], removed["flags"], removed["queries"]) == (1, 1, 1)
    assert [held["place"] for held in told["catalog"]["backups"]] == ["/backups/held"]
    assert told["imagery"]["removed"]["entries"] > 0
    assert told["trainer"]["removed"] == {"jobs": 1}
    assert admin.get(f"/api/v1/datasets/{NAME}").status_code == 404
    assert admin.get(f"/api/v1/jobs/{job['job_id']}").status_code == 404
    assert admin.get(f"/api/v1/cohorts/{job['cohort_id']}").status_code == 404
    assert len(kept := list(cache.scan_iter("imagery:*"))) == 1
    assert kept[0].startswith(f"imagery:answer:{OTHER}:".encode())
    client, bucket, key = weights
    assert client.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0
    assert left_in(database) == []
    assert counted(admin, OTHER) == before
    while lab.app.state.hall.audit.waiting:
        time.sleep(0.05)
    audited = admin.get("/api/v1/audit", params={"action": "dataset.change"}).json()["items"]
    assert f"DELETE /api/v1/datasets/{NAME}" in {row["object"] for row in audited}


@pytest.mark.usefixtures("embedlab")
def test_what_broke_off_half_way_is_finished_by_asking_again(
    admin: httpx.Client, job: dict[str, Any], capsys: pytest.CaptureFixture[str], database: str
) -> None:
    assert admin.delete(f"/api/v1/datasets/{NAME}").status_code == 200
    backups(database, "note", "/backups/later")
    capsys.readouterr()
    assert main(["purge", NAME, "--yes"]) == 0
    said = capsys.readouterr().out
    assert "trainer: removed 1 jobs" in said
    assert "/backups/later" not in said
    assert admin.get(f"/api/v1/jobs/{job['job_id']}").status_code == 404


@pytest.mark.usefixtures("embedlab")
def test_another_name_typed_removes_nothing(
    admin: httpx.Client, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{OTHER}\n"))
    assert main(["purge", dataset]) == 1
    assert admin.get(f"/api/v1/datasets/{dataset}").status_code == 200
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{dataset}\n"))
    assert main(["purge", dataset]) == 0
    assert admin.get(f"/api/v1/datasets/{dataset}").status_code == 404


def test_an_ingest_at_work_is_not_pulled_from_under(
    admin: httpx.Client, dataset: str, database: str
) -> None:
    before = counted(admin, dataset)

    async def at_work() -> httpx.Response:
        connection = await asyncpg.connect(asyncpg_url(database))
        try:
            async with connection.transaction():
                revision = await connection.fetchval(
                    "insert into catalog.revision (dataset, state, request, requested_by) "
                    "values ($1, 'running', '{}', 'nobody') returning revision_id",
                    dataset,
                )
                await connection.execute("select pg_advisory_lock($1, $2)", LOCK_CLASS, revision)
            answer = await asyncio.to_thread(admin.delete, f"/api/v1/datasets/{dataset}")
            await connection.execute(
                "delete from catalog.revision where revision_id = $1", revision
            )
            return answer
        finally:
            await connection.close()

    answer = asyncio.run(at_work())
    assert answer.status_code == 409, answer.text
    assert counted(admin, dataset) == before


def counted(admin: httpx.Client, dataset: str) -> dict[str, int]:
    found: dict[str, int] = admin.post("/api/v1/facets", json={"dataset": dataset}).json()["total"]
    return found


def backups(database: str, action: str, place: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "catalog.backups", action, place],
        env={"CATALOG_DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def left_in(database: str) -> list[str]:
    """What still belongs to the dataset: rows by its name, tables of no revision."""
    tables = ("dataset", "revision", "cohort", "flag", "saved_query", "image_key")
    names = {table: "name" if table == "dataset" else "dataset" for table in tables}
    by_name = [
        f"select '{table}' from catalog.{table} where {column} = '{NAME}'"
        for table, column in names.items()
    ]
    orphans = (
        "select tablename from pg_tables where schemaname = 'catalog' "
        "and tablename ~ '^(clinical|metadata|image|finding)_[0-9]+$' "
        "and split_part(tablename, '_', 2)::bigint "
        "not in (select revision_id from catalog.revision)"
    )
    return psql(database, " union all ".join([*by_name, orphans])).split()
