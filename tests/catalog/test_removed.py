"""A dataset that another process removed: what still knows of it says so, and is never at fault."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from catalog.settings import Settings

from tests.catalog.conftest import Api, served

NAME = "to-remove"
CLASSES = [{"name": "B", "values": ["B"]}, {"name": "N", "values": ["N"]}]
ASSESSED = {"field": "asses", "classes": CLASSES}


@pytest.mark.usefixtures("synthetic")
def test_what_another_process_removed_is_unavailable_until_that_is_noticed(
    admin: Api, person: Callable[..., Api], catalog_settings: Settings, synthetic_tables: Path
) -> None:
    folder = Path(str(catalog_settings.mirror_root)) / "synthetic"
    state = admin.ingest(NAME, folder, restricted=False, title="To be removed")
    assert state["state"] == "succeeded", state["error"]
    with (synthetic_tables / "EMBED_OpenData_metadata.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    unaware = catalog_settings.model_copy(update={"refresh_s": 3600.0})
    with served(unaware) as url:
        other = person(url, "researcher")
        body = {"dataset": NAME, "filter": {}, "limit": 1}
        (image,) = other.post("/api/v1/images/search", body)["items"]
        study = row["anon_dicom_path"].split("/")[-3]
        asked = (
            ("GET", f"/api/v1/images/{image['image_id']}", None),
            ("GET", f"/api/v1/exams/{image['exam_id']}?dataset={NAME}", None),
            ("GET", f"/api/v1/patients/{image['patient_id']}?dataset={NAME}", None),
            (
                "POST",
                "/internal/v1/dicom/search",
                {"dataset": NAME, "study_instance_uid": study},
            ),
        )
        before = [other.http.request(method, path, json=json) for method, path, json in asked]
        assert {answer.status_code for answer in before} <= {200, 201}, [a.text for a in before]
        assert admin.http.delete(f"/api/v1/datasets/{NAME}").status_code == 200
        for method, path, json in asked:
            answer = other.http.request(method, path, json=json)
            assert answer.status_code == 503, (path, answer.text)
            assert answer.json()["title"] == "The data are just being removed or replaced"
        for path, body in (
            ("/api/v1/flags", {"image_id": image["image_id"], "kind": "unreadable"}),
            ("/api/v1/queries", {"name": "kept", "dataset": NAME, "filter": {}}),
            ("/api/v1/cohorts", {"name": "late", "dataset": NAME, "label": ASSESSED}),
        ):
            answer = other.http.post(path, json=body)
            assert answer.status_code == 503, (path, answer.text)
