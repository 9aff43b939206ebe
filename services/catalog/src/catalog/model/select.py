"""Which images a filter matches.

An image matches if one of its finding rows satisfies all finding conditions at once (an image
without findings has one all-null row) and it, its exam and its patient satisfy the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from chassis.problems import invalid

from catalog.fields import Field, Value
from catalog.grammar import Condition, Filter
from catalog.model.dictionary import Codes, Mask
from catalog.model.read_model import ReadModel
from catalog.nearest import LOOKED_AT, SUGGESTIONS, nearest
from catalog.vocabulary import codes as legend


@dataclass(frozen=True)
class Selection:
    """What matches. None stands for "all", which needs no array."""

    model: ReadModel
    rows: Mask | None  # finding rows that satisfy the finding conditions
    breasts: Mask | None
    images: Mask | None  # by the image's own conditions alone

    @cached_property
    def per_breast(self) -> npt.NDArray[np.int64]:
        """Matching images of each breast."""
        if self.images is None:
            counts = self.model.images_per_breast
        elif self.model.images:
            # A running sum beats reduceat, which is slow on many short slices.
            running = np.zeros(self.model.images + 1, np.int32)
            np.cumsum(self.images, out=running[1:])
            counts = np.diff(running[self.model.breast_start]).astype(np.int64)
        else:
            counts = np.zeros(0, np.int64)
        return counts if self.breasts is None else counts * self.breasts

    @cached_property
    def per_exam(self) -> npt.NDArray[np.int64]:
        """Matching images of each exam."""
        return _sums(self.per_breast, self.model.exam_start)

    @cached_property
    def per_patient(self) -> npt.NDArray[np.int64]:
        """Matching images of each patient."""
        return _sums(self.per_exam, self.model.patient_start)

    @cached_property
    def mask(self) -> Mask | None:
        """Matching images, None where all match."""
        if self.breasts is None:
            return self.images
        mask = self.breasts[self.model.breast_of_image]
        return mask if self.images is None else mask & self.images

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Places of the matching images, ascending."""
        return np.arange(self.model.images) if self.mask is None else np.flatnonzero(self.mask)

    def totals(self) -> dict[str, int]:
        """Exact numbers of matching images, exams and patients."""
        return {
            "images": int(self.per_breast.sum()),
            "exams": int(np.count_nonzero(self.per_exam)),
            "patients": int(np.count_nonzero(self.per_patient)),
        }


def _sums(values: npt.NDArray[np.int64], start: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    running = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=running[1:])
    return np.diff(running[start])


class CompiledFilter:
    """A filter against one model: each condition as a mask at its own level, made once."""

    def __init__(self, model: ReadModel, conditions: Filter) -> None:
        self.model = model
        self.fields = {name: condition.field for name, condition in conditions.items()}
        self._masks: dict[str, Mask] = {}
        self._absent: dict[str, Mask] = {}
        for name, condition in conditions.items():
            self._compile(name, condition)

    def _compile(self, name: str, condition: Condition) -> None:
        lut = _allowed(self.model, condition)
        field = condition.field
        absent = condition.absent
        if absent and field.level != "finding":
            lut = lut & ~self.model.dictionary(field).members(absent)
        elif absent:
            present = self.model.dictionary(field).members(absent)
            self._absent[name] = ~_any_row(self.model, look_up(present, self.model.codes_of(field)))
        if not lut.all():
            self._masks[name] = look_up(lut, self.model.codes_of(field))

    def select(self, without: str | None = None) -> Selection:
        """What matches; ``without`` leaves the conditions of one field out."""
        masks = {level: self._combined(level, without) for level in ("patient", "exam", "image")}
        rows = self._combined("finding", without)
        exams = masks["exam"]
        if masks["patient"] is not None:
            spread = masks["patient"][self.model.patient_of_exam]
            exams = spread if exams is None else exams & spread
        breasts = None if exams is None else exams[self.model.exam_of_breast]
        extra = [mask for name, mask in self._absent.items() if name != without]
        if rows is not None:
            extra.append(_any_row(self.model, rows))
        for mask in extra:
            breasts = mask if breasts is None else breasts & mask
        return Selection(self.model, rows, breasts, masks["image"])

    def _combined(self, level: str, without: str | None) -> Mask | None:
        chosen = [
            mask
            for name, mask in self._masks.items()
            if name != without and self.fields[name].level == level
        ]
        if not chosen:
            return None
        combined = chosen[0]
        for mask in chosen[1:]:
            combined = combined & mask
        return combined


def look_up(lut: Mask, codes: Codes) -> Mask:
    """``lut[codes]``; by comparison where one code is in or out, which is ten times faster."""
    chosen = np.flatnonzero(lut)
    if len(chosen) == 1:
        return np.asarray(codes == codes.dtype.type(chosen[0]))
    if len(chosen) == len(lut) - 1:
        return np.asarray(codes != codes.dtype.type(np.flatnonzero(~lut)[0]))
    return np.take(lut, codes)


def _any_row(model: ReadModel, rows: Mask) -> Mask:
    """By breast: whether one of its finding rows is in ``rows``."""
    breasts = rows[model.first_row]
    local, row = model.several_pairs
    breasts[model.several_breast[local[rows[row]]]] = True
    return breasts


def _allowed(model: ReadModel, condition: Condition) -> Mask:
    """By code: values or range, and nothing excluded."""
    check_known(model, condition)
    dictionary = model.dictionary(condition.field)
    lut = np.ones(dictionary.size, bool)
    if condition.values or condition.bounds:
        lut = dictionary.members(condition.values)
        if condition.bounds:
            lut = lut | dictionary.within(condition.bounds)
    if condition.excluded:
        lut = lut & ~dictionary.members(condition.excluded)
    return lut


def check_known(model: ReadModel, condition: Condition) -> None:
    """A 422 that names the nearest values where one is neither in the legend nor in the data."""
    field = condition.field
    if not model.has(field.name):
        raise invalid(f"filter.{field.name}", "this revision's files do not have the column")
    if field.kind in ("range", "date", "flag"):
        return
    known = model.dictionary(field).element_index
    listed = legend(field.vocabulary)
    for value in (*condition.values, *condition.excluded, *condition.absent):
        if value is not None and value not in known and str(value) not in listed:
            near = nearest_values(model, field, value)
            raise invalid(f"filter.{field.name}", f"unknown value {value!r}"[:300], near)


def nearest_values(model: ReadModel, field: Field, value: Value) -> list[Value]:
    """Values of ``field`` that ``value`` may be meant to be."""
    known = model.dictionary(field).elements
    if field.kind == "identifier":
        at = int(np.searchsorted(np.asarray(known), str(value))) if known else 0
        return list(known[max(0, at - SUGGESTIONS // 2) : at + SUGGESTIONS // 2])
    spelled: Mapping[str, Value] = {str(v): v for v in _accepted(field, known)}
    return [spelled[name] for name in nearest(str(value), spelled)]


def _accepted(field: Field, known: Iterable[Value]) -> Iterable[Value]:
    listed = [float(c) if field.type == "number" else c for c in legend(field.vocabulary)]
    return list(dict.fromkeys([*known, *listed]))[:LOOKED_AT]
