"""Which images a filter matches.

An image matches if one of its finding rows satisfies all finding conditions at once (an image
without findings has one all-null row) and it, its exam and its patient satisfy the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt
from chassis.problems import invalid

from catalog.fields import Field, Value
from catalog.grammar import Condition, Filter
from catalog.model.bitmaps import any_row, bitmaps_of
from catalog.model.bits import Words, count_bits, pack, spread, unpack
from catalog.model.dictionary import Codes, Counts, Mask
from catalog.model.read_model import ReadModel
from catalog.nearest import LOOKED_AT, SUGGESTIONS, nearest
from catalog.vocabulary import codes as legend

Luts = Sequence[tuple[Field, Mask]]


@dataclass(frozen=True)
class Selection:
    """What matches: a bit an image (None: all), and the conditions that finding rows must meet."""

    model: ReadModel
    words: Words | None
    finding_luts: Luts

    @cached_property
    def packed(self) -> Words:
        """Matching images, a bit each."""
        return bitmaps_of(self.model).every if self.words is None else self.words

    @cached_property
    def mask(self) -> Mask:
        """Matching images, a byte each."""
        return unpack(self.packed, self.model.images)

    @cached_property
    def rows(self) -> Mask | None:
        """Finding rows that satisfy the finding conditions, None where there are none."""
        found = [look_up(lut, self.model.codes_of(field)) for field, lut in self.finding_luts]
        return reduce(np.logical_and, found) if found else None

    @cached_property
    def pairs_of_several(self) -> Words | None:
        """Pairs of breasts with several rows whose row satisfies the finding conditions."""
        return matching_pairs(self.model, self.finding_luts)

    @cached_property
    def with_one_row(self) -> Words:
        """Matching images whose breast has one finding row."""
        return self.packed & bitmaps_of(self.model).single

    @cached_property
    def per_several(self) -> Counts:
        """Matching images of each breast with several finding rows."""
        return bitmaps_of(self.model).several.count(self.packed)

    @cached_property
    def planes_of_several(self) -> Words:
        """The same in binary, at the last pair of each such breast."""
        return bitmaps_of(self.model).several.planes(self.packed)

    @cached_property
    def per_only_row(self) -> Counts:
        """By finding row that satisfies the conditions: matching images that have no other."""
        model = self.model
        counts = np.where(model.is_several, 0, self.per_breast)
        found = np.bincount(model.first_row, weights=counts, minlength=model.rows)
        return np.asarray(found if self.rows is None else found * self.rows, np.int64)

    @cached_property
    def per_breast(self) -> Counts:
        """Matching images of each breast."""
        if self.words is None:
            return self.model.images_per_breast
        return bitmaps_of(self.model).breasts.count(self.words)

    @cached_property
    def per_exam(self) -> Counts:
        """Matching images of each exam."""
        return bitmaps_of(self.model).exams.count(self.packed)

    @cached_property
    def per_patient(self) -> Counts:
        """Matching images of each patient."""
        running = np.zeros(self.model.exams + 1, np.int64)
        np.cumsum(self.per_exam, out=running[1:])
        return np.diff(running[self.model.patient_start])

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Places of the matching images, ascending."""
        return np.arange(self.model.images) if self.words is None else np.flatnonzero(self.mask)

    @cached_property
    def images(self) -> int:
        """Number of matching images."""
        return int(count_bits(self.packed))

    def totals(self) -> dict[str, int]:
        """Exact numbers of matching images, exams and patients."""
        bitmaps = bitmaps_of(self.model)
        return {
            "images": self.images,
            "exams": int(count_bits(bitmaps.runs_of_exams.hit(self.packed))),
            "patients": int(count_bits(bitmaps.runs_of_patients.hit(self.packed))),
        }


def matching_pairs(model: ReadModel, luts: Luts) -> Words | None:
    """By pair of ``several_pairs``: whether its row satisfies all; None where nothing is asked."""
    bitmaps = bitmaps_of(model)
    found = [bitmaps.pairs_in(field, lut) for field, lut in luts]
    return reduce(np.bitwise_and, found) if found else None


class CompiledFilter:
    """A filter against one model: each condition as bits of the images that satisfy it alone."""

    def __init__(self, model: ReadModel, conditions: Filter) -> None:
        self.model = model
        self.fields = {name: condition.field for name, condition in conditions.items()}
        self._words: dict[str, Words] = {}
        self._luts: dict[str, tuple[Field, Mask]] = {}
        self._absent: dict[str, Words] = {}
        for name, condition in conditions.items():
            self._compile(name, condition)

    def _compile(self, name: str, condition: Condition) -> None:
        field, lut = condition.field, _allowed(self.model, condition)
        dictionary = self.model.dictionary(field)
        if condition.absent:
            present = dictionary.members(condition.absent)
            if field.level == "finding":
                self._absent[name] = self._bits(field, present) ^ bitmaps_of(self.model).every
            else:
                lut = lut & ~present
        if not lut.all():
            self._words[name] = self._bits(field, lut)
            if field.level == "finding":
                self._luts[name] = (field, lut)

    def _bits(self, field: Field, lut: Mask) -> Words:
        """Images of which the patient, exam, image or one of the finding rows is in ``lut``."""
        bitmaps = bitmaps_of(self.model)
        if bitmaps.suits(field) and not field.multi:
            chosen = bitmaps.of(field)[lut]
            return np.asarray(np.bitwise_or.reduce(chosen, axis=0), np.uint64)
        found = look_up(lut, self.model.codes_of(field))
        if field.level == "image":
            return pack(found)
        if field.level == "finding":
            return spread(any_row(self.model, found), self.model.breast_start)
        return spread(found, self.model.image_start(field.level))

    def select(self, without: str | None = None) -> Selection:
        """What matches; ``without`` leaves the conditions of one field out."""
        luts = [lut for name, lut in self._luts.items() if name != without]
        words = [w for name, w in (*self._words.items(), *self._absent.items()) if name != without]
        if not words:
            return Selection(self.model, None, luts)
        matching = reduce(np.bitwise_and, words)
        if len(luts) > 1:
            # Each condition holds on some row; that one row meets them all is sure only where
            # there is but one.
            matching = matching & ~self._split_among_rows(luts)
        return Selection(self.model, matching, luts)

    def _split_among_rows(self, luts: Luts) -> Words:
        """Images with several rows of which none satisfies all conditions."""
        model, bitmaps = self.model, bitmaps_of(self.model)
        alive = matching_pairs(model, luts)
        assert alive is not None
        return bitmaps.several_images(~bitmaps.several.any_pair(alive))


def look_up(lut: Mask, codes: Codes) -> Mask:
    """``lut[codes]``; by comparison where one code is in or out, which is ten times faster."""
    chosen = np.flatnonzero(lut)
    if len(chosen) == 1:
        return np.asarray(codes == codes.dtype.type(chosen[0]))
    if len(chosen) == len(lut) - 1:
        return np.asarray(codes != codes.dtype.type(np.flatnonzero(~lut)[0]))
    return np.take(lut, codes)


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
