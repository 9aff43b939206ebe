"""What a training process works on, wherever it came from: pixels, labels, splits, patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


class SamplesError(Exception):
    """The samples cannot be trained on; the text is the reason shown to the person."""


@dataclass(frozen=True)
class Samples:
    """``n`` labelled images. A few bytes of memory each; pixels stay on disk."""

    images: NDArray[np.uint8]
    """(m, side, side), memory-mapped; rows may share an image."""
    rows: NDArray[np.int64]
    """(n,) place of each sample's image in ``images``."""
    labels: NDArray[np.int64]
    """(n,) 0-based place in ``classes``."""
    splits: NDArray[np.int8]
    """(n,) 0 train, 1 validation, 2 test."""
    patients: NDArray[np.int64]
    """(n,) equal for images of one patient."""
    keys: Sequence[str]
    """(n,) what a person finds the image by."""
    classes: tuple[str, ...]
    header: Mapping[str, Sequence[str | float | None]] = field(default_factory=dict)
    """Columns of (n,) values that tell the generator of the picture, not the lesion."""
    exams: NDArray[np.int64] | None = None
    """(n,) equal for images of one exam; None where that is not known."""
    breasts: NDArray[np.int64] | None = None
    """(n,) equal for images of one breast of one exam."""
    attributes: Mapping[str, Sequence[str | float | bool | None]] = field(default_factory=dict)
    """Columns of (n,) values that the subgroups of an evaluation go by."""
    rois: Mapping[str, Any] = field(default_factory=dict)
    """By key of a test image what radiologists outlined: {full: (rows, columns), rois: [...]}."""
    lineage: Mapping[str, Any] = field(default_factory=dict)
    """Where they come from: {cohort, dataset} as the catalog tells of them."""
    partners: NDArray[np.int64] | None = None
    """(n,) place in ``images`` of a second picture of each: the baseline beside an abnormality."""
    selection: int = VALIDATION
    """The split that the epoch is chosen on."""
    birads: NDArray[np.int64] | None = None
    """(n,) assessment of each image as its place in A N B P S M K, for networks that are told."""
    sha256: str = ""
    """Of all that training reads: pixels, labels, splits, patients."""
    notes: tuple[str, ...] = ()
    """What the person should know, e.g. how many images were missing."""

    @property
    def label_field(self) -> str | None:
        """The column that labels come from, e.g. `asses`."""
        return label_field(self.lineage)

    def in_split(self, split: int) -> NDArray[np.int64]:
        """Places of the samples of a split, ascending."""
        return np.flatnonzero(self.splits == split)


def without_pixels(
    labels: Sequence[int] | NDArray[np.int64],
    splits: Sequence[str] | NDArray[np.int8],
    patients: Sequence[str] | NDArray[np.str_],
    classes: tuple[str, ...],
) -> Samples:
    """Samples to be dealt out and checked, not to be trained on; splits by name or by place."""
    count = len(labels)
    named = [SPLITS.index(s) if isinstance(s, str) else s for s in splits]
    _, people = np.unique(np.asarray(patients), return_inverse=True)
    return Samples(
        images=np.zeros((1, 1, 1), np.uint8),
        rows=np.zeros(count, np.int64),
        labels=np.asarray(labels, np.int64),
        splits=np.asarray(named, np.int8),
        patients=people.astype(np.int64),
        keys=(),
        classes=classes,
    )


def label_field(lineage: Mapping[str, Any]) -> str | None:
    """The column that a cohort's labels come from; None where there is no cohort."""
    definition = lineage.get("cohort", {}).get("definition", {})
    found: str | None = (definition.get("label") or {}).get("field")
    return found


def as_published(samples: Samples) -> Samples:
    """The published procedure: all but the test split is trained on, which chooses the epoch."""
    splits = np.where(samples.splits == VALIDATION, TRAIN, samples.splits).astype(np.int8)
    return replace(samples, splits=splits, selection=TEST)


def count_overlap(patients: NDArray[np.int64], splits: NDArray[np.int8]) -> int:
    """How many patients stand in more than one split."""
    pairs = np.unique(np.stack([patients, splits.astype(np.int64)], axis=1), axis=0)
    _, counts = np.unique(pairs[:, 0], return_counts=True)
    return int((counts > 1).sum())


def check_samples(samples: Samples, *, allow_overlap: bool = False) -> None:
    """Refuse what would give a wrong or meaningless result.

    Raises:
        SamplesError: a patient is in two splits, or a split that is used lacks a class.
    """
    overlap = count_overlap(samples.patients, samples.splits)
    if overlap and not allow_overlap:
        raise SamplesError(
            f"{overlap} patients are in more than one split: the test would be a leak"
        )
    for split in sorted({TRAIN, samples.selection, TEST}):
        present = np.bincount(
            samples.labels[samples.splits == split], minlength=len(samples.classes)
        )
        missing = ", ".join(samples.classes[i] for i in np.flatnonzero(present == 0))
        if missing:
            raise SamplesError(f"the {SPLITS[split]} split has no image of class {missing}")


def permuted_labels(
    labels: NDArray[np.int64], splits: NDArray[np.int8], seed: int
) -> NDArray[np.int64]:
    """A control: labels shuffled within each split, so that class counts stay and meaning goes."""
    shuffled = labels.copy()
    generator = np.random.default_rng(seed)
    for split in range(len(SPLITS)):
        places = np.flatnonzero(splits == split)
        shuffled[places] = labels[generator.permutation(places)]
    return shuffled
