"""Scores of a model that was not trained here: a CSV, joined with the frozen members of a cohort.

The header has `image_id` or `exam_id` and a column for each class, called by its name or `p_` and
its name. A row is a test image (or exam) with a probability for each class that sum to one.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.cohorts import MemberTable, known_columns
from trainer.evaluation.metrics import Floats, Ints
from trainer.evaluation.predictions import Predictions, Unit
from trainer.evaluation.units import severities
from trainer.samples import SPLITS

COLUMNS: dict[str, Unit] = {"image_id": "image", "exam_id": "exam"}
SUM_TOLERANCE = 0.01
PREFIX = "p_"


class ScoresError(ValueError):
    """A row or column of the file is wrong: where, and what is accepted."""

    def __init__(self, message: str, line: int = 1, column: str | None = None) -> None:
        at = f"line {line}" if column is None else f"line {line}, column {column}"
        super().__init__(f"{at}: {message}")
        self.line, self.column, self.message = line, column, message


@dataclass(frozen=True)
class Scores:
    """``probs`` (n, classes) of the images or exams ``ids``; ``lines``: where each stands."""

    unit: Unit
    ids: list[str]
    probs: Floats
    lines: list[int]

    @property
    def column(self) -> str:
        """Where the ids stand."""
        return f"{self.unit}_id"


def parse_scores(text: str, classes: Sequence[str]) -> Scores:
    """Read the file.

    Raises:
        ScoresError: a column is missing or unknown, an id stands twice, a value is no probability,
            or a row does not sum to one.
    """
    rows = csv.reader(text.splitlines(), strict=True)
    ids: dict[str, int] = {}
    probs = []
    try:
        header = [name.strip() for name in next(rows, [])]
        column, places = _columns(header, classes)
        id_place = header.index(column)
        for row in rows:
            line = rows.line_num
            if not row:
                continue
            if len(row) != len(header):
                raise ScoresError(f"{len(row)} cells where the header has {len(header)}", line)
            key = row[id_place].strip()
            if key in ids or not key:
                told = f"{key} stands in line {ids[key]} already" if key else "no id"
                raise ScoresError(told, line, column)
            ids[key] = line
            probs.append(_probabilities(row, header, places, line))
    except csv.Error as error:
        raise ScoresError(f"not CSV: {error}", rows.line_num) from error
    if not ids:
        raise ScoresError("no rows below the header")
    return Scores(COLUMNS[column], list(ids), np.array(probs), list(ids.values()))


def _columns(header: list[str], classes: Sequence[str]) -> tuple[str, list[int]]:
    """(column of ids, place of each class)."""
    named = [column for column in COLUMNS if column in header]
    if len(named) != 1:
        raise ScoresError(f"the header needs one of {' and '.join(COLUMNS)}; it has {header}"[:300])
    wanted = {name: [n for n in (name, PREFIX + name) if n in header] for name in classes}
    for name, found in wanted.items():
        if len(found) != 1:
            told = "stands twice" if found else "is missing"
            raise ScoresError(f"the probability {told}; it is {name} or {PREFIX}{name}", 1, name)
    known = {named[0], *(found[0] for found in wanted.values())}
    for name in header:
        if name not in known or header.count(name) > 1:
            accepted = ", ".join([*COLUMNS, *(PREFIX + c for c in classes)])
            raise ScoresError(f"unknown or repeated column; known are {accepted}", 1, name)
    return named[0], [header.index(found[0]) for found in wanted.values()]


def _probabilities(row: list[str], header: list[str], places: list[int], line: int) -> list[float]:
    found = []
    for place in places:
        try:
            value = float(row[place])
        except ValueError:
            value = np.nan
        if not 0 <= value <= 1:
            told = f"{row[place][:40]!r} is no probability from 0 to 1"
            raise ScoresError(told, line, header[place])
        found.append(value)
    total = sum(found)
    if abs(total - 1) > SUM_TOLERANCE:
        raise ScoresError(f"the probabilities sum to {total:.4g}, not to 1", line)
    return [value / total for value in found]


def join_scores(scores: Scores, table: MemberTable, split: str) -> Predictions:
    """The scores with the labels, patients and attributes of a split's members.

    Raises:
        ScoresError: an id is not of the split, one of the split has no score, or exams are scored
            whose classes have no order.
    """
    members = _members(scores.unit, table, split)
    for key, line in zip(scores.ids, scores.lines, strict=True):
        if key not in members:
            raise ScoresError(f"{key} is not of the cohort's {split} split", line, scores.column)
    missing = sorted(set(members) - set(scores.ids))
    if missing:
        told = f"{len(missing)} of the {split} split have no row, e.g. {', '.join(missing[:3])}"
        raise ScoresError(told, scores.lines[-1], scores.column)
    if scores.unit == "exam":
        return _by_exam(scores, table, members)
    places = [members[key] for key in scores.ids]
    repeats = np.repeat(np.arange(len(places)), [len(found) for found in places])
    rows = np.concatenate(places)
    return _predictions(table, rows, scores.probs[repeats], [scores.ids[i] for i in repeats])


def predictions_of_images(table: MemberTable, keys: Sequence[str], probs: Floats) -> Predictions:
    """``probs`` (n, classes) of the images ``keys`` with what the cohort knows of them."""
    place = {key: row for row, key in _keys("image", table)}
    return _predictions(table, np.array([place[key] for key in keys], np.int64), probs, keys)


def _members(unit: Unit, table: MemberTable, split: str) -> dict[str, list[int]]:
    """Rows of the table by image or exam, as text."""
    found: dict[str, list[int]] = {}
    for row, key in _keys(unit, table):
        if SPLITS[table.splits[row]] == split:
            found.setdefault(key, []).append(row)
    return found


def _keys(unit: Unit, table: MemberTable) -> Iterator[tuple[int, str]]:
    if unit == "image":
        return ((row, str(table.image_ids[place])) for row, place in enumerate(table.rows))
    names = table.exam_names
    return ((row, names[exam]) for row, exam in enumerate(table.exams))


def _by_exam(scores: Scores, table: MemberTable, members: dict[str, list[int]]) -> Predictions:
    """A row an exam, with the worst label of its images; attributes are its first image's."""
    ranks = severities(table.label_field, table.classes)
    if ranks is None:
        told = "the classes have no order, so an exam has no worst label: score images"
        raise ScoresError(told, 1, "exam_id")
    labels = np.array(table.labels)
    worst = [max(members[key], key=lambda row: int(ranks[labels[row]])) for key in scores.ids]
    return _predictions(table, np.array(worst), scores.probs, scores.ids, "exam")


def _predictions(
    table: MemberTable,
    rows: Ints,
    probs: Floats,
    keys: Sequence[str],
    unit: Unit = "image",
) -> Predictions:
    def column(values: list[int]) -> Ints:
        return np.array(values, np.int64)[rows]

    return Predictions(
        target=column(table.labels),
        probs=probs,
        patients=column(table.patients),
        classes=table.classes,
        keys=list(keys),
        exams=column(table.exams) if unit == "image" else None,
        breasts=column(table.breasts) if unit == "image" else None,
        attributes=known_columns(table.attributes, rows),
        unit=unit,
        label_field=table.label_field,
    )


def worst_last(label_field: str | None, classes: Sequence[str]) -> tuple[str, ...]:
    """The classes from best to worst where they have an order; else as they are."""
    ranks = severities(label_field, tuple(classes))
    if ranks is None:
        return tuple(classes)
    return tuple(classes[place] for place in np.argsort(ranks, kind="stable"))
