"""The label of each image, and what the policy decided.

``asses``: K M S P A B N from worst; images with an X, and with P, S, M or K on a screening exam
(recording errors), are left out. ``path_severity``: the least number; the result of surgery
supersedes that of a biopsy of the same finding. EMBED does not say which finding an ROI outlines:
the policy ``finding`` takes the images of one ROI whose side has one finding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from chassis.problems import invalid

from catalog.cohorts.definition import LabelDefinition
from catalog.fields import Field
from catalog.grammar import Condition, find_field, parse_value
from catalog.model.read_model import ReadModel
from catalog.model.select import check_known, look_up
from catalog.vocabulary import ASSESSMENT_ORDER, NOT_AT_SCREENING

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

NO_LABEL = -1  # null
NO_CLASS = -2  # a value that no class has
DISAGREE = -3


@dataclass(frozen=True)
class Labelled:
    """By image its class, or a negative number; and what else happened to images."""

    classes: Ints
    exclusions: Sequence[tuple[str, Mask]] = ()  # (what is left after it, images left out before)
    decided: Sequence[tuple[str, Mask]] = ()  # (how, images whose findings did not agree)


def check_label(model: ReadModel, label: LabelDefinition) -> Field:
    """The field that labels; a 422 where it cannot."""
    field = find_field(label.field, "label")
    if field.multi or field.kind in ("identifier", "date"):
        raise invalid("label.field", f"{field.name} has no single value to label by")
    if label.policy == "finding" and not (field.level == "finding" and model.has("num_roi")):
        message = f"{field.name} is of no finding, or the files do not count ROIs"
        raise invalid("label.policy", message, ["worst", "exclude"])
    if field.level == "finding" and label.policy == "worst" and field.name not in _ORDERED:
        detail = f"{field.name} has no worst value"
        raise invalid("label.policy", detail, ["exclude"])
    if not model.has(field.name):
        raise invalid("label.field", "this revision's files do not have the column")
    return field


def label_images(model: ReadModel, label: LabelDefinition) -> Labelled:
    """Label every image of the model."""
    field = check_label(model, label)
    class_of = _class_of_code(model, field, label)
    if field.level != "finding":
        return Labelled(class_of[model.codes_of(field)][model.owner_of_image(field.level)])
    exclusions = list(_exclusions(model, field))
    if label.policy == "finding":
        exclusions += _unlinked(model)
    if field.name not in _ORDERED or label.policy == "exclude":
        agreed = _agreed(model, class_of[model.codes_of(field)])
        return Labelled(agreed[model.breast_of_image], exclusions)
    worst = _worst(model, field, class_of)
    return Labelled(worst[model.breast_of_image], exclusions, list(_decided(model, field)))


def _class_of_code(model: ReadModel, field: Field, label: LabelDefinition) -> Ints:
    dictionary = model.dictionary(field)
    found = np.full(dictionary.size, NO_CLASS, np.int64)
    found[0] = NO_LABEL
    for number, item in enumerate(label.classes):
        where = f"label.classes.{number}.values"
        values = tuple(None if v is None else parse_value(field, v, where) for v in item.values)
        check_known(model, Condition(field, values=values))
        found[dictionary.members(values)] = number
    return found


def _worst(model: ReadModel, field: Field, class_of: Ints) -> Ints:
    """By breast the class of its worst row; rows without a value count only where all are so."""
    codes = _ORDERED[field.name](model)
    rank = _rank(model, field)
    by_pair = rank[codes][model.pair_row] * len(rank) + codes[model.pair_row]
    worst = np.minimum.reduceat(by_pair, model.pair_start[:-1]) % len(rank)
    return np.asarray(class_of[worst], np.int64)


def _rank(model: ReadModel, field: Field) -> Ints:
    """By code, from worst; null last."""
    values = model.dictionary(field).values
    rank = np.arange(len(values) + 1, dtype=np.int64)
    rank[0] = len(values) + len(ASSESSMENT_ORDER) + 1
    if field.name == "asses":
        order = ASSESSMENT_ORDER
        for code, value in enumerate(values, 1):
            known = str(value) in order
            rank[code] = order.index(str(value)) if known else len(order) + code
    return rank


def _plain_codes(model: ReadModel) -> Ints:
    return model.codes["asses"].astype(np.int64)


def _final_severity(model: ReadModel) -> Ints:
    """path_severity by row; null on a biopsy whose finding has a surgical result."""
    codes = model.codes["path_severity"].astype(np.int64)
    return np.where(_superseded(model, codes), 0, codes)


def _superseded(model: ReadModel, codes: Ints) -> Mask:
    """Rows of a biopsy whose finding has a surgical result; ``codes`` of path_severity by row."""
    if not model.has("type"):
        return np.zeros(len(codes), bool)
    exam = np.full(model.rows, -1, np.int64)
    exam[model.pair_row] = np.repeat(model.exam_of_breast, np.diff(model.pair_start))
    finding = exam * (int(model.row_finding.max()) + 2) + model.row_finding + 1
    # Rows without a number are findings of their own.
    known = (exam >= 0) & (model.row_finding >= 0) & (codes > 0)
    surgical = model.dictionaries["type"].members(["S"])[model.codes["type"]] & known
    return np.isin(finding, finding[surgical]) & ~surgical & known


_ORDERED = {"asses": _plain_codes, "path_severity": _final_severity}


def _agreed(model: ReadModel, by_row: Ints) -> Ints:
    """By breast the one class that all its labelled rows have; DISAGREE where they differ."""
    by_pair = by_row[model.pair_row]
    start = model.pair_start[:-1]
    absent = by_pair == NO_LABEL
    low = np.minimum.reduceat(np.where(absent, np.iinfo(np.int64).max, by_pair), start)
    high = np.maximum.reduceat(np.where(absent, np.iinfo(np.int64).min, by_pair), start)
    agreed = np.where(low == high, low, DISAGREE)
    return np.where(high == np.iinfo(np.int64).min, NO_LABEL, agreed)


def _decided(model: ReadModel, field: Field) -> Iterator[tuple[str, Mask]]:
    """Where the order of the field had to choose among findings."""
    codes = _ORDERED[field.name](model)
    several = _agreed(model, np.where(codes > 0, codes, NO_LABEL)) == DISAGREE
    yield "the worst of findings that differ", several[model.breast_of_image]
    if field.name == "path_severity":
        rows = _superseded(model, model.codes["path_severity"].astype(np.int64))
        yield "surgery instead of the biopsy before it", _images_with(model, rows)


def _unlinked(model: ReadModel) -> Iterator[tuple[str, Mask]]:
    """Images of which nobody can tell which finding an ROI outlines (the NUS notebook's rule)."""
    one = look_up(model.dictionaries["num_roi"].members([1]), model.codes["num_roi"])
    yield "with one ROI", ~one
    finding, start = model.row_finding[model.pair_row], model.pair_start[:-1]
    low, high = np.minimum.reduceat(finding, start), np.maximum.reduceat(finding, start)
    # Rows without a number are findings of their own.
    single = (low == high) & ((low >= 0) | (np.diff(model.pair_start) == 1))
    yield "with one finding on the side of the ROI", ~single[model.breast_of_image]


def _exclusions(model: ReadModel, field: Field) -> Iterator[tuple[str, Mask]]:
    if field.name != "asses":
        return
    codes, dictionary = model.codes["asses"], model.dictionaries["asses"]
    yield "assessed (no X)", _images_with(model, look_up(dictionary.members(["X"]), codes))
    if model.has("exam_type"):
        exams = model.dictionaries["exam_type"].members(["screening"])[model.codes["exam_type"]]
        wrong = look_up(dictionary.members(NOT_AT_SCREENING), codes)
        mask = _images_with(model, wrong) & exams[model.owner_of_image("exam")]
        yield "no P, S, M or K recorded on a screening exam", mask


def _images_with(model: ReadModel, rows: Mask) -> Mask:
    """Images that one of ``rows`` belongs to."""
    breasts = np.logical_or.reduceat(rows[model.pair_row], model.pair_start[:-1])
    return np.asarray(breasts[model.breast_of_image], bool)
