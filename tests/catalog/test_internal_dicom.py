"""Studies and instances for DICOMweb, over HTTP, on the synthetic tables."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.catalog.conftest import Api

pytestmark = pytest.mark.usefixtures("synthetic")
PATH = "/internal/v1/dicom/search"
Row = dict[str, str]


@pytest.fixture(scope="module")
def rows(synthetic_tables: Path) -> list[Row]:
    with (synthetic_tables / "EMBED_OpenData_metadata.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def uids(row: Row) -> tuple[str, str, str]:
    study, series, name = row["anon_dicom_path"].split("/")[-3:]
    return study, series, name.removesuffix(".dcm")


def found(items: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    names = ("study_instance_uid", "series_instance_uid", "sop_instance_uid")
    return {(item[names[0]], item[names[1]], item[names[2]]) for item in items}


def test_a_study_is_found_by_its_uid(researcher: Api, rows: list[Row]) -> None:
    study = uids(rows[0])[0]
    body = {"study_instance_uid": study, "columns": ["Modality", "Rows", "no such column"]}
    answer = researcher.post(PATH, body)
    assert found(answer["items"]) == {uids(row) for row in rows if uids(row)[0] == study}
    assert answer["total"] == len(answer["items"])
    first = answer["items"][0]
    assert set(first["columns"]) == {"Modality", "Rows"}
    assert (first["patient_id"], first["exam_id"]) == (rows[0]["empi_anon"], rows[0]["acc_anon"])
    assert researcher.post(PATH, {"study_instance_uid": "1.2.3"}) == {"items": [], "total": 0}


def test_an_instance_is_found_by_its_uid(researcher: Api, rows: list[Row]) -> None:
    answer = researcher.post(PATH, {"sop_instance_uid": uids(rows[3])[2]})
    assert found(answer["items"]) == {uids(rows[3])}
    both = {"sop_instance_uid": uids(rows[3])[2], "match": {"patient_id": {"any_of": ["0"]}}}
    assert researcher.post(PATH, both)["items"] == []


def test_pages_of_exams_are_whole_and_cover_everything(researcher: Api, rows: list[Row]) -> None:
    by_exam: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for row in rows:
        by_exam[row["acc_anon"]].add(uids(row))
    seen: set[tuple[str, str, str]] = set()
    for offset in range(0, len(by_exam), 100):
        page = researcher.post(PATH, {"offset": offset, "limit": 100})
        assert page["total"] == len(by_exam)
        exams = {item["exam_id"] for item in page["items"]}
        assert found(page["items"]) == set().union(*(by_exam[exam] for exam in exams))
        assert not seen & found(page["items"])
        seen |= found(page["items"])
    assert seen == {uids(row) for row in rows}
    assert researcher.post(PATH, {"offset": len(by_exam)})["items"] == []


@pytest.mark.parametrize(
    ("key", "match", "column"),
    [
        ("patient_id", {"any_of": ["9*"]}, "empi_anon"),
        ("StudyDescription", {"any_of": ["*SCREEN*"]}, "StudyDescription"),
        ("ViewPosition", {"any_of": ["CC", "ML?"]}, "ViewPosition"),
        ("study_date_anon", {"least": "2015-01-01", "most": "2016-06-30"}, "study_date_anon"),
        ("Modality", {"any_of": ["US"]}, "Modality"),
    ],
)
def test_images_match_as_dicom_says(
    researcher: Api, rows: list[Row], key: str, match: dict[str, Any], column: str
) -> None:
    answer = researcher.post(PATH, {"match": {key: match}, "unit": "image", "limit": 1000})
    expected = sum(_holds(match, row[column]) for row in rows)
    assert answer["total"] == expected
    items = answer["items"]
    assert len(items) == min(expected, 1000)


def _holds(match: dict[str, Any], value: str) -> bool:
    if not value:
        return False
    if "least" in match:
        return bool(match["least"] <= value[:10] <= match["most"])
    plain = {"9*": value.startswith("9"), "*SCREEN*": "screen" in value.lower()}
    return any(
        plain.get(p, value == p or (p == "ML?" and len(value) == 3 and value.startswith("ML")))
        for p in match["any_of"]
    )


def test_an_unknown_key_is_named(researcher: Api) -> None:
    problem = researcher.post(PATH, {"match": {"StudyDescr": {"any_of": ["x"]}}}, status=422)
    assert problem["errors"][0]["field"] == "match.StudyDescr"
