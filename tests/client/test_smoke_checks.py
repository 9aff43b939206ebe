"""Each check of the smoke test passes the truth and fails each lie."""

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from embedlab.smoke import checks
from embedlab.smoke.checks import Lie
from PIL import Image

Change = Callable[[Any], object]

ITEMS: list[dict[str, Any]] = [
    {
        "image_id": n,
        "patient_id": str(n // 2),
        "exam_id": str(n // 2),
        "sop_instance_uid": f"1.{n}",
        "ViewPosition": "CC",
        "assessments": ["S"] if n % 2 else ["M", "B"],
    }
    for n in range(6)
]


def changed(value: Any, change: Change) -> Any:
    """A copy of ``value`` after ``change``."""
    altered = copy.deepcopy(value)
    change(altered)
    return altered


def test_a_true_search_passes() -> None:
    assert checks.check_search(ITEMS, 6, "CC", ("S", "M")) == "6 images"


@pytest.mark.parametrize(
    "change",
    [
        lambda items: items[2].update(ViewPosition="MLO"),
        lambda items: items[2].update(assessments=["B"]),
        lambda items: items[2].update(assessments=[]),
        lambda items: items.append(items[0]),
        lambda items: items.pop(),
        lambda items: items.clear(),
    ],
)
def test_a_false_search_fails(change: Change) -> None:
    with pytest.raises(Lie):
        checks.check_search(changed(ITEMS, change), 6, "CC", ("S", "M"))


def test_an_empty_search_is_a_lie() -> None:
    with pytest.raises(Lie, match="no image"):
        checks.check_search([], 0, "CC", ("S", "M"))


TOTAL = {"images": 6, "exams": 3, "patients": 3}


def test_true_totals_pass() -> None:
    checks.check_totals(ITEMS, TOTAL)


@pytest.mark.parametrize("name", TOTAL)
def test_false_totals_fail(name: str) -> None:
    with pytest.raises(Lie, match=name):
        checks.check_totals(ITEMS, {**TOTAL, name: 5})


FACETS = {
    "ViewPosition": [{"value": "CC", "count": 6}, {"value": "MLO", "count": 7}],
    "asses": [{"value": "S", "count": 3}, {"value": "M", "count": 3}, {"value": "B", "count": 9}],
}


def test_true_facets_pass() -> None:
    checks.check_facets(FACETS, ITEMS, "CC", ("S", "M"))


@pytest.mark.parametrize(
    "change",
    [
        lambda facets: facets["ViewPosition"][0].update(count=5),
        lambda facets: facets["ViewPosition"].pop(),
        lambda facets: facets["asses"][1].update(count=4),
        lambda facets: facets["asses"].pop(0),
    ],
)
def test_false_facets_fail(change: Change) -> None:
    with pytest.raises(Lie):
        checks.check_facets(changed(FACETS, change), ITEMS, "CC", ("S", "M"))


FILTERS = [
    {"name": "asses", "label": "Assessment", "options": [{"value": "S", "count": 3}]},
    {"name": "ViewPosition", "label": "View", "options": [{"value": "CC", "count": 6}]},
]


def test_true_filters_pass() -> None:
    checks.check_filters(FILTERS, {"asses": ["S"], "ViewPosition": ["CC"]})


@pytest.mark.parametrize(
    "change",
    [
        lambda filters: filters.pop(),
        lambda filters: filters[0].update(label=""),
        lambda filters: filters[0]["options"][0].update(count=0),
        lambda filters: filters[0]["options"].clear(),
    ],
)
def test_false_filters_fail(change: Change) -> None:
    with pytest.raises(Lie):
        checks.check_filters(changed(FILTERS, change), {"asses": ["S"], "ViewPosition": ["CC"]})


RECORD: dict[str, Any] = {
    **{k: ITEMS[1][k] for k in ("image_id", "patient_id", "exam_id", "sop_instance_uid")},
    "image": {"ViewPosition": "CC", "ImageLateralityFinal": "L"},
    "findings": [{"values": {"asses": "S", "side": "L"}}, {"values": {"asses": "N"}}],
}


def test_a_true_record_passes() -> None:
    checks.check_record(RECORD, ITEMS[1], "CC", ("S", "M"))


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(patient_id="7"),
        lambda record: record["image"].update(ViewPosition="MLO"),
        lambda record: record["image"].pop("ViewPosition"),
        lambda record: record["findings"].pop(0),
        lambda record: record["findings"][0]["values"].update(side="R"),
    ],
)
def test_a_false_record_fails(change: Change) -> None:
    with pytest.raises(Lie):
        checks.check_record(changed(RECORD, change), ITEMS[1], "CC", ("S", "M"))


def test_an_image_left_out_wrongly_fails() -> None:
    checks.check_left_out(RECORD, ("K",))
    with pytest.raises(Lie, match="left out"):
        checks.check_left_out(RECORD, ("S",))


