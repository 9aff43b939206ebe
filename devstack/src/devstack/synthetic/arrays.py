"""Tables as arrays: every column of a record class is an array of one length, selected and
joined together."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from devstack.synthetic.hashing import Floats

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Records:
    """Base of the record classes: rows are selected with `take`, batches joined with `join`."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, index: NDArray[Any]) -> Self:
        """The rows an index array or a mask selects."""
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def replace(self, **columns: NDArray[Any]) -> Self:
        """The same rows with some columns exchanged."""
        return type(self)(**({f.name: getattr(self, f.name) for f in fields(self)} | columns))

    @classmethod
    def join(cls, batches: list[Self]) -> Self:
        """The rows of several batches, in order."""
        names = [f.name for f in fields(cls)]
        return cls(**{name: np.concatenate([getattr(b, name) for b in batches]) for name in names})


@dataclass(frozen=True)
class Patients(Records):
    """One row per patient; days count from the first day of the source period."""

    number: Ints
    empi: Ints
    cohort: Ints
    shift: Ints
    birth: Ints
    male: Bools
    race: Ints
    group: Ints
    density: Ints
    maker: Ints
    model: Ints
    tomo_from: Ints
    implants: Bools
    recorded: Bools
    roi_share: Floats
    pixel_scale: Floats


@dataclass(frozen=True)
class Exams(Records):
    """One row per exam. `patient` indexes the patients, laterality is 0 left, 1 right, 2 both."""

    patient: Ints
    day: Ints
    screening: Bools
    laterality: Ints


@dataclass(frozen=True)
class Findings(Records):
    """One row per finding. `exam` indexes the exams; side 0 left, 1 right, 2 both, 3 none; asses
    indexes `ASSES`."""

    exam: Ints
    side: Ints
    asses: Ints
    kind: Ints


@dataclass(frozen=True)
class ClinicalRows(Records):
    """One row of the clinical table: a finding, repeated by procedure. procedure 0 none, 1
    biopsy, 2 surgery."""

    exam: Ints
    side: Ints
    asses: Ints
    kind: Ints
    numfind: Ints
    rank: Ints
    procedure: Ints
    severity: Ints


@dataclass(frozen=True)
class Images(Records):
    """One row per image file. side 0 left, 1 right; view indexes `VIEWS`; modifier 0 none, 1
    spot, 2 magnification, 3 implant."""

    exam: Ints
    side: Ints
    view: Ints
    modifier: Ints
    cview: Bools


ASSES = "NBPASMKX"
ASSES_CODE = {letter: code for code, letter in enumerate(ASSES)}
SIDES = ("L", "R", "B", None)
VIEWS = (
    "CC",
    "MLO",
    "ML",
    "LM",
    "LMO",
    "AT",
    "CV",
    "FB",
    "RL",
    "RM",
    "SIO",
    "TAN",
    "XCCL",
    "XCCM",
    "SPECIMEN",
    "CCID",
    "MLOID",
    "MLID",
    "LMID",
)
VIEW_CODE = {name: code for code, name in enumerate(VIEWS)}


def count_within(groups: Ints) -> Ints:
    """0, 1, 2 ... within each run of equal values of a sorted array."""
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    lengths = np.diff(np.r_[starts, len(groups)])
    return np.asarray(np.arange(len(groups)) - np.repeat(starts, lengths))


__all__ = [
    "ASSES",
    "ASSES_CODE",
    "SIDES",
    "VIEWS",
    "VIEW_CODE",
    "Bools",
    "ClinicalRows",
    "Exams",
    "Findings",
    "Floats",
    "Images",
    "Ints",
    "Patients",
    "Records",
    "count_within",
]
