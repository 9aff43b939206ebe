"""A restricted dataset is kept on a basis that an admin has recorded, or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from catalog.settings import Settings
from devstack.throwaway import psql

from tests.catalog.conftest import Api, sources
from tests.catalog.direct import put
from tests.catalog.tables import several

DATASET = "kept"
BASIS = "a consent of 2026-03-02, of synthetic patients"


@pytest.fixture
def folder(folder: Path) -> Path:
    """Small tables below the mirror root."""
    return put(folder, several(5))


def test_a_restricted_dataset_is_kept_on_a_recorded_basis(
    admin: Api, folder: Path, catalog_settings: Settings, person: Callable[..., Api],
    catalog_url: str,
) -> None:  # fmt: skip
    path = f"/api/v1/datasets/{DATASET}/revisions"
    refused = admin.http.post(path, json={**sources(folder), "restricted": True})
    (fault,) = refused.json()["errors"]
    assert (refused.status_code, fault["field"]) == (422, "basis")
    assert "redistributed" in fault["message"]
    assert DATASET not in {d["name"] for d in admin.get("/api/v1/datasets")["items"]}
    trial = admin.post(path, {**sources(folder), "restricted": True, "dry_run": True}, 202)
    assert admin.wait(trial)["state"] == "succeeded"
    admin.wait(admin.post(path, {**sources(folder), "restricted": True, "basis": BASIS}, 202))
    basis = admin.get(f"/api/v1/datasets/{DATASET}")["basis"]
    assert basis["text"] == BASIS
    assert basis["recorded_by"]
    assert admin.wait(admin.post(path, sources(folder), 202))["state"] == "succeeded"
    assert admin.get(f"/api/v1/datasets/{DATASET}")["basis"] == basis
    other = f"{BASIS}, renewed"
    admin.wait(admin.post(path, {**sources(folder), "basis": other}, 202))
    assert admin.get(f"/api/v1/datasets/{DATASET}")["basis"]["text"] == other


def test_the_same_tables_again_can_lock_a_dataset(
    admin: Api, folder: Path, catalog_settings: Settings
) -> None:
    """Whether the tags of the files tell that they are the same, or only their bytes."""
    name = "locked-later"
    assert admin.ingest(name, folder, restricted=False)["state"] == "succeeded"
    path = f"/api/v1/datasets/{name}"
    asked = {**sources(folder), "restricted": True, "basis": BASIS, "title": "Locked"}
    admin.wait(admin.post(f"{path}/revisions", asked, 202))
    found = admin.get(path)
    assert (found["restricted"], found["title"]) == (True, "Locked")
    for table in folder.iterdir():
        os.utime(table, ns=(1, 1))
    again = admin.wait(
        admin.post(f"{path}/revisions", {**sources(folder), "title": "Locked again"}, 202)
    )
    assert again["same_as"] == found["revision"]["revision_id"]
    assert admin.get(path)["title"] == "Locked again"
    assert admin.get(path)["revision"]["revision_id"] == again["same_as"]


def test_pixels_are_not_served_without_it(
    admin: Api, folder: Path, catalog_settings: Settings, person: Callable[..., Api],
    catalog_url: str,
) -> None:  # fmt: skip
    name = "formerly-kept"
    state = admin.ingest(name, folder, restricted=True, basis=BASIS)
    assert state["state"] == "succeeded", state["error"]
    agreed = person(catalog_url, "researcher", agreements=[name])
    image = agreed.get("/api/v1/images", dataset=name)["items"][0]
    asked = {"image_ids": [image["image_id"]]}
    assert agreed.post("/internal/v1/image-sources", asked)["items"]
    forget = f"update catalog.dataset set basis = null where name = '{name}'"
    psql(catalog_settings.database_url, forget)
    admin.wait(
        admin.post(
            f"/api/v1/datasets/{name}/revisions",
            {**sources(folder), "restricted": True, "dry_run": True},
            202,
        )
    )
    refused = agreed.http.post("/internal/v1/image-sources", json=asked)
    assert refused.status_code == 403
    assert "basis" in refused.json()["title"]
