"""Cohorts as ZIP archives, through the gateway."""

import hashlib
import io
import json
import os
from typing import Any
from zipfile import ZipFile

import cv2
import httpx
import numpy as np
import pytest
from conftest import PublicLab
from dicom_files import breast
from imagery.archives.contents import safe_name
from imagery.archives.zipping import ZipStream
from public_lab import DATASET, VIEWS, View

LOST = next(view for view in VIEWS if view.lost)
LEFT = [view for view in VIEWS if view.side == "L"]


@pytest.fixture(scope="module")
def http(public_lab: PublicLab) -> httpx.Client:
    return public_lab.gateway.with_token("researcher")


@pytest.fixture(scope="module")
def cohort(http: httpx.Client) -> dict[str, Any]:
    """All six images: those of an abnormal breast, and the others."""
    body = {
        "name": "two/classes: a test",
        "dataset": DATASET,
        "seed": 7,
        "filter": {},
        "label": {
            "field": "asses",
            "classes": [{"name": "A", "values": ["A"]}, {"name": "N", "values": ["N"]}],
            "policy": "worst",
        },
        "split": {"by": "image", "train": 0.5, "validation": 0.25, "test": 0.25},
    }
    made = http.post("/api/v1/cohorts", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def archive(answer: httpx.Response) -> tuple[ZipFile, dict[str, Any]]:
    """A whole ZIP (every checksum right), and its manifest, which tells the truth about it."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    found = ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    manifest = json.loads(found.read("manifest.json"))
    assert [file["path"] for file in manifest["files"]] == found.namelist()[:-1]
    for file in manifest["files"]:
        content = found.read(file["path"])
        assert (len(content), hashlib.sha256(content).hexdigest()) == (
            file["bytes"],
            file["sha256"],
        )
    return found, manifest


def view_of(file: dict[str, Any]) -> View:
    return next(view for view in VIEWS if view.instance == file["sop_instance_uid"])


def test_originals_by_class(
    public_lab: PublicLab, http: httpx.Client, cohort: dict[str, Any]
) -> None:
    path = f"/api/v1/cohorts/{cohort['cohort_id']}/archive"
    answer = http.get(path, params={"content": "dicom"})
    assert answer.headers["content-disposition"] == (
        'attachment; filename="two_classes_a_test-dicom.zip"'
    )
    found, manifest = archive(answer)
    assert manifest["cohort"]["sha256"] == cohort["sha256"]
    assert {f["sop_instance_uid"] for f in manifest["files"]} == {
        view.instance for view in VIEWS if not view.lost
    }
    for file in manifest["files"]:
        view = view_of(file)
        assert found.read(file["path"]) == public_lab.files[view.instance]
        assert file["path"] == f"{file['label']}/{view.instance}.dcm"
    (error,) = manifest["errors"]
    assert error["sop_instance_uid"] == LOST.instance
    assert error["reason"] == "The object store has no such object."


@pytest.mark.parametrize(("content", "dtype"), [("png8", np.uint8), ("png16", np.uint16)])
def test_pictures_by_split(
    http: httpx.Client, cohort: dict[str, Any], content: str, dtype: type
) -> None:
    path = f"/api/v1/cohorts/{cohort['cohort_id']}/archive"
    asked = {"content": content, "layout": "split", "short_edge": "104"}
    found, manifest = archive(http.get(path, params=asked))
    assert len(manifest["files"]) == 5
    for file in manifest["files"]:
        picture = cv2.imdecode(
            np.frombuffer(found.read(file["path"]), np.uint8), cv2.IMREAD_UNCHANGED
        )
        assert picture is not None
        assert (min(picture.shape), picture.dtype) == (104, dtype)
        assert picture[:, :10].mean() > 2 * picture[:, -10:].mean()  # the chest wall is left
        assert file["path"].startswith(f"{file['split']}/{file['label']}/")


def test_rois_cut_out(http: httpx.Client, cohort: dict[str, Any]) -> None:
    path = f"/api/v1/cohorts/{cohort['cohort_id']}/archive"
    found, manifest = archive(http.get(path, params={"content": "rois", "layout": "flat"}))
    (file,) = manifest["files"]
    view = view_of(file)
    picture = cv2.imdecode(np.frombuffer(found.read(file["path"]), np.uint8), 0)
    assert picture is not None
    expected = np.rint(breast(512, 416, seed=view.number)[100:200, 50:150] / 4095 * 255)
    assert np.abs(picture.astype(float) - expected).max() <= 1
    wide = http.get(path, params={"content": "rois", "margin": "0.7mm"})
    (larger,) = archive(wide)[1]["files"]
    picture = cv2.imdecode(np.frombuffer(archive(wide)[0].read(larger["path"]), np.uint8), 0)
    assert picture is not None
    assert picture.shape == (120, 120)


def test_parts_lead_to_each_other_and_can_be_asked_for_again(
    http: httpx.Client, cohort: dict[str, Any]
) -> None:
    whole = archive(
        http.get(f"/api/v1/cohorts/{cohort['cohort_id']}/archive", params={"content": "png8"})
    )[1]
    path: str | None = f"/api/v1/cohorts/{cohort['cohort_id']}/archive?content=png8&limit=2"
    seen, parts = [], 0
    while path:
        answer = http.get(path)
        assert answer.headers["x-archive-parts"] == "3"
        assert http.get(path).content == answer.content
        manifest = archive(answer)[1]
        seen += manifest["files"] + manifest["errors"]
        parts += 1
        link = answer.headers.get("link")
        path = link.partition(">")[0][1:] if link else None
    assert parts == 3
    assert [one["sop_instance_uid"] for one in seen if "sha256" in one] == [
        file["sop_instance_uid"] for file in whole["files"]
    ]
    assert len({one["sop_instance_uid"] for one in seen}) == len(seen) == 6


def test_who_may_not_and_what_cannot(
    public_lab: PublicLab, http: httpx.Client, cohort: dict[str, Any]
) -> None:
    path = f"/api/v1/cohorts/{cohort['cohort_id']}/archive"
    assert public_lab.gateway.signed_in("reader").get(path).status_code == 403
    narrow = public_lab.gateway.with_token("researcher", scopes=["read"])
    assert narrow.get(path).status_code == 403
    unknown = "00000000-0000-0000-0000-000000000000"
    assert http.get(f"/api/v1/cohorts/{unknown}/archive").status_code == 404
    for query, field in (
        ("content=jpeg", "content"),
        ("content=dicom&short_edge=64", "short_edge"),
        ("margin=5mm", "margin"),
        ("content=rois&margin=wide", "margin"),
        ("cursor=nonsense", "cursor"),
        ("limit=1001", "limit"),
    ):
        refused = http.get(f"{path}?{query}")
        assert refused.status_code == 422, query
        assert refused.json()["errors"][0]["field"] == field


async def test_memory_is_one_chunk_however_long_the_entry() -> None:
    chunk = os.urandom(2**20)

    async def many() -> Any:
        for _ in range(64):
            yield chunk

    stream, largest, total = ZipStream(), 0, 0
    async for data in stream.add("large", many()):
        largest, total = max(largest, len(data)), total + len(data)
    total += len(stream.end())
    assert largest < 2 * len(chunk)
    assert total > 64 * len(chunk)


@pytest.mark.parametrize(
    ("text", "name"),
    [("../../etc", "etc"), ("a/b", "a_b"), ("..", "_"), ("", "_"), ("BI-RADS 4", "BI-RADS_4")],
)
def test_names_lead_nowhere_else(text: str, name: str) -> None:
    assert safe_name(text) == name
