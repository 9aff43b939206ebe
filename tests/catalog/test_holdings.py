"""A lab that holds part of the images: which ones is known, filterable, and counted in cohorts."""

import csv
import io
from pathlib import Path
from typing import Any

import boto3
import pytest
from catalog.paths import relative_key
from catalog.settings import Settings
from devstack.seaweedfs import S3Server

from .conftest import Api

COHORT: dict[str, Any] = {
    "name": "held",
    "dataset": "partly-held",
    "filter": {},
    "label": {
        "field": "asses",
        "classes": [{"name": "N", "values": ["N"]}, {"name": "B", "values": ["B"]}],
    },
    "split": {"by": "patient", "train": 0.7, "validation": 0.1, "test": 0.2},
    "seed": 1,
}


@pytest.fixture
def tables(catalog_settings: Settings, synthetic_tables: Path) -> Path:
    folder = Path(str(catalog_settings.mirror_root)) / "partly-held"
    folder.mkdir(exist_ok=True)
    for table in ("clinical", "metadata"):
        name = f"EMBED_OpenData_{table}.csv"
        (folder / name).write_bytes((synthetic_tables / name).read_bytes())
    return folder


def image_paths(folder: Path) -> list[str]:
    text = (folder / "EMBED_OpenData_metadata.csv").read_text()
    return [row["anon_dicom_path"] for row in csv.DictReader(io.StringIO(text))]


def put(s3: S3Server, bucket: str, paths: list[str]) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        region_name=s3.region,
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=s3.secret_access_key,
    )
    for path in paths:
        client.put_object(Bucket=bucket, Key=f"images/{relative_key(path)}", Body=b"x")
    client.close()


def test_what_the_store_holds_is_known(admin: Api, s3: S3Server, bucket: str, tables: Path) -> None:
    paths = [path for path in image_paths(tables) if path]
    put(s3, bucket, paths[:40])
    state = admin.ingest(
        "partly-held", tables, restricted=False, image_root=f"s3://{bucket}/images"
    )
    assert state["state"] == "succeeded", state
    held = admin.get("/api/v1/images", dataset="partly-held", has_file="true")
    assert held["total"] == len(set(paths[:40]))
    cohort = admin.post("/api/v1/cohorts/preview", COHORT)
    steps = {step["step"]: step["images"] for step in cohort["attrition"]}
    assert steps["with an image file in the store"] == held["total"]
    assert cohort["counts"]["images"] <= held["total"]

    put(s3, bucket, paths[40:50])
    again = admin.ingest(
        "partly-held", tables, restricted=False, image_root=f"s3://{bucket}/images"
    )
    assert again["revision_id"] != state["revision_id"]
    more = admin.get("/api/v1/images", dataset="partly-held", has_file="true")
    assert more["total"] == len(set(paths[:50]))


def test_without_a_listing_nothing_is_left_out(admin: Api, tables: Path) -> None:
    state = admin.ingest("unlisted", tables, restricted=False, image_root="s3://no-such-bucket/x")
    assert state["state"] == "succeeded", state
    noticed = [c for c in state["report"]["noticed"] if "lists no files" in c["reason"]]
    assert len(noticed) == 1
    cohort = admin.post("/api/v1/cohorts/preview", {**COHORT, "dataset": "unlisted"})
    assert "with an image file in the store" not in [s["step"] for s in cohort["attrition"]]
