"""The EMBED viewer's backend, endpoint by endpoint, as its app reads it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.catalog.conftest import Api

BASE = "/compat/embed-server"


@pytest.fixture
def twice(researcher: Api, synthetic: dict[str, Any]) -> Callable[..., Any]:
    """`twice(path)`: the body of an answer, decoded twice as the app does."""

    def get(path: str, **params: Any) -> Any:
        answer = researcher.http.get(BASE + path, params=params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        outer = json.loads(answer.text)
        assert isinstance(outer, str)
        return json.loads(outer, parse_constant=pytest.fail)

    return get


def found(researcher: Api, conditions: dict[str, Any]) -> list[int]:
    """Ids by the catalog's own search."""
    body: dict[str, Any] = {"filter": conditions, "limit": 1000}
    ids: list[int] = []
    while True:
        page = researcher.post("/api/v1/images/search", body)
        ids += [item["image_id"] for item in page["items"]]
        if page["next"] is None:
            return ids
        body["cursor"] = page["next"]


def test_filter_options(twice: Callable[..., Any]) -> None:
    options = twice("/filter/options")
    assert list(options) == ["asses", "side", "massdens", "type", "pathSeverity", "ViewPosition"]
    assert all(values == sorted(set(values)) for values in options.values())
    assert {"A", "B", "N"} <= set(options["asses"])
    assert all(type(value) is float for value in options["pathSeverity"])
    assert options["side"] == ["B", "L", "R"]


def test_abnormality_options(twice: Callable[..., Any]) -> None:
    options = twice("/filter/abnormality-options")
    assert list(options) == ["tissueden", "massshape", "massmargin", "calcdistri"]
    assert all(type(value) is float for value in options["tissueden"])
    assert all(values and None not in values for values in options.values())


def test_patients_are_numbers_and_all_of_them(twice: Callable[..., Any], researcher: Api) -> None:
    patients = twice("/filter/empi-anons")["empiAnons"]
    totals = researcher.post("/api/v1/facets", {"facets": []})["total"]
    assert len(patients) == totals["patients"]
    assert patients == sorted(patients)
    assert all(type(patient) is int for patient in patients)


def test_images_are_all_ids_in_order(twice: Callable[..., Any], researcher: Api) -> None:
    assert twice("/filter/images-ids")["imageIds"] == found(researcher, {})


def test_images_metadata(researcher: Api, synthetic: dict[str, Any]) -> None:
    image_id = found(researcher, {"FinalImageType": ["cview"]})[0]
    record = researcher.get(f"/api/v1/images/{image_id}")
    body = researcher.get(f"{BASE}/images/{image_id}/images-metadata", format="png")
    assert body == {
        "FinalImageType": "cview",
        "SeriesDescription": record["image"]["SeriesDescription"],
        "ViewPosition": record["image"]["ViewPosition"],
        "side": record["image"]["ImageLateralityFinal"],
        "imageFormat": "png",
        "image_id": str(image_id),
    }


@pytest.mark.parametrize("image_id", ["-1", "0", "999999999", "9" * 30, "one", "%00"])
def test_images_out_of_range_are_400_and_patients_404(
    researcher: Api, synthetic: dict[str, Any], image_id: str
) -> None:
    for way in ("images-metadata?format=png", "full"):
        answer = researcher.http.get(f"{BASE}/images/{image_id}/{way}")
        assert answer.status_code == 400
        assert "is out of bounds" in answer.text
    assert researcher.http.get(f"{BASE}/patients/{image_id}").status_code == 404


def test_the_text_for_an_image_out_of_range_is_the_originals(researcher: Api) -> None:
    answer = researcher.http.get(f"{BASE}/images/-1/images-metadata", params={"format": "png"})
    assert "Image ID -1 is out of bounds" in answer.text


def test_the_picture_is_where_the_redirect_leads(
    researcher: Api, synthetic: dict[str, Any]
) -> None:
    image_id = found(researcher, {})[0]
    answer = researcher.http.get(f"{BASE}/images/{image_id}/full")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/api/v1/images/{image_id}/rendered?format=png"


