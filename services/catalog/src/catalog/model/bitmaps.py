"""One bit an image: which images have a value, and which a filter matches.

Counting images is then AND and a population count of 60 kB a value (480,323 images), ten times less
than looking at a code an image, and an image with several findings counts once by construction.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt

from catalog.fields import Field
from catalog.model.dictionary import Codes, Counts, Mask
from catalog.model.read_model import ReadModel

Words = npt.NDArray[np.uint64]

MAX_ELEMENTS = 64
MAX_KEPT = 512  # bitmaps of all fields together: 30 MB at 480,323 images
WORD_BYTES = 8


def pack(mask: Mask) -> Words:
    """The mask as words of 64 images; bits past the end are 0."""
    bits = np.packbits(mask, bitorder="little")
    padded = np.zeros(-(-len(bits) // WORD_BYTES) * WORD_BYTES, np.uint8)
    padded[: len(bits)] = bits
    return padded.view(np.uint64)


def unpack(words: Words, size: int) -> Mask:
    """The mask of ``size`` images that was packed."""
    bits = np.unpackbits(words.view(np.uint8), count=size, bitorder="little")
    return bits.view(np.bool_)


def count_bits(words: Words) -> Counts:
    """Number of ones along the last axis."""
    # 32 bits hold any number of images, and are summed quicker.
    return np.asarray(np.bitwise_count(words).sum(axis=-1, dtype=np.uint32), np.int64)


@dataclass(frozen=True)
class Edges:
    """Where slices of images begin, and the last one ends: a word, and the bits before in it."""

    word: Counts
    before: Words

    @classmethod
    def at(cls, start: npt.NDArray[np.integer]) -> "Edges":
        """Edges at places of images."""
        place = start.astype(np.uint64)
        bits = (np.uint64(1) << (place % np.uint64(64))) - np.uint64(1)
        return cls((place // np.uint64(64)).astype(np.int64), bits)

    def count(self, words: Words) -> Counts:
        """Number of ones in each slice."""
        running = np.zeros(len(words) + 1, np.int64)
        np.cumsum(np.bitwise_count(words), out=running[1:])
        # The last edge may be the end of all words.
        partly = np.append(words, np.uint64(0))[self.word] & self.before
        return np.asarray(np.diff(running[self.word] + np.bitwise_count(partly)), np.int64)


@dataclass(frozen=True)
class Bitmaps:
    """The bitmaps of one model, made when first asked for; those asked for last are kept."""

    model: ReadModel
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def _kept(self) -> dict[str, Words]:
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
        return Edges.at(self.model.breast_start[self.model.exam_start])

    @cached_property
    def single(self) -> Words:
        """Images whose breast has one finding row: a row's value is the image's."""
        return pack(~self.model.is_several[self.model.breast_of_image])

    @cached_property
    def several_image(self) -> npt.NDArray[np.int64]:
        """Places of the other images."""
        return np.flatnonzero(self.model.is_several[self.model.breast_of_image])

    @cached_property
    def several_local(self) -> npt.NDArray[np.int64]:
        """For each of them the place of its breast in ``several_breast``."""
        breast = self.model.breast_of_image[self.several_image]
        return np.searchsorted(self.model.several_breast, breast)

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
        local, row = self.model.several_pairs
        breasts = np.zeros(len(self.model.several_breast), bool)
        breasts[local[lut[self.model.codes_of(field)[row]]]] = True
        mask[self.several_image[breasts[self.several_local]]] = True


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
