"""Records of one made-up case: ROIs in both frames, hanging, and time from screen to pathology."""

from pathlib import Path
from typing import Any

import pytest
from catalog.settings import Settings

from tests.catalog.conftest import Api
from tests.catalog.tables import write

PATIENT, SCREEN, WORK_UP, LATER = (
    "12345678",
    "9100000000000001",
    "9100000000000002",
    "9100000000000003",
)
DATASET = "a-case"


def clinical() -> str:
    """A screen with an abnormal left breast, its work-up with biopsy and surgery, a year later."""
    keys = {"empi_anon": PATIENT, "ETHNICITY_DESC": "Caucasian or White"}
    screen = {**keys, "acc_anon": SCREEN, "desc": "MG Screening Bilateral", "tissueden": 2}
    work_up = {**keys, "acc_anon": WORK_UP, "desc": "MG Diagnostic Left", "path_group": 1}
    rows: list[dict[str, Any]] = [
        {**screen, "study_date_anon": "2014-01-01", "side": "L", "asses": "A", "massshape": "L"},
        {**screen, "study_date_anon": "2014-01-01", "side": "R", "asses": "N", "numfind": 2},
        {
            **work_up,
            "study_date_anon": "2014-01-15",
            "side": "L",
            "asses": "S",
            "type": "B",
            "technique": "UB",
            "bside": "L",
            "procdate_anon": "2014-01-20",
            "pdate_anon": "2014-01-22 00:00:00",
            "path_severity": 0,
            "path1": "IDC",
            "path2": "ZZ",
        },
        {
            **work_up,
            "study_date_anon": "2014-01-15",
            "side": "L",
            "asses": "S",
            "type": "S",
            "pdate_anon": "2014-02-20 00:00:00",
            "path_severity": "severe",
            "path1": "DCIS?",
        },
        {**keys, "acc_anon": LATER, "desc": "MG Screening Bilateral", "study_date_anon": "soon"},
    ]
    names = [*dict.fromkeys(name for row in rows for name in row)]
    return write(names, rows)


def image(number: int, **cells: Any) -> dict[str, Any]:
    """A row of the metadata table in the columns of the later releases."""
    path = f"images/cohort_1/{PATIENT}/1.2/3.4/2.25.{number}.dcm"
    return {
        "empi_anon": PATIENT,
        "acc_anon": SCREEN,
        "anon_dicom_path": path,
        "study_date_anon": "2013-12-30 00:00:00",
        "FinalImageType": "2D",
        "Rows": 3328,
        "Columns": 2560,
        "num_ROI": 0,
        "PNG_ROI_coords": "()",
        **cells,
    }


def metadata() -> str:
    """Four standard views, one repeated as a spot view, a C-View, and an exam of C-Views alone."""
    left = {"ImageLateralityFinal": "L"}
    right = {"ImageLateralityFinal": "R"}
    roi = {"num_ROI": 1, "PNG_ROI_coords": "[[[10, 20, 30, 60]]]", "ROI_match_level": "[1]"}
    rows = [
        image(1, **left, ViewPosition="CC", spot_mag=1.0),
        image(2, **left, ViewPosition="CC", **roi, PNG_flipped="True", ROI_source="SSC"),
        image(3, **left, ViewPosition="CC", FinalImageType="cview"),
        image(4, **left, ViewPosition="MLO", **roi, PatientOrientation="['A', 'FL']"),
        image(5, **right, ViewPosition="CC", **roi, PatientOrientation="['P', 'L']"),
        image(6, **right, ViewPosition="MLO", **roi),
        image(
            7,
            **right,
            ViewPosition="MLO",
            FinalImageType="cview",
            DCM_ROI_coords="((1, 2, 3, 4),)",
            **roi,
        ),
        image(
            8,
            **left,
            ViewPosition="CC",
            FinalImageType="cview",
            acc_anon=LATER,
            DCM_ROI_coords="((10, 2500, 30, 2540),)",
            PatientOrientation="['P', 'L']",
        ),
    ]
    names = [*dict.fromkeys(name for row in rows for name in row)]
    return write(names, rows)


@pytest.fixture(scope="module")
def case(admin: Api, catalog_settings: Settings) -> Api:
    """Whoever asks about the case."""
    folder = Path(str(catalog_settings.mirror_root)) / DATASET
    folder.mkdir()
    (folder / "EMBED_OpenData_clinical.csv").write_text(clinical())
    (folder / "EMBED_OpenData_metadata.csv").write_text(metadata())
    state = admin.ingest(DATASET, folder, restricted=False)
    assert state["state"] == "succeeded", state["error"]
    return admin


def record(case: Api, number: int) -> Any:
    """The record of one of the images."""
    found = case.get("/api/v1/images", dataset=DATASET, limit=100)["items"]
    image_id = next(i["image_id"] for i in found if i["sop_instance_uid"] == f"2.25.{number}")
    return case.get(f"/api/v1/images/{image_id}")


