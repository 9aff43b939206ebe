"""The catalog over HTTP, on the synthetic tables."""

import base64
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from catalog.settings import Settings

from tests.catalog.conftest import Api
from tests.catalog.reference import Reference

pytestmark = pytest.mark.usefixtures("synthetic")

ASSES_N_A = {
    "field": "asses",
    "classes": [{"name": "N", "values": ["N"]}, {"name": "A", "values": ["A"]}],
}
DENSITY = {"field": "tissueden", "classes": [{"name": "fatty", "values": [1]}]}
# 1,500 lists in each other, in the alphabet of cursors.
DEEP = base64.urlsafe_b64encode(b"[" * 1500).decode()


@pytest.fixture(scope="module")
def truth(synthetic_tables: Path) -> Reference:
    """The same tables in pandas."""
    texts = [
        (synthetic_tables / f"EMBED_OpenData_{table}.csv").read_text()
        for table in ("clinical", "metadata")
    ]
    return Reference(*texts)


def test_the_dataset_tells_its_sources_and_counts(researcher: Api, truth: Reference) -> None:
    dataset = researcher.get("/api/v1/datasets/embed-synthetic")
    counts = dataset["revision"]["counts"]
    assert {name: counts[name] for name in ("images", "exams", "patients")} == truth.totals({})
    assert [source["table"] for source in dataset["revision"]["sources"]] == [
        "clinical",
        "metadata",
    ]
    assert all(len(source["sha256"]) == 64 for source in dataset["revision"]["sources"])


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"asses": ["S", "M"], "ViewPosition": ["CC"]},
        {"side": [None], "tissueden": [2, 3]},
        {"asses": {"none": ["N"]}},
        {"recc": ["B"], "asses": {"not": ["K"]}},
        {"path_severity": {"gte": 0, "lte": 1}},
        {"age_at_study": {"gte": 40, "lt": 55}, "FinalImageType": ["2D"]},
    ],
)
@pytest.mark.parametrize("unit", ["images", "exams", "patients"])
def test_counts_equal_those_of_pandas(
    researcher: Api, truth: Reference, conditions: dict[str, Any], unit: str
) -> None:
    names = ["asses", "side", "tissueden", "path_severity", "ViewPosition", "recc", "massshape"]
    body = {"filter": conditions, "facets": names, "count": unit}
    found = researcher.post("/api/v1/facets", body)
    assert found["total"] == truth.totals(conditions)
    for name in names:
        ours = {option["value"]: option["count"] for option in found["facets"][name]}
        theirs = truth.facet(name, conditions, unit)
        assert {value: n for value, n in ours.items() if n} == theirs, name


def test_pages_walk_through_all_images_of_a_filter(researcher: Api, truth: Reference) -> None:
    seen, cursor = [], None
    while True:
        params = {"asses": ["A", "S"], "limit": 7, "sort": "-age_at_study"}
        page = researcher.get("/api/v1/images", **params, **({"cursor": cursor} if cursor else {}))
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    expected = truth.select({"asses": ["A", "S"]})["uid"]
    assert {image["sop_instance_uid"] for image in seen} == set(expected)
    assert len(seen) == page["total"] == expected.nunique()
    ages = [image["age_at_study"] for image in seen if image["age_at_study"] is not None]
    assert ages == sorted(ages, reverse=True)


def test_query_string_and_json_find_the_same(researcher: Api) -> None:
    by_query = researcher.get("/api/v1/images", asses=["S", "M"], **{"side.not": "L"})
    document = {"filter": {"asses": ["S", "M"], "side": {"not": ["L"]}}}
    assert researcher.post("/api/v1/images/search", document) == by_query


def test_a_plus_sign_is_a_value(researcher: Api) -> None:
    dense = researcher.http.get("/api/v1/images?massdens=%2B")
    assert dense.status_code == 200


def test_filters_are_described_with_options_that_add_up(researcher: Api, truth: Reference) -> None:
    filters = {item["name"]: item for item in researcher.get("/api/v1/filters")["items"]}
    assert len(filters) > 190
    images = truth.totals({})["images"]
    for name in ("ViewPosition", "tissueden", "race", "exam_type", "has_roi"):
        assert sum(option["count"] for option in filters[name]["options"]) == images, name
    assert filters["asses"]["options"][2]["label"] == "BI-RADS 4, suspicious"
    assert filters["asses"]["level"] == "finding"
    assert filters["age_at_study"]["range"]["max"] <= 89
    assert filters["empi_anon"]["options"] == []


def test_ranges_have_histograms_that_add_up(researcher: Api) -> None:
    names = ["age_at_study", "study_date_anon", "num_roi"]
    found = researcher.post("/api/v1/facets", {"facets": names})
    for name in names:
        buckets = found["ranges"][name]["buckets"]
        counted = sum(bucket["count"] for bucket in buckets) + found["ranges"][name]["nulls"]
        assert counted == found["total"]["images"], name
        assert all(a["lt"] == b["gte"] for a, b in pairwise(buckets))


