"""ROI_coords, paths and column names in the spellings of the releases."""

import pytest
from catalog.ingest.boxes import boxes_by_row
from catalog.ingest.encode import TableEncoder
from catalog.ingest.faults import SourceFault
from catalog.ingest.report import Report
from catalog.ingest.spelling import canonical_names, check_required
from catalog.paths import relative_key, sop_instance_uid, source_uri
from catalog.rois import Roi, mirrored, parse_rois
from hypothesis import given, settings
from hypothesis import strategies as st

coordinates = st.integers(0, 6000)
boxes = st.builds(
    lambda y, x, height, width: Roi(y, x, y + height, x + width),
    coordinates,
    coordinates,
    st.integers(1, 900),
    st.integers(1, 900),
)


@settings(deadline=None)
@given(st.lists(boxes, max_size=9))
def test_rois_of_v1_and_of_the_nested_form_are_the_same(drawn: list[Roi]) -> None:
    as_tuples = str(tuple(tuple(roi) for roi in drawn))
    nested = str([[list(roi) for roi in drawn]])
    assert parse_rois(as_tuples) == drawn
    assert parse_rois(nested) == drawn


def test_swapped_corners_are_put_right() -> None:
    assert parse_rois("((300, 40, 100, 20),)") == [Roi(100, 20, 300, 40)]


@pytest.mark.parametrize(
    "text", ["((1, 2, 3),)", "((1, 2, 1, 4),)", "rm -rf", "((1, 2, 3, 99999),)", "((-9, 2, 3, 4),)"]
)
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"box|list"):
        parse_rois(text)


def test_boxes_of_the_files_frame_are_placed_where_a_table_has_no_others() -> None:
    names = ["PNG_flipped", "PatientOrientation", "Columns", "DCM_ROI_coords"]
    encoder = TableEncoder("metadata", names, set(names), {})
    box = '"((1, 20, 3, 40),)"'
    lines = [
        f"True,,100,{box}",
        f"False,,100,{box}",
        f",\"['P', 'L']\",100.0,{box}",
        f",\"['A', 'R']\",,{box}",
        f",,100,{box}",
        f"True,,30,{box}",
        "True,,100,()",
        "True,,100,nonsense",
    ]
    encoder.add("\n".join([*lines, ""]).encode())
    report = Report()
    drawn, turned = [Roi(1, 20, 3, 40)], [Roi(1, 60, 3, 80)]
    assert boxes_by_row(encoder.columns(), report) == {0: turned, 1: drawn, 2: turned, 3: drawn}
    refused = {part["reason"]: part["first_line"] for part in report.as_json()["rejected"]}
    assert refused == {
        "not a list of boxes": 9,
        "nothing tells whether the file is mirrored, or how wide it is": 6,
        "a box outside of the image": 7,
    }


def test_boxes_of_views_that_are_never_turned_stand_in_the_files_frame() -> None:
    names = ["ViewPosition", "PatientOrientation", "Columns", "ROI_coords"]
    encoder = TableEncoder("metadata", names, set(names), {})
    box, behind = '"((1, 20, 3, 40),)"', "\"['P', 'F']\""
    views = ["CC", "MLO", "ML", "XCCL", "LM", ""]
    lines = [f"{view},{behind},100,{box}" for view in views] + [f"XCCL,\"['A', 'F']\",100,{box}"]
    encoder.add("\n".join([*lines, ""]).encode())
    drawn, turned = [Roi(1, 20, 3, 40)], [Roi(1, 60, 3, 80)]
    found = boxes_by_row(encoder.columns(), Report())
    assert [found[row] for row in range(7)] == [drawn] * 3 + [turned] * 2 + [drawn] * 2


@settings(deadline=None)
@given(boxes, st.integers(7000, 9000))
def test_mirroring_twice_changes_nothing(roi: Roi, columns: int) -> None:
    assert mirrored(mirrored(roi, columns), columns) == roi


@pytest.mark.parametrize(
    "prefix",
    ["/mnt/NAS2/mammo/anon_dicom/", "/mnt/NAS3/mammo/anon_dicom/", "./images/", "images/", ""],
)
def test_path_prefixes_of_all_releases(prefix: str) -> None:
    path = prefix + "cohort_1/12345678/1.2/3.4/2.25.99.dcm"
    assert relative_key(path) == "cohort_1/12345678/1.2/3.4/2.25.99.dcm"
    assert sop_instance_uid(path) == "2.25.99"
    assert source_uri("s3://bucket/images/", path) == (
        "s3://bucket/images/cohort_1/12345678/1.2/3.4/2.25.99.dcm"
    )


@pytest.mark.parametrize("path", ["images/../../etc/passwd", "..", ""])
def test_a_path_cannot_leave_the_image_root(path: str) -> None:
    with pytest.raises(ValueError, match="image root"):
        source_uri("file:///mirror/images", path)


def test_later_names_become_those_of_v1() -> None:
    assert canonical_names("metadata", ["num_ROI", "ACC_ANON", "novel"]) == [
        "num_roi",
        "acc_anon",
        "novel",
    ]
    assert canonical_names("clinical", ["RACE_DESC"]) == ["ETHNICITY_DESC"]
    assert canonical_names("clinical", ["RACE_DESC", "ETHNICITY_DESC"]) == [
        "RACE_DESC",
        "ETHNICITY_DESC",
    ]


def test_a_table_without_its_keys_is_refused_by_name() -> None:
    with pytest.raises(SourceFault, match="acc_anon"):
        check_required("clinical", "clinical", ["empi_anon", "side", "asses", "acc_anom"])
