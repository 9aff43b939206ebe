"""Regions of interest: well formed, in the frame, the same on an image and its C-View."""

import ast
from pathlib import Path

import pandas as pd
import pytest
from devstack.synthetic import Defects, Generation, Scale, write_tables

from .conftest import Tables, read_tables


def _outlined(tables: Tables) -> pd.DataFrame:
    rows = tables.metadata[tables.metadata["num_roi"] > 0].copy()
    rows["boxes"] = rows["ROI_coords"].map(ast.literal_eval)
    rows["levels"] = rows["match_level"].map(ast.literal_eval)
    return rows


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("generous")
    generation = Generation(defects=Defects.none(), roi_share=1.0)
    write_tables(folder, Scale(patients=400), seed=4, generation=generation)
    return read_tables(folder)


def test_boxes_are_integers_within_the_image(tables: Tables) -> None:
    rows = _outlined(tables)
    assert len(rows) > 300
    for boxes, number, height, width in zip(
        rows["boxes"], rows["num_roi"], rows["Rows"], rows["Columns"], strict=True
    ):
        assert len(boxes) == number
        for ymin, xmin, ymax, xmax in boxes:
            assert all(isinstance(v, int) for v in (ymin, xmin, ymax, xmax))
            assert 0 <= ymin < ymax <= height
            assert 0 <= xmin < xmax <= width


def test_images_without_a_region_say_so(tables: Tables) -> None:
    rows = tables.metadata[tables.metadata["num_roi"] == 0]
    assert set(rows["ROI_coords"]) == {"()"}
    assert set(rows["match_level"]) == {"[]"}
    assert set(rows["SRC_DST"]) == {"[]"}


def test_2d_is_the_primary_match_and_the_c_view_the_secondary(tables: Tables) -> None:
    rows = _outlined(tables)
    for boxes, levels, kind in zip(
        rows["boxes"], rows["levels"], rows["FinalImageType"], strict=True
    ):
        assert levels == [1 if kind == "2D" else 2] * len(boxes)


def test_a_c_view_has_its_image_s_boxes_scaled_by_0_6(generous: Tables) -> None:
    rows = _outlined(generous)
    keys = ["acc_anon", "ImageLateralityFinal", "0_ViewCodeSequence_CodeMeaning"]
    flat = rows[rows["FinalImageType"] == "2D"].drop_duplicates(keys)
    twins = flat.merge(rows[rows["FinalImageType"] == "cview"].drop_duplicates(keys), on=keys)
    assert len(twins) > 50
    for flat_boxes, cview_boxes in zip(twins["boxes_x"], twins["boxes_y"], strict=True):
        for one, other in zip(flat_boxes, cview_boxes, strict=True):
            assert other == pytest.approx([0.6 * v for v in one], abs=2)


def test_regions_lie_on_the_side_of_an_abnormal_finding(generous: Tables) -> None:
    rows = _outlined(generous)
    abnormal = generous.clinical[~generous.clinical["asses"].isin(["N", "B"])]
    sides = abnormal[["acc_anon", "side"]].drop_duplicates()
    rows = rows.rename(columns={"ImageLateralityFinal": "side"})
    found = rows.merge(sides, on=["acc_anon", "side"])
    assert len(found) == len(rows)


def test_spoilt_regions_leave_their_place(tmp_path: Path) -> None:
    boxes = {}
    for name, defects in {
        "right": Defects.none(),
        "mirrored": Defects(**(vars(Defects.none()) | {"roi_wrong_side": 1.0})),
        "border": Defects(**(vars(Defects.none()) | {"roi_border": 1.0})),
        "huge": Defects(**(vars(Defects.none()) | {"roi_huge": 1.0})),
    }.items():
        generation = Generation(defects=defects, roi_share=1.0)
        write_tables(tmp_path / name, Scale(patients=60), seed=4, generation=generation)
        boxes[name] = _outlined(read_tables(tmp_path / name))
    for right, mirrored, border, huge, width in zip(
        *(boxes[name]["boxes"] for name in ("right", "mirrored", "border", "huge")),
        boxes["right"]["Columns"],
        strict=True,
    ):
        assert mirrored[0][1] == width - right[0][3]
        assert border[0][1] == 0
        assert huge[0][2] - huge[0][0] > 1.5 * (right[0][2] - right[0][0])
