"""One bit an image: which images have a value, and which a filter matches.

Counting images is then AND and a population count of 60 kB a value (480,323 images), ten times less
than looking at a code an image, and an image with several findings counts once by construction.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import numpy as np

from catalog.fields import Field
from catalog.model.bits import Edges, Runs, Words, count_bits, pack, unpack
from catalog.model.dictionary import Codes, Counts, Mask
from catalog.model.read_model import ReadModel
from catalog.model.several import Several

MAX_ELEMENTS = 64
MAX_KEPT = 512  # bitmaps of all fields together: 30 MB at 480,323 images


@dataclass(frozen=True)
class Bitmaps:
    """The bitmaps of one model, made when first asked for; those asked for last are kept."""

    model: ReadModel
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def _kept(self) -> dict[str, Words]:
        return {}

    @cached_property
    def _pair_codes(self) -> dict[str, Codes]:
        return {}

    @cached_property
    def _pair_bits(self) -> dict[str, Words]:
        return {}

    @cached_property
    def _counts(self) -> dict[str, Counts]:
        return {}

    def suits(self, field: Field) -> bool:
        """Whether the field has few enough values."""
        return len(self.model.dictionary(field).elements) < MAX_ELEMENTS

    def is_made(self, field: Field) -> bool:
        """Whether the field's bitmaps are there already."""
        return field.name in self._kept

    def counts(self, field: Field) -> Counts:
        """By element: how many images of all have it."""
        if field.name not in self._counts:
            self._counts[field.name] = count_bits(self.of(field))
        return self._counts[field.name]

    @cached_property
    def every(self) -> Words:
        """All images."""
        return pack(np.ones(self.model.images, bool))

    def of(self, field: Field) -> Words:
        """By element of the dictionary (null first): the images that have it."""
        with self._lock:  # cohorts are frozen in threads
            found = self._kept.pop(field.name, None)
            if found is None:
                found = np.stack([pack(mask) for mask in self._masks(field)])
            self._kept[field.name] = found
            while sum(map(len, self._kept.values())) > MAX_KEPT:
                self._kept.pop(next(iter(self._kept)))
            return found

    @cached_property
    def breasts(self) -> Edges:
        """Where breasts begin."""
        return Edges.at(self.model.breast_start)

    @cached_property
    def exams(self) -> Edges:
        """Where exams begin."""
        return Edges.at(self.model.image_start("exam"))

    @cached_property
    def runs_of_exams(self) -> Runs:
        """The images of each exam."""
        return Runs.ending(self.model.image_start("exam")[1:] - 1, self.model.images)

    @cached_property
    def runs_of_patients(self) -> Runs:
        """The images of each patient."""
        return Runs.ending(self.model.image_start("patient")[1:] - 1, self.model.images)

    @cached_property
    def single(self) -> Words:
        """Images whose breast has one finding row: a row's value is the image's."""
        return self.every & ~self.several_images(np.ones(len(self.model.several_breast), bool))

    @cached_property
    def several(self) -> Several:
        """The other images."""
        return Several.of(self.model)

    def several_images(self, breasts: Mask) -> Words:
        """The images of some of the breasts with several rows."""
        return self.several.images_of(breasts, len(self.every))

    def pair_codes(self, field: Field) -> Codes:
        """The code of the finding row of each of ``several_pairs``."""
        if field.name not in self._pair_codes:
            self._pair_codes[field.name] = self.model.codes_of(field)[self.model.several_pairs[1]]
        return self._pair_codes[field.name]

    def pairs_in(self, field: Field, lut: Mask) -> Words:
        """Those of ``several_pairs`` whose code is in ``lut``."""
        if self.suits(field) and not field.multi:
            return np.asarray(np.bitwise_or.reduce(self.pair_bits(field)[lut]), np.uint64)
        return pack(lut[self.pair_codes(field)])

    def pair_bits(self, field: Field) -> Words:
        """By element of the dictionary (null first): those of ``several_pairs`` that have it."""
        if field.name not in self._pair_bits:
            dictionary, codes = self.model.dictionary(field), self.pair_codes(field)
            masks = (dictionary.members([value])[codes] for value in (None, *dictionary.elements))
            self._pair_bits[field.name] = np.stack([pack(mask) for mask in masks])
        return self._pair_bits[field.name]

    def _masks(self, field: Field) -> Iterator[Mask]:
        """By element the images that have it."""
        dictionary = self.model.dictionary(field)
        codes = self._codes_of_images(field)
        for number, element in enumerate((None, *dictionary.elements)):
            if dictionary.multi:
                mask = np.take(dictionary.members([element]), codes)
            else:
                mask = codes == codes.dtype.type(number)
            if field.level == "finding":
                self._add_several(mask, field, dictionary.members([element]))
            yield mask

    def _codes_of_images(self, field: Field) -> Codes:
        """The code of each image: of its patient, exam or itself, or of its first finding row."""
        model, codes = self.model, self.model.codes_of(field)
        if field.level == "image":
            return codes
        if field.level == "patient":
            codes = codes[model.patient_of_exam]
        breasts = codes[model.first_row if field.level == "finding" else model.exam_of_breast]
        return np.take(breasts, model.breast_of_image)

    def _add_several(self, mask: Mask, field: Field, lut: Mask) -> None:
        """Add the images that have the value by another of their finding rows."""
        breasts = self.several.any_pair(self.pairs_in(field, lut))
        mask |= unpack(self.several_images(breasts), self.model.images)


def any_row(model: ReadModel, rows: Mask) -> Mask:
    """By breast: whether one of its finding rows is in ``rows``."""
    breasts = np.take(rows, model.first_row)
    local, row = model.several_pairs
    breasts[model.several_breast[local[rows[row]]]] = True
    return breasts


def bitmaps_of(model: ReadModel) -> Bitmaps:
    """The bitmaps that belong to ``model``."""
    kept: Bitmaps = model.__dict__.setdefault("_bitmaps", Bitmaps(model))
    return kept