def picture(kind: str, size: tuple[int, int], *, blank: bool = False) -> bytes:
    rng = np.random.default_rng(1)
    values = np.zeros(size[::-1]) if blank else rng.integers(0, 255, size[::-1])
    buffer = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def test_true_pictures_pass() -> None:
    checks.check_picture(picture("JPEG", (200, 256)), "JPEG", longest=256)
    checks.check_picture(picture("PNG", (30, 40)), "PNG", size=(30, 40))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        picture("PNG", (200, 256)),
        picture("JPEG", (200, 255)),
        picture("JPEG", (200, 256), blank=True),
        picture("JPEG", (200, 256))[:2000],
    ],
)
def test_false_pictures_fail(data: bytes) -> None:
    with pytest.raises(Lie):
        checks.check_picture(data, "JPEG", longest=256)


SPLIT = {"train": 0.7, "validation": 0.1, "test": 0.2}


def _members(count: int = 100) -> list[dict[str, Any]]:
    found = []
    for n in range(2 * count):
        place = (n % count) / count
        split = "train" if place < 0.7 else "validation" if place < 0.8 else "test"
        label = "BK"[n // count]
        found.append(
            {
                "image_id": n,
                "patient_id": f"{label}{n % count // 2}",
                "label": label,
                "split": split,
            }
        )
    return found


MEMBERS = _members()
COHORT = {"classes": [{"name": "B", "images": 100}, {"name": "K", "images": 100}]}


def test_a_true_cohort_passes() -> None:
    checks.check_cohort(COHORT, MEMBERS, 100, SPLIT)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members[0].update(split="test"),
        lambda members: members[0].update(label="K"),
        lambda members: members[0].update(label="N"),
        lambda members: members.append(members[0]),
        lambda members: members.pop(),
        lambda members: [m.update(split="train") for m in members if m["split"] == "test"],
        lambda members: [m.update(split="test") for m in members if m["split"] == "validation"],
    ],
)
def test_a_false_cohort_fails(change: Change) -> None:
    with pytest.raises(Lie):
        checks.check_cohort(COHORT, changed(MEMBERS, change), 100, SPLIT)


def test_fewer_images_than_asked_for_fail() -> None:
    cohort = {"classes": [{"name": "B", "images": 90}, {"name": "K", "images": 90}]}
    with pytest.raises(Lie, match="not 100"):
        checks.check_cohort(cohort, _members(90), 100, SPLIT)


def test_a_label_that_no_finding_has_fails() -> None:
    checks.check_label(RECORD, {"image_id": 1, "label": "S"})
    with pytest.raises(Lie):
        checks.check_label(RECORD, {"image_id": 1, "label": "K"})


JOB: dict[str, Any] = {
    "epochs": [{"epoch": 1}, {"epoch": 2}],
    "metrics": {
        "test": {
            "n": 40,
            "patients": 20,
            "accuracy": {"value": 0.9},
            "roc_auc": {"value": 0.9, "low": 0.8, "high": 0.95},
        },
        "confusion_matrix": {"labels": ["B", "K"], "counts": [[18, 2], [2, 18]]},
        "roc": [{"name": "K", "fpr": [0, 0.2, 1], "tpr": [0, 1, 1]}],
        "baseline": {"roc_auc": {"value": 0.6}},
    },
}


def test_a_true_job_passes() -> None:
    assert "0.900" in checks.check_job(JOB, MEMBERS)


def _set(*path: Any) -> Change:
    *keys, last, value = path

    def change(job: Any) -> None:
        for key in keys:
            job = job[key]
        job[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("metrics", None),
        _set("epochs", []),
        _set("epochs", 1, "epoch", 3),
        _set("metrics", "test", "n", 41),
        _set("metrics", "test", "patients", 40),
        _set("metrics", "test", "accuracy", "value", 0.95),
        _set("metrics", "test", "roc_auc", {"value": 0.9, "low": 0.5, "high": 0.95}),
        _set("metrics", "test", "roc_auc", {"value": 0.9, "low": 0.91, "high": 0.95}),
        _set("metrics", "test", "roc_auc", {"value": 0.95, "low": 0.8, "high": 0.97}),
        _set("metrics", "baseline", "roc_auc", "value", 0.76),
        _set("metrics", "confusion_matrix", "counts", [[17, 3], [2, 18]]),
        _set("metrics", "confusion_matrix", "counts", [[36, 4], [0, 0]]),
        _set("metrics", "roc", 0, "fpr", [0.1, 0.2, 1]),
        _set("metrics", "roc", 0, "tpr", [0, 1, 0.9]),
    ],
)
def test_a_false_job_fails(change: Change) -> None:
    with pytest.raises(Lie):
        checks.check_job(changed(JOB, change), MEMBERS)
