"""Attribute matching as DICOM queries ask for it (PS3.4 C.2.2.2), on the read model.

Unlike a filter, a value that nobody has is no mistake: nothing matches it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from catalog.fields import fields
from catalog.model.dictionary import Mask
from catalog.model.read_model import ReadModel

Places = npt.NDArray[np.int64]
Unit = Literal["exam", "image"]


@dataclass(frozen=True)
class Match:
    """What the values of a key must be: one of ``any_of`` (`*` and `?` stand for others), within
    the ends."""

    any_of: Sequence[str] = ()
    least: str | None = None
    most: str | None = None

    def holds(self, value: str) -> bool:
        """Whether ``value`` is meant."""
        if self.least is not None and value < self.least:
            return False
        if self.most is not None and value > self.most:
            return False
        return not self.any_of or any(_matches(pattern, value) for pattern in self.any_of)


def _matches(pattern: str, value: str) -> bool:
    if not set("*?") & set(pattern):
        return pattern == value
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, value, re.DOTALL | re.IGNORECASE) is not None


def matching_images(model: ReadModel, matches: Mapping[str, Match]) -> Mask:
    """By image whether it has what ``matches`` (by key, see ``is_key``) asks for."""
    masks = [_mask(model, name, match) for name, match in matches.items()]
    return reduce(np.logical_and, masks, np.ones(model.images, bool))


def is_key(name: str) -> bool:
    """Whether images can be matched by ``name``: `patient_id`, `exam_id`, or a column's field."""
    return name in ("patient_id", "exam_id") or (name in fields() and not fields()[name].multi)


def _mask(model: ReadModel, name: str, match: Match) -> Mask:
    if name == "patient_id":
        return _of_ids(model.patient_id, match)[model.owner_of_image("patient")]
    if name == "exam_id":
        return _of_ids(model.exam_id, match)[model.owner_of_image("exam")]
    field = fields()[name]
    if not model.has(name) or field.level == "finding":
        return np.zeros(model.images, bool)
    values: Sequence[Any] = model.dictionary(field).values
    found = np.array([False, *(match.holds(str(value)) for value in values)])
    return np.asarray(found[model.codes_of(field)][model.owner_of_image(field.level)])


def _of_ids(ids: npt.NDArray[np.bytes_], match: Match) -> Mask:
    return np.array([match.holds(identifier.decode()) for identifier in ids.tolist()], bool)


def page_of_units(
    model: ReadModel, images: Mask, unit: Unit, offset: int, limit: int
) -> tuple[Places, int]:
    """(places of the images of a page of exams or images, how many exams or images match).

    An exam matches as a whole where one of its images does.
    """
    if unit == "image":
        places = np.flatnonzero(images)
        return places[offset : offset + limit], len(places)
    exams = np.unique(model.owner_of_image("exam")[images])
    parts = [_images_of(model, int(exam)) for exam in exams[offset : offset + limit]]
    return np.concatenate([*parts, np.zeros(0, np.int64)]), len(exams)


def _images_of(model: ReadModel, exam: int) -> Places:
    first, last = model.exam_start[exam], model.exam_start[exam + 1]
    return np.arange(model.breast_start[first], model.breast_start[last])


def places_of_rows(model: ReadModel, rows: Sequence[int]) -> Places:
    """Places of the images that come from ``rows`` of the metadata file."""
    return np.flatnonzero(np.isin(model.image_row, np.asarray(rows, np.int32)))
