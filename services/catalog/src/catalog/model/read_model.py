"""The arrays of one revision and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from catalog.fields import Field, Level, fields
from catalog.model.dictionary import Codes, Dictionary

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class ReadModel:
    """N images in B breasts in E exams in P patients; R finding rows and one all-null row more.

    ``*_start`` have one entry more than their owners: children of i are ``start[i]:start[i+1]``.
    Images lie by (patient, exam, laterality, SOP Instance UID): the same on every stack.
    """

    revision_id: int
    dataset: str
    sha256: str
    dictionaries: Mapping[str, Dictionary]
    codes: Mapping[str, Codes]  # by field, at the field's level
    image_id: npt.NDArray[np.int64]
    image_row: Ints  # row number in the metadata file
    image_hash: npt.NDArray[np.uint64]
    breast_start: Ints  # images of a breast
    exam_start: Ints  # breasts of an exam
    patient_start: Ints  # exams of a patient
    exam_id: npt.NDArray[np.bytes_]
    patient_id: npt.NDArray[np.bytes_]
    patient_hash: npt.NDArray[np.uint64]
    pair_start: Ints  # finding rows of a breast
    pair_row: Ints
    row_number: Ints  # row number in the clinical file of each finding row
    row_finding: Ints  # numfind of each finding row; -1 where there is none

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.image_id)

    @property
    def breasts(self) -> int:
        """Number of (exam, laterality) groups."""
        return len(self.breast_start) - 1

    @property
    def exams(self) -> int:
        """Number of exams that have images."""
        return len(self.exam_id)

    @property
    def patients(self) -> int:
        """Number of patients that have images."""
        return len(self.patient_id)

    @property
    def rows(self) -> int:
        """Number of finding rows, the all-null row (the last) included."""
        return len(self.row_number)

    def codes_of(self, field: Field) -> Codes:
        """The codes of ``field`` at its level."""
        return self.codes[field.name]

    def dictionary(self, field: Field) -> Dictionary:
        """The values of ``field``."""
        return self.dictionaries[field.name]

    def has(self, name: str) -> bool:
        """Whether the revision's files had what ``name`` is made of."""
        return name in self.codes

    @cached_property
    def images_per_breast(self) -> npt.NDArray[np.int64]:
        """Images of each breast."""
        return np.diff(self.breast_start).astype(np.int64)

    @cached_property
    def breast_of_image(self) -> Ints:
        """The breast that each image belongs to."""
        return np.repeat(np.arange(self.breasts, dtype=np.int32), np.diff(self.breast_start))

    @cached_property
    def exam_of_breast(self) -> Ints:
        """The exam that each breast belongs to."""
        return np.repeat(np.arange(self.exams, dtype=np.int32), np.diff(self.exam_start))

    @cached_property
    def patient_of_exam(self) -> Ints:
        """The patient that each exam belongs to."""
        return np.repeat(np.arange(self.patients, dtype=np.int32), np.diff(self.patient_start))

    @cached_property
    def patient_of_breast(self) -> Ints:
        """The patient that each breast belongs to."""
        return self.patient_of_exam[self.exam_of_breast]

    @cached_property
    def first_row(self) -> Ints:
        """The first finding row of each breast: the only one, for most."""
        return self.pair_row[self.pair_start[:-1]]

    @cached_property
    def is_several(self) -> npt.NDArray[np.bool_]:
        """Whether a breast has several finding rows."""
        return np.asarray(np.diff(self.pair_start) > 1)

    @cached_property
    def several_breast(self) -> Ints:
        """The breasts with several finding rows."""
        return np.flatnonzero(self.is_several).astype(np.int32)

    @cached_property
    def several_pairs(self) -> tuple[Ints, Ints]:
        """All pairs of those breasts: (place in ``several_breast``, finding row)."""
        length = np.diff(self.pair_start)
        kept = np.repeat(self.is_several, length)
        local = np.repeat(np.arange(len(self.several_breast)), length[self.is_several])
        return local.astype(np.int32), self.pair_row[kept]

    @cached_property
    def by_image_id(self) -> Ints:
        """Places of the images in ascending order of their ids."""
        return np.argsort(self.image_id, kind="stable").astype(np.int32)

    @cached_property
    def ascending_image_id(self) -> npt.NDArray[np.int64]:
        """The ids in ascending order: a search by a sorter would convert all of it each time."""
        return self.image_id[self.by_image_id]

    def places_of(self, image_ids: npt.ArrayLike) -> Ints:
        """The place of each id, -1 where the revision has no such image."""
        wanted = np.asarray(image_ids, np.int64)
        if self.images == 0:
            return np.full(wanted.shape, -1, np.int32)
        at = np.searchsorted(self.ascending_image_id, wanted)
        found = self.by_image_id[np.minimum(at, self.images - 1)]
        return np.where(self.image_id[found] == wanted, found, -1).astype(np.int32)

    def place_of_exam(self, exam_id: str) -> int | None:
        """The place of an exam, None where it has no image here."""
        return _find(self.exam_order, self.exam_id, exam_id)

    def place_of_patient(self, patient_id: str) -> int | None:
        """The place of a patient, None where they have no image here."""
        return _find(None, self.patient_id, patient_id)

    @cached_property
    def exam_order(self) -> npt.NDArray[np.int64]:
        """Places of the exams in ascending order of their ids."""
        return np.argsort(self.exam_id, kind="stable")

    def value(self, name: str, place: int) -> Any:
        """The value of field ``name`` at ``place`` of its own level; None where it is null."""
        if name not in self.codes:
            return None
        return self.dictionaries[name].decode(int(self.codes[name][place]))

    def values(self, name: str, places: npt.NDArray[np.integer]) -> list[Any]:
        """The values of field ``name`` at ``places`` of its own level."""
        if name not in self.codes:
            return [None] * len(places)
        decode = self.dictionaries[name].decode
        return [decode(code) for code in self.codes[name][places].tolist()]

    def image_start(self, level: Literal["patient", "exam"]) -> Ints:
        """Where the images of each patient or exam begin, and the last one's end."""
        exams = self.exam_start if level == "exam" else self.exam_start[self.patient_start]
        start: Ints = self.breast_start[exams]
        return start

    def images_of_exam(self, exam: int) -> range:
        """Places of the images of an exam."""
        first, last = self.exam_start[exam], self.exam_start[exam + 1]
        return range(int(self.breast_start[first]), int(self.breast_start[last]))

    def rows_of_breast(self, breast: int) -> Ints:
        """The finding rows of a breast, without the all-null row."""
        rows: Ints = self.pair_row[self.pair_start[breast] : self.pair_start[breast + 1]]
        applying: Ints = rows[rows != self.rows - 1]
        return applying

    def owner_of_image(self, level: Level) -> Ints:
        """For each image the place of its patient, exam or of itself."""
        if level == "image":
            return np.arange(self.images, dtype=np.int32)
        owner = self.exam_of_breast if level == "exam" else self.patient_of_breast
        of_image: Ints = owner[self.breast_of_image]
        return of_image


def _find(
    order: npt.NDArray[np.int64] | None, ids: npt.NDArray[np.bytes_], wanted: str
) -> int | None:
    try:
        key = wanted.encode("ascii")
    except UnicodeEncodeError:
        return None
    at = int(np.searchsorted(ids, np.bytes_(key), sorter=order))
    if at == len(ids):
        return None
    place = at if order is None else int(order[at])
    return place if ids[place] == key else None


def known_fields(model: ReadModel) -> list[Field]:
    """The fields that this revision has data for, in the registry's order."""
    return [field for name, field in fields().items() if model.has(name)]