def test_an_image_record_holds_what_the_tables_say(researcher: Api, truth: Reference) -> None:
    summary = researcher.get("/api/v1/images", asses="S", has_roi="true", limit=1)["items"]
    summary = summary or researcher.get("/api/v1/images", asses="S", limit=1)["items"]
    record = researcher.get(f"/api/v1/images/{summary[0]['image_id']}")
    rows = truth.rows[truth.rows["uid"] == record["sop_instance_uid"]]
    assert record["exam_id"] == rows["acc_anon"].iloc[0]
    assert record["patient_id"] == rows["empi_anon"].iloc[0]
    assert sorted(f["values"]["asses"] for f in record["findings"]) == sorted(rows["asses"])
    assert record["image"]["ViewPosition"] == rows["ViewPosition"].iloc[0]
    assert record["findings"][0]["labels"]["asses"].startswith("BI-RADS")
    assert None not in record["image"].values()
    assert len(record["rois"]) == record["image"]["num_roi"]
    siblings = researcher.get(f"/api/v1/exams/{record['exam_id']}")["images"]
    others = [image for image in siblings if image["image_id"] != record["image_id"]]
    assert record["siblings"] == others


def test_twins_point_at_each_other(researcher: Api) -> None:
    page = researcher.get("/api/v1/images", FinalImageType="cview", ViewPosition="CC", limit=20)
    for item in page["items"]:
        twin = researcher.get(f"/api/v1/images/{item['image_id']}")["cview_twin"]
        if twin is not None:
            other = researcher.get(f"/api/v1/images/{twin}")
            assert other["image"]["FinalImageType"] == "2D"
            assert other["image"]["ViewPosition"] == "CC"
            assert other["exam_id"] == item["exam_id"]


def test_a_patient_is_a_timeline(researcher: Api) -> None:
    page = researcher.get("/api/v1/images", **{"patient_exams.gte": 3}, limit=1)
    patient = researcher.get(f"/api/v1/patients/{page['items'][0]['patient_id']}")
    days = [exam["days"] for exam in patient["exams"]]
    assert len(days) >= 3
    assert days[0] == 0
    assert days == sorted(days)


def test_image_sources_join_root_and_path(researcher: Api) -> None:
    image = researcher.get("/api/v1/images", limit=1)["items"][0]
    body = {"image_ids": [image["image_id"], 2**40]}
    found = researcher.post("/internal/v1/image-sources", body)
    assert found["missing"] == [2**40]
    source = found["items"][0]["source"]
    assert source.startswith("s3://images/images/cohort_")
    assert source.endswith(f"{image['sop_instance_uid']}.dcm")


def test_a_cohort_is_frozen_labelled_and_split_by_patient(researcher: Api) -> None:
    request = {"name": "N or A", "label": ASSES_N_A, "sampling": {"per_class": 60}, "seed": 7}
    cohort = researcher.post("/api/v1/cohorts", request, 201)
    members: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = researcher.get(f"/api/v1/cohorts/{cohort['cohort_id']}/members", limit=50, **cursor)
        members += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(members) == page["total"] == cohort["counts"]["images"] == 120
    assert len({member["image_id"] for member in members}) == 120
    split_of: dict[str, set[str]] = {}
    for member in members:
        split_of.setdefault(member["patient_id"], set()).add(member["split"])
        assert member["attributes"]["asses"] == member["label"]
    assert all(len(splits) == 1 for splits in split_of.values())
    for item in cohort["classes"]:
        counted = [m["split"] for m in members if m["label"] == item["name"]]
        assert item["splits"] == {s: counted.count(s) for s in item["splits"]}
    steps = [step["images"] for step in cohort["attrition"]]
    assert steps == sorted(steps, reverse=True)
    again = researcher.post("/api/v1/cohorts", {**request, "name": "another name"}, 201)
    assert again["sha256"] == cohort["sha256"]
    other = researcher.post("/api/v1/cohorts", {**request, "seed": 8}, 201)
    assert other["sha256"] != cohort["sha256"]
    listed = researcher.get("/api/v1/cohorts", limit=1)
    assert listed["items"][0]["cohort_id"] == other["cohort_id"]
    following = researcher.get("/api/v1/cohorts", limit=1, cursor=listed["next"])
    assert following["items"][0]["cohort_id"] == again["cohort_id"]


