"""What a cohort is taken out as, opened by the programs that people open it with."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from devstack.seaweedfs import S3Server

from tests.catalog.conftest import Api

BIN = Path(sys.executable).parent
COHORT = {
    "name": "Suspicious, or not",
    "filter": {"FinalImageType": ["2D"]},
    "label": {
        "field": "asses",
        "classes": [{"name": "negative", "values": ["N", "B"]}, {"name": "A", "values": ["A"]}],
    },
    "seed": 11,
}


@pytest.fixture(scope="module")
def cohort(researcher: Api, synthetic: dict[str, Any]) -> dict[str, Any]:
    """A frozen cohort."""
    found: dict[str, Any] = researcher.post("/api/v1/cohorts", COHORT, 201)
    return found


@pytest.fixture(scope="module")
def take(researcher: Api, cohort: dict[str, Any]) -> Callable[[str], bytes]:
    """`take(file)`: its bytes."""

    def get(file: str) -> bytes:
        answer = researcher.http.get(f"/api/v1/cohorts/{cohort['cohort_id']}/export/{file}")
        assert answer.status_code == 200, answer.text
        assert file in answer.headers["content-disposition"]
        return answer.content

    return get


@pytest.fixture(scope="module")
def folder(take: Callable[[str], bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file of the export."""
    path = tmp_path_factory.mktemp("export")
    for file in ("members.csv", "members.parquet", "findings.csv", "findings.parquet"):
        (path / file).write_bytes(take(file))
    (path / "croissant.json").write_bytes(take("croissant.json"))
    return path


