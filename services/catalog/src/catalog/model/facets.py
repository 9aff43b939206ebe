"""Exact counts per value under a filter: images, exams or patients, a field's own condition out."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from catalog.fields import Field
from catalog.model.bitmaps import bitmaps_of
from catalog.model.bits import count_bits, count_common, unpack
from catalog.model.dictionary import Counts, Dictionary
from catalog.model.read_model import ReadModel
from catalog.model.select import CompiledFilter, Selection

Ints = npt.NDArray[np.int32]
Unit = Literal["images", "exams", "patients"]

# Above this many cells, sorting the keys is cheaper than a table of all of them.
TABLE_CELLS = 4_000_000


class FacetCounter:
    """Counts fields of one compiled filter, sharing what they share."""

    def __init__(
        self, compiled: CompiledFilter, unit: Unit = "images", *, make_bitmaps: bool = True
    ) -> None:
        self.make_bitmaps = make_bitmaps
        self.compiled = compiled
        self.unit = unit
        self.model = compiled.model
        self.selection = compiled.select()
        self.bitmaps = bitmaps_of(compiled.model)
        self._without: dict[str, Selection] = {}

    def count(self, field: Field) -> Counts:
        """Counts of ``field`` by element of its dictionary, null first."""
        selection = self.selection
        if field.name in self.compiled.fields:
            selection = self._without.setdefault(
                field.name, self.compiled.select(without=field.name)
            )
        dictionary = self.model.dictionary(field)
        if self.unit == "images" and self._by_bits(field):
            return self._count_bits(field, selection, dictionary)
        if field.level == "finding":
            return self._count_findings(field, selection, dictionary)
        if self.unit == "images":
            return dictionary.per_element(self._count_images(field, selection, dictionary.size))
        return self._count_owners(field, selection, dictionary)

    def _by_bits(self, field: Field) -> bool:
        return self.bitmaps.is_made(field) or (self.make_bitmaps and self.bitmaps.suits(field))

    def _count_bits(self, field: Field, selection: Selection, dictionary: Dictionary) -> Counts:
        if selection.words is None:
            return self.bitmaps.counts(field)
        bits = self.bitmaps.of(field)
        if field.level != "finding" or not selection.finding_luts:
            return count_common(bits, selection.packed)
        # Some rows do not count: where a breast has one row, that row matched or no image of it
        # did; only breasts with several rows need a look at the rows themselves.
        alone = count_common(bits, selection.with_one_row)
        return alone + self._several(field, selection, dictionary)

    def _count_images(self, field: Field, selection: Selection, size: int) -> Counts:
        codes = self.model.codes_of(field)
        if field.level == "exam":
            return weighted(codes, selection.per_exam, size)
        if field.level == "patient":
            return weighted(codes, selection.per_patient, size)
        if selection.words is None:
            return self._all_images(field, size)
        places = selection.places
        if len(places) * 2 <= self.model.images:
            return np.bincount(codes[places], minlength=size)
        others = np.bincount(codes[~selection.mask], minlength=size)
        return self._all_images(field, size) - others

    def _all_images(self, field: Field, size: int) -> Counts:
        cache = self.model.__dict__.setdefault("_all_image_counts", {})
        if field.name not in cache:
            cache[field.name] = np.bincount(self.model.codes_of(field), minlength=size)
        counts: Counts = cache[field.name]
        return counts

    def _count_owners(self, field: Field, selection: Selection, dictionary: Dictionary) -> Counts:
        codes, size = self.model.codes_of(field), dictionary.size
        if field.level == "patient" and self.unit == "patients":
            alive = (selection.per_patient > 0).astype(np.int64)
            return dictionary.per_element(weighted(codes, alive, size))
        if field.level == "exam" and self.unit == "exams":
            alive = (selection.per_exam > 0).astype(np.int64)
            return dictionary.per_element(weighted(codes, alive, size))
        if field.level == "patient":
            exams = _per_patient_exams(self.model, selection)
            return dictionary.per_element(weighted(codes, exams, size))
        if field.level == "exam":
            places = np.flatnonzero(selection.per_exam)
            owner = self.model.patient_of_exam[places]
        else:
            places = selection.places
            owner = self._owner_of_breast()[self.model.breast_of_image[places]]
        # An owner counts once for an element, though several of its lists may hold it.
        owner, element = _by_element(owner, codes[places], dictionary)
        return distinct(owner, element, self._owners(), len(dictionary.elements) + 1)

    def _owner_of_breast(self) -> npt.NDArray[np.int32]:
        of_exam = self.unit == "exams"
        return self.model.exam_of_breast if of_exam else self.model.patient_of_breast

    def _owners(self) -> int:
        return self.model.exams if self.unit == "exams" else self.model.patients

    def _count_findings(self, field: Field, selection: Selection, dictionary: Dictionary) -> Counts:
        codes = self.model.codes_of(field)
        if self.unit != "images":
            return self._count_finding_owners(field, selection, dictionary)
        single = weighted(codes, selection.per_only_row, dictionary.size)
        return dictionary.per_element(single) + self._several(field, selection, dictionary)

    def _several(self, field: Field, selection: Selection, dictionary: Dictionary) -> Counts:
        """Images of breasts with several rows: once per value, however many rows have it."""
        alive = selection.pairs_of_several
        if self.bitmaps.suits(field):
            bits = self.bitmaps.pair_bits(field)
            if alive is not None:
                bits = bits & alive
            found = self.bitmaps.several.runs.hit(bits)
            digits = count_bits(selection.planes_of_several[:, None] & found)
            weighed = digits << np.arange(len(digits))[:, None]
            return np.asarray(weighed.sum(axis=0), np.int64)
        local, codes = self.model.several_pairs[0], self.bitmaps.pair_codes(field)
        if alive is not None:
            those = unpack(alive, len(local))
            local, codes = local[those], codes[those]
        owner, element = _by_element(local, codes, dictionary)
        weight = selection.per_several
        return distinct(owner, element, len(weight), len(dictionary.elements) + 1, weight)

    def _count_finding_owners(
        self, field: Field, selection: Selection, dictionary: Dictionary
    ) -> Counts:
        model = self.model
        length = np.diff(model.pair_start)
        alive = np.repeat(selection.per_breast > 0, length)
        if selection.rows is not None:
            alive = alive & selection.rows[model.pair_row]
        owner = np.repeat(self._owner_of_breast(), length)[alive]
        codes = model.codes_of(field)[model.pair_row[alive]]
        owner, element = _by_element(owner, codes, dictionary)
        return distinct(owner, element, self._owners(), len(dictionary.elements) + 1)


def _per_patient_exams(model: ReadModel, selection: Selection) -> Counts:
    alive = model.patient_of_exam[selection.per_exam > 0]
    return np.bincount(alive, minlength=model.patients)


def weighted(codes: npt.NDArray[np.integer], weights: Counts, size: int) -> Counts:
    """Sum of ``weights`` by code. Float sums of counts are exact below 2^53."""
    return np.rint(np.bincount(codes, weights=weights, minlength=size)).astype(np.int64)


def _by_element(
    owner: npt.NDArray[np.int32], codes: npt.NDArray[np.unsignedinteger], dictionary: Dictionary
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.integer]]:
    if not dictionary.multi:
        return owner, codes
    start, element = dictionary.membership
    begin, length = start[codes], np.diff(start)[codes]
    offset = np.repeat(begin - (np.cumsum(length) - length), length)
    return np.repeat(owner, length), element[np.arange(len(offset)) + offset]


def distinct(
    owner: npt.NDArray[np.integer],
    codes: npt.NDArray[np.integer],
    owners: int,
    size: int,
    weight: Counts | None = None,
) -> Counts:
    """By code: how many owners have it (each once), or the sum of their weights."""
    if owners * size <= max(TABLE_CELLS, 4 * len(owner)):
        seen = np.zeros((owners, size), bool)
        seen[owner, codes] = True
        if weight is None:
            return np.asarray(np.count_nonzero(seen, axis=0), np.int64)
        # In floats, because a product of integers is not left to the processor's vector units.
        return np.asarray(np.rint(weight.astype(np.float64) @ seen), np.int64)
    key = np.unique(owner.astype(np.int64) * size + codes)
    if weight is None:
        return np.bincount(key % size, minlength=size)
    return weighted(key % size, weight[key // size], size)