def test_a_preview_freezes_nothing(researcher: Api) -> None:
    before = researcher.get("/api/v1/cohorts")["total"]
    preview = researcher.post(
        "/api/v1/cohorts/preview", {"label": ASSES_N_A, "split": {"by": "image"}}
    )
    assert any("by image" in warning for warning in preview["warnings"])
    assert researcher.get("/api/v1/cohorts")["total"] == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/facets", {"filter": {"asess": ["S"]}}),
        ("/api/v1/facets", {"filter": {"asses": ["' or 1=1 --"]}}),
        ("/api/v1/facets", {"filter": {"asses": ["\U0001f9ec" * 60]}}),
        ("/api/v1/facets", {"filter": {"asses": ["\x00"]}}),
        ("/api/v1/facets", {"filter": {"empi_anon": [str(n) for n in range(10_000)]}}),
        ("/api/v1/facets", {"filter": {"age_at_study": {"gte": 1e308, "lt": -1e308}}}),
        ("/api/v1/facets", {"facets": ["empi_anon"]}),
        ("/api/v1/facets", {"facets": ["nothing"]}),
        ("/api/v1/facets", {"dataset": "\x00"}),
        ("/api/v1/images/search", {"limit": 1001}),
        ("/api/v1/images/search", {"cursor": "WyJ4Il0"}),
        ("/api/v1/images/search", {"cursor": "%%%"}),
        ("/api/v1/images/search", {"sort": "asess"}),
        ("/api/v1/images/search", {"sort": "path1"}),
        ("/internal/v1/image-sources", {"image_ids": [2**70]}),
        ("/internal/v1/image-sources", {"image_ids": []}),
        ("/api/v1/cohorts", {"label": {**DENSITY, "policy": "finding"}}),
        ("/api/v1/images/search", {"cursor": DEEP}),
        ("/api/v1/cohorts", {"label": {**ASSES_N_A, "field": "recc"}}),
        ("/api/v1/cohorts", {"label": {**ASSES_N_A, "field": "massshape"}}),
        ("/api/v1/cohorts", {"label": ASSES_N_A, "split": {"train": 0.9}}),
        ("/api/v1/cohorts", {"label": ASSES_N_A, "seed": 2**80}),
        ("/api/v1/cohorts", {"label": ASSES_N_A, "filter": {"asses": ["K"]}}),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(
    researcher: Api, path: str, body: dict[str, Any]
) -> None:
    answer = researcher.http.post(path, json=body)
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/api/v1/facets", '{"filter": {"\\ud800": [1]}}'),
        ("/api/v1/facets", '{"filter": {"asses": {"\\ud800": 1}}}'),
        ("/api/v1/facets", '{"facets": ["\\ud800"]}'),
        ("/api/v1/images/search", '{"filter": {"\\ud800": [1]}}'),
        ("/api/v1/cohorts", '{"label": {"field": "\\ud800", "classes": []}}'),
    ],
)
def test_half_a_character_is_a_problem(researcher: Api, path: str, text: str) -> None:
    answer = researcher.http.post(path, content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/images/99999999999999999999999",
        "/api/v1/images/0",
        "/api/v1/images/987654321",
        "/api/v1/exams/%00",
        "/api/v1/exams/99999999999999999999999",
        "/api/v1/patients/%F0%9F%A7%AC",
        "/api/v1/patients/nobody",
        "/api/v1/cohorts/none",
        "/api/v1/cohorts/00000000-0000-0000-0000-000000000000/members",
        "/api/v1/datasets/nothing",
        "/api/v1/images?dataset=nothing",
        "/api/v1/images?age_at_study.gte=40&age_at_study.gte=50",
    ],
)
def test_what_is_not_there_is_a_problem(researcher: Api, path: str) -> None:
    answer = researcher.http.get(path)
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_of_another_query_is_refused(researcher: Api) -> None:
    cursor = researcher.get("/api/v1/images", limit=1)["next"]
    answer = researcher.http.get("/api/v1/images", params={"cursor": cursor, "asses": "N"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_nobody_is_answered_without_an_identity(catalog_url: str) -> None:
    answer = httpx.get(f"{catalog_url}/api/v1/images", trust_env=False)
    assert answer.status_code == 401


def test_readers_freeze_nothing_and_researchers_ingest_nothing(
    catalog_url: str, researcher: Api, person: Callable[..., Api]
) -> None:
    reader = person(catalog_url, "reader")
    assert reader.http.post("/api/v1/cohorts", json={"label": ASSES_N_A}).status_code == 403
    body = {"clinical": "s3://a/b", "metadata": "s3://a/c", "image_root": "s3://a/d"}
    path = "/api/v1/datasets/embed-synthetic/revisions"
    assert researcher.http.post(path, json=body).status_code == 403


def test_a_job_reads_the_cohort_it_was_given_and_no_other(
    catalog_url: str, researcher: Api, person: Callable[..., Api]
) -> None:
    cohort = researcher.post("/api/v1/cohorts", {"label": ASSES_N_A}, 201)["cohort_id"]
    mine = person(catalog_url, "researcher", job_id="1", cohort_id=cohort)
    other = person(catalog_url, "researcher", job_id="1", cohort_id="another")
    path = f"/api/v1/cohorts/{cohort}/members"
    assert mine.get(path, limit=1)["items"]
    assert other.http.get(path).status_code == 403


def test_health_names_the_database(catalog_url: str, catalog_settings: Settings) -> None:
    ready = httpx.get(f"{catalog_url}/readyz", trust_env=False).json()
    assert ready["dependencies"]["database"]["state"] == "ok"