@pytest.fixture(scope="module")
def members(researcher: Api, cohort: dict[str, Any]) -> list[dict[str, Any]]:
    """The members by the API."""
    path = f"/api/v1/cohorts/{cohort['cohort_id']}/members"
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = researcher.get(path, limit=1000, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def test_the_list_names_every_file(researcher: Api, cohort: dict[str, Any]) -> None:
    page = researcher.get(f"/api/v1/cohorts/{cohort['cohort_id']}/export")
    assert page["total"] == len(page["items"]) == 6
    for item in page["items"]:
        answer = researcher.http.get(item["url"])
        assert answer.headers["content-type"] == item["media_type"]


def test_members_come_with_labels_splits_and_embeds_columns(
    folder: Path, members: list[dict[str, Any]], synthetic_tables: Path
) -> None:
    table = pl.read_parquet(folder / "members.parquet")
    assert table["sop_instance_uid"].to_list() == [m["sop_instance_uid"] for m in members]
    for ours, theirs in (("label", "label"), ("split", "split"), ("acc_anon", "exam_id")):
        assert table[ours].to_list() == [m[theirs] for m in members]
    header = (synthetic_tables / "EMBED_OpenData_metadata.csv").read_text().partition("\n")[0]
    names = [name or "Unnamed: 0" for name in header.split(",")]
    added = ["image_id", "sop_instance_uid", "label", "split", "fold", "evidence"]
    assert table.columns == [*added, *names]
    source = pl.read_csv(
        synthetic_tables / "EMBED_OpenData_metadata.csv", infer_schema=False
    ).with_columns(uid=pl.col("anon_dicom_path").str.extract(r"([^/]+)\.dcm$"))
    joined = table.join(source, left_on="sop_instance_uid", right_on="uid", suffix="_file")
    assert joined.height == table.height
    for name in ("ViewPosition", "ImageLateralityFinal", "SeriesDescription", "anon_dicom_path"):
        assert joined[name].to_list() == joined[f"{name}_file"].to_list()
    for name in ("Rows", "num_roi"):
        expected = joined[f"{name}_file"].cast(pl.Float64)
        assert joined[name].cast(pl.Float64).to_list() == expected.to_list()


def test_findings_are_the_rows_that_apply_to_a_member(folder: Path, synthetic_tables: Path) -> None:
    images = pd.read_parquet(folder / "members.parquet")[["acc_anon", "ImageLateralityFinal"]]
    source = pd.read_csv(
        synthetic_tables / "EMBED_OpenData_clinical.csv",
        dtype=str,
        keep_default_na=False,
        na_values=["", "NaN"],
    ).rename(columns={"": "Unnamed: 0"})
    source["n"] = range(len(source))
    joined = source.merge(images, on="acc_anon")
    side = joined["side"]
    applies = side.isna() | (side == "B") | (side == joined["ImageLateralityFinal"])
    expected = source.loc[sorted(joined.loc[applies, "n"].unique())]
    found = pd.read_parquet(folder / "findings.parquet")
    assert list(found.columns) == [c for c in source.columns if c != "n"]
    for name in ("acc_anon", "empi_anon", "asses", "massdens", "desc"):
        assert found[name].fillna("").tolist() == expected[name].fillna("").tolist()
    assert found["numfind"].tolist() == expected["numfind"].astype(float).astype(int).tolist()


def test_csv_and_parquet_hold_the_same(folder: Path) -> None:
    for name in ("members", "findings"):
        parquet = pl.read_parquet(folder / f"{name}.parquet")
        csv = pl.read_csv(folder / f"{name}.csv", schema=parquet.schema)
        assert csv.equals(parquet)


@pytest.mark.parametrize("name", ["members", "findings"])
def test_ids_are_text_in_pandas_polars_and_duckdb(folder: Path, name: str) -> None:
    path = folder / f"{name}.parquet"
    frame = pd.read_parquet(path)
    table = pl.read_parquet(path)
    described = duckdb.connect().execute(f"describe select * from '{path}'").fetchall()
    types = {row[0]: row[1] for row in described}
    assert list(frame.columns) == table.columns == list(types)
    for column in ("empi_anon", "acc_anon"):
        assert pd.api.types.is_string_dtype(frame[column])
        assert table.schema[column] == pl.String
        assert types[column] == "VARCHAR"
    assert frame["acc_anon"].str.fullmatch(r"\d{16}").all()
    assert types["study_date_anon"] == "DATE"
    number = "tissueden" if name == "findings" else "Rows"
    assert frame[number].dtype == "float64"
    assert (
        len(frame)
        == table.height
        == duckdb.connect().execute(f"select count(*) from '{path}'").fetchall()[0][0]
    )


def test_a_csv_read_by_pandas_keeps_its_ids(folder: Path) -> None:
    frame = pd.read_csv(folder / "members.csv", low_memory=False)
    assert frame["acc_anon"].dtype == "int64"
    assert (
        frame["acc_anon"].astype(str).tolist()
        == pd.read_csv(folder / "members.csv", dtype=str)["acc_anon"].tolist()
    )


def test_codes_that_look_like_sums_survive(folder: Path) -> None:
    found = set(pl.read_csv(folder / "findings.csv", infer_schema=False)["massdens"].drop_nulls())
    assert found <= {"+", "-", "=", "0"}
    assert found == set(pl.read_parquet(folder / "findings.parquet")["massdens"].drop_nulls())


def test_croissant_validates_and_its_records_load(folder: Path) -> None:
    document = json.loads((folder / "croissant.json").read_text())
    for item in document["distribution"][:2]:
        data = (folder / item["contentUrl"]).read_bytes()
        assert item["sha256"] == hashlib.sha256(data).hexdigest()
        assert item["contentSize"] == f"{len(data)} B"
    # In a process of its own: its libraries warn of themselves.
    validated = subprocess.run(
        [BIN / "mlcroissant", "validate", "--jsonld", folder / "croissant.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert validated.returncode == 0, validated.stderr
    assert "rror" not in validated.stderr, validated.stderr
    # Some records tell whether the columns are found: it takes a tenth of a second for each.
    script = (
        "import itertools, json, sys, mlcroissant as mlc\n"
        "dataset = mlc.Dataset(jsonld=sys.argv[1])\n"
        "for name in ('members', 'findings', 'splits'):\n"
        "    for row in itertools.islice(dataset.records(record_set=name), 3):\n"
        "        cells = row.items()\n"
        "        text = {k: v.decode() if isinstance(v, bytes) else str(v) for k, v in cells}\n"
        "        print(json.dumps([name, text]))\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script, folder / "croissant.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    records = [json.loads(line) for line in loaded.stdout.splitlines()]
    for name in ("members", "findings"):
        table = pl.read_parquet(folder / f"{name}.parquet")
        found = [row[f"{name}/acc_anon"] for kind, row in records if kind == name]
        assert found == table["acc_anon"].head(3).to_list()
    splits = [row["splits/name"] for kind, row in records if kind == "splits"]
    assert splits == ["train", "validation", "test"]


def test_croissant_leads_back_to_the_sources(
    folder: Path, cohort: dict[str, Any], synthetic: dict[str, Any], researcher: Api
) -> None:
    document = json.loads((folder / "croissant.json").read_text())
    assert document["identifier"] == f"sha256:{cohort['sha256']}"
    sources = researcher.get("/api/v1/datasets/embed-synthetic")["revision"]["sources"]
    known = {source["sha256"] for source in sources}
    assert known <= {item["sha256"] for item in document["distribution"]}


def test_s5cmd_reads_the_manifest(
    take: Callable[[str], bytes], members: list[dict[str, Any]], s3: S3Server, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.s5cmd"
    path.write_bytes(take("manifest.s5cmd"))
    ran = subprocess.run(
        [BIN / "s5cmd", "--dry-run", "--endpoint-url", s3.endpoint_url, "run", path],
        env={
            "AWS_ACCESS_KEY_ID": s3.access_key_id,
            "AWS_SECRET_ACCESS_KEY": s3.secret_access_key,
            "AWS_REGION": s3.region,
        },
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    copied = ran.stdout.splitlines()
    assert len(copied) == len(members)
    uids = {line.rpartition("/")[2].removesuffix(".dcm") for line in copied}
    assert uids == {member["sop_instance_uid"] for member in members}
    assert all(line.startswith("cp s3://images/images/cohort_") for line in copied)


def test_an_export_is_the_same_each_time(take: Callable[[str], bytes], folder: Path) -> None:
    for name in ("members.parquet", "findings.csv"):
        assert take(name) == (folder / name).read_bytes()


def test_exports_are_for_researchers_and_of_cohorts_that_exist(
    catalog_url: str, researcher: Api, person: Callable[..., Api], cohort: dict[str, Any]
) -> None:
    path = f"/api/v1/cohorts/{cohort['cohort_id']}/export"
    reader = person(catalog_url, "reader")
    for way in ("", "/members.csv"):
        assert reader.http.get(path + way).status_code == 403
    assert researcher.http.get(f"{path}/members.xlsx").status_code == 422
    for missing in ("none", "00000000-0000-0000-0000-000000000000"):
        answer = researcher.http.get(f"/api/v1/cohorts/{missing}/export/members.csv")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
