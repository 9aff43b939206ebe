"""Uploaded scores: what is wrong with a file is said by line and column."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainer.catalog import Member
from trainer.cohorts import MemberTable
from trainer.describing import describe_predictions
from trainer.evaluation.schemas import Misread
from trainer.scoring import ScoresError, join_scores, parse_scores, worst_last
from trainer.training.predictions import read_predictions, write_rows

CLASSES = ("B", "K")
GOOD = "image_id,p_B,p_K\n11,0.8,0.2\n12,0.1,0.9\n13,0.4,0.6\n"


def make_table(label_field: str = "asses", classes: tuple[str, ...] = CLASSES) -> MemberTable:
    """Three test images of two exams, and one for training."""
    table = MemberTable(classes, {"cohort": {"definition": {"label": {"field": label_field}}}})
    rows = [(11, "e1", "B", "test"), (12, "e1", "K", "test"), (13, "e2", "B", "test"),
            (14, "e3", "K", "train")]  # fmt: skip
    for image_id, exam, label, split in rows:
        attributes: dict[str, Any] = {"ImageLateralityFinal": "L", "race": "White"}
        member = Member(
            image_id=image_id, sop_instance_uid=f"1.{image_id}", patient_id=f"p{exam}",
            exam_id=exam, label=label, split=split, attributes=attributes,
        )  # fmt: skip
        table.add(member)
    return table


def test_a_file_is_read_by_its_header_in_any_order() -> None:
    scores = parse_scores("\ufeffK, image_id ,p_B\n0.2,11,0.8\n".lstrip("\ufeff"), CLASSES)
    assert (scores.unit, scores.ids, scores.lines) == ("image", ["11"], [2])
    assert scores.probs.tolist() == [[0.8, 0.2]]


def test_rounded_rows_are_scaled_to_one() -> None:
    (row,) = parse_scores("image_id,B,K\n1,0.333,0.66\n", CLASSES).probs
    assert row.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("", 1, None, "needs one of image_id and exam_id"),
        ("image_id,exam_id,B,K\n", 1, None, "needs one of"),
        ("image_id,p_B\n1,1\n", 1, "K", "is missing"),
        ("image_id,B,p_B,K\n", 1, "B", "stands twice"),
        ("image_id,B,K,note\n", 1, "note", "unknown or repeated"),
        ("image_id,B,K\n", 1, None, "no rows"),
        ("image_id,B,K\n1,0.5,0.5\n\n1,0.5,0.5\n", 4, "image_id", "in line 2 already"),
        ("image_id,B,K\n1,0.5\n", 2, None, "2 cells"),
        ("image_id,B,K\n1,0.5,0.5\n2,x,0.5\n", 3, "B", "'x' is no probability"),
        ("image_id,B,K\n1,0.5,nan\n", 2, "K", "'nan' is no probability"),
        ("image_id,B,K\n1,1.5,-0.5\n", 2, "B", "from 0 to 1"),
        ("image_id,B,K\n1,0.5,0.2\n", 2, None, "sum to 0.7"),
        ('image_id,B,K\n1,"0.5"x,0.5\n', 2, None, "not CSV"),
        ("image_id,B,K\n,0.5,0.5\n", 2, "image_id", "no id"),
    ],
)
def test_what_is_wrong_is_named(text: str, line: int, column: str | None, said: str) -> None:
    with pytest.raises(ScoresError, match=said) as caught:
        parse_scores(text, CLASSES)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_images_get_labels_patients_and_attributes() -> None:
    turned = GOOD.splitlines()[:1] + GOOD.splitlines()[:0:-1]
    found = join_scores(parse_scores("\n".join(turned), CLASSES), make_table(), "test")
    assert list(found.keys) == ["13", "12", "11"]
    assert found.target.tolist() == [0, 1, 0]
    assert found.patients[1] == found.patients[2] != found.patients[0]
    assert found.attributes["race"] == ["White"] * 3
    assert found.breasts is not None
    assert np.allclose(found.probs[1], [0.1, 0.9])


BY_EXAM = "exam_id,B,K\ne1,0.3,0.7\ne2,0.1,0.9\n"


def test_exams_get_their_worst_label() -> None:
    found = join_scores(parse_scores(BY_EXAM, CLASSES), make_table(), "test")
    assert (found.unit, found.target.tolist()) == ("exam", [1, 0])
    assert found.exams is None
    with pytest.raises(ScoresError, match="no order"):
        join_scores(
            parse_scores("exam_id,B,K,Z\ne1,0.3,0.6,0.1\ne2,0.9,0.1,0\n", ("B", "K", "Z")),
            make_table("massshape", ("B", "K", "Z")),
            "test",
        )


def test_what_is_told_of_exams_is_told_by_exam(tmp_path: Path) -> None:
    found = join_scores(parse_scores(BY_EXAM, CLASSES), make_table(), "test")
    told = describe_predictions(found)
    assert told["unit"] == "exam"
    assert "by exam already" in told["evaluation"]["levels_refused"]
    (wrong,) = told["misclassified"]["cases"]
    assert wrong == {"exam_id": "e2", "label": "B", "said": "K", "share": 0.9}
    assert Misread.model_validate(wrong).image_id is None
    path = tmp_path / "predictions.csv"
    rows = ((("e2", "1", "B"), found.probs[1]),)
    write_rows(path, CLASSES, rows, found.unit)
    assert path.read_text() == "exam_id,patient,label,p_B,p_K\ne2,1,B,0.1,0.9\n"
    with pytest.raises(KeyError, match="image_id"):
        read_predictions(path, CLASSES)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (GOOD + "14,0.5,0.5\n", 5, "14 is not of the cohort's test split"),
        (GOOD.replace("12,0.1,0.9\n", ""), 3, "1 of the test split have no row, e.g. 12"),
    ],
)
def test_ids_are_exactly_those_of_the_split(text: str, line: int, said: str) -> None:
    with pytest.raises(ScoresError, match=said) as caught:
        join_scores(parse_scores(text, CLASSES), make_table(), "test")
    assert caught.value.line == line


def test_classes_stand_from_best_to_worst() -> None:
    assert worst_last("asses", ("K", "B", "S")) == ("B", "S", "K")
    assert worst_last("path_severity", ("0", "4")) == ("4", "0")
    assert worst_last("massshape", ("R", "O", "X")) == ("R", "O", "X")