def test_the_connection_test_works(researcher: Api) -> None:
    assert researcher.http.get(f"{BASE}/patients/").status_code == 200


def test_a_patient_shows_the_worst_finding_and_no_nulls(
    researcher: Api, synthetic: dict[str, Any]
) -> None:
    suspicious = found(researcher, {"asses": ["M", "S"], "massshape": {"not": [None]}})
    for image_id in suspicious[:20]:
        record = researcher.get(f"/api/v1/images/{image_id}")
        body = researcher.get(f"{BASE}/patients/{image_id}")
        assert None not in body.values()
        assert (body["imageId"], body["empiAnon"]) == (image_id, int(record["patient_id"]))
        assert body["accAnon"] == int(record["exam_id"])
        order = "KMSPABNX"
        findings = [finding["values"] for finding in record["findings"]]
        worst = min(findings, key=lambda f: order.index(f["asses"]))
        names = ("asses", "side", "massshape", "massmargin", "massdens", "calcdistri", "type")
        assert {n: body.get(n) for n in names} == {n: worst.get(n) for n in names}
        assert body.get("pathSeverity") == worst.get("path_severity")
        assert body["tissueden"] == record["exam"]["tissueden"]
        assert body["numRoi"] == record["image"]["num_roi"]


def test_an_image_without_findings_is_answered(researcher: Api, synthetic: dict[str, Any]) -> None:
    bare = found(researcher, {"has_finding": [False]})
    assert bare, "the synthetic tables have such images"
    body = researcher.get(f"{BASE}/patients/{bare[0]}")
    assert "asses" not in body
    assert body["imageId"] == bare[0]


@pytest.mark.parametrize(
    ("filters", "ours"),
    [
        ({}, {}),
        ({"filterOptions": {}, "abnormalityFilter": {"massshape": []}}, {}),
        ({"filterOptions": {"asses": ["A"]}}, {"asses": ["A"]}),
        ({"any name": {"ViewPosition": ["CC"]}}, {"ViewPosition": ["CC"]}),
        (
            {
                "filterOptions": {"asses": ["A", "B"], "side": ["L"]},
                "abnormalityFilter": {"tissueden": [2.0, 3.0]},
            },
            {"asses": ["A", "B"], "side": ["L"], "tissueden": [2, 3]},
        ),
        ({"a": {"pathSeverity": [0.0, 1.0]}}, {"path_severity": [0, 1]}),
    ],
)
def test_a_filter_finds_what_the_catalog_finds(
    twice: Callable[..., Any], researcher: Api, filters: dict[str, Any], ours: dict[str, Any]
) -> None:
    ids = twice("/patients/filter", filters=json.dumps(filters))["imageIds"]
    assert ids == found(researcher, ours)


def test_a_filter_by_patients(twice: Callable[..., Any], researcher: Api) -> None:
    patients = twice("/filter/empi-anons")["empiAnons"][:2]
    filters = {"empiAnons": {"empiAnons": patients}}
    ids = twice("/patients/filter", filters=json.dumps(filters))["imageIds"]
    assert ids == found(researcher, {"empi_anon": [str(patient) for patient in patients]})
    assert ids


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        (None, 400),
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ('"x"', 400),
        ('{"a": []}', 400),
        ('{"a": {"asses": "A"}}', 400),
        ('{"a": {"nothing": ["A"]}}', 400),
        ('{"a": {"asses": ["Q"]}}', 422),
        ('{"a": {"asses": [["A"]]}}', 422),
        ('{"a": {"pathSeverity": [NaN]}}', 400),
        ('{"a": {"empiAnons": [99999999999999999999999]}}', 422),
        ('{"a": {"asses": ["\\u0000"]}}', 422),
    ],
)
def test_a_bad_filter_is_a_problem(
    researcher: Api, synthetic: dict[str, Any], filters: str | None, status: int
) -> None:
    params = {} if filters is None else {"filters": filters}
    answer = researcher.http.get(f"{BASE}/patients/filter", params=params)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