BOX = {"ymin": 10, "xmin": 20, "ymax": 30, "xmax": 60}
MIRRORED = {**BOX, "xmin": 2560 - 60, "xmax": 2560 - 20}


@pytest.mark.parametrize(
    ("number", "mirrored", "stored"),
    [
        (2, True, MIRRORED),  # PNG_flipped
        (4, False, BOX),  # PatientOrientation
        (5, True, MIRRORED),
        (6, None, None),  # nothing tells
        (7, None, {"ymin": 1, "xmin": 2, "ymax": 3, "xmax": 4}),  # DCM_ROI_coords
    ],
)
def test_rois_stand_in_both_frames(
    case: Api, number: int, mirrored: bool | None, stored: dict[str, int] | None
) -> None:
    found = record(case, number)
    assert found["mirrored"] is mirrored
    assert found["rois"] == [{"n": 0, **BOX, "match_level": 1, "stored": stored}]


def test_a_box_known_in_the_files_frame_alone_stands_in_both(case: Api) -> None:
    (roi,) = record(case, 8)["rois"]
    assert {name: roi[name] for name in BOX} == BOX
    assert roi["stored"] == MIRRORED


def test_later_roi_columns_are_kept_and_filtered_by(case: Api) -> None:
    assert record(case, 2)["image"]["ROI_source"] == "SSC"
    assert record(case, 7)["image"]["DCM_ROI_coords"] == "((1, 2, 3, 4),)"
    for filter_, images in (
        ({"PNG_flipped": "true"}, 1),
        ({"ROI_source": "SSC"}, 1),
        ({"ROI_match_level": "1"}, 5),
        ({"match_level": "1", "has_roi": "true"}, 5),
        ({"num_ROI.gte": 1}, 5),
        ({"RACE_DESC": "Caucasian or White"}, 8),
    ):
        found = case.get("/api/v1/images", dataset=DATASET, **filter_)
        assert found["total"] == images, filter_


def test_an_unlisted_code_is_shown_as_one(case: Api) -> None:
    finding = record(case, 2)["findings"][0]
    assert finding["values"]["massshape"] == "L"
    assert finding["labels"]["massshape"] == "L (unlisted code)"
    facets = case.post("/api/v1/facets", {"dataset": DATASET, "facets": ["massshape"]})
    labels = {o["value"]: o["label"] for o in facets["facets"]["massshape"]}
    assert labels["L"] == "L (unlisted code)"


def test_an_exam_hangs_full_views_before_others(case: Api) -> None:
    exam = case.get(f"/api/v1/exams/{SCREEN}", dataset=DATASET)
    uids = {i["image_id"]: i["sop_instance_uid"] for i in exam["images"]}
    assert {slot: uids[i][5:] for slot, i in exam["hanging"].items()} == {
        "R CC": "5",
        "L CC": "2",
        "R MLO": "6",
        "L MLO": "4",
    }
    assert exam["exam"]["exam_asses"] == "A"
    later = case.get(f"/api/v1/exams/{LATER}", dataset=DATASET)
    assert later["hanging"]["L CC"] == later["images"][0]["image_id"]
    assert later["hanging"]["R CC"] is None


def test_a_record_has_siblings_and_its_twin(case: Api) -> None:
    found = record(case, 2)
    assert {i["sop_instance_uid"] for i in found["siblings"]} == {
        f"2.25.{n}" for n in (1, 3, 4, 5, 6, 7)
    }
    assert found["cview_twin"] == record(case, 3)["image_id"]


def test_a_timeline_runs_from_screen_to_pathology(case: Api) -> None:
    exams = case.get(f"/api/v1/patients/{PATIENT}", dataset=DATASET)["exams"]
    assert [exam["exam_id"] for exam in exams] == [LATER, SCREEN, WORK_UP]
    told = [(e["date"], e["days"], e["days_since_previous"], e["days_since_screen"]) for e in exams]
    assert told == [
        ("2013-12-30", 0, None, None),  # its report's date is none: the image's stands in
        ("2014-01-01", 2, 2, 2),
        ("2014-01-15", 16, 14, 14),
    ]
    biopsy, surgery = exams[2]["procedures"]
    assert (biopsy["date"], biopsy["reported"]) == ("2014-01-20", "2014-01-22")
    assert (biopsy["days_since_exam"], biopsy["days_since_screen"]) == (5, 19)
    assert biopsy["labels"]["technique"] == "ultrasound guided core biopsy"
    assert biopsy["pathology"] == "cancer"
    assert biopsy["pathology_codes"][1] == {"value": "ZZ", "label": "ZZ (unlisted code)"}
    assert (surgery["date"], surgery["days_since_screen"]) == ("2014-02-20", 50)
    assert (surgery["path_severity"], surgery["pathology"]) == (None, None)
    assert exams[2]["path_severity"] == 0
    assert exams[1]["procedures"] == []
