"""CBIS-DDSM patches: a folder under TRAINER_ARRAYS that holds two tensors and their labels.

``train_tensor.npy``, ``train_labels.npy``, ``public_test_tensor.npy``, ``public_test_labels.npy``:
n x side x side (a last axis of one is allowed) of any unsigned or floating type, and n labels: 0
baseline, 1 mass benign, 2 mass malignant, 3 calcification benign, 4 calcification malignant. Where
there are baselines, they come before their abnormality: even places and odd. Other names stand in
`patches.json`, which may also name two arrays of n texts that tell patients apart, and say under
`dataset` what the patches are and on which terms.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.arrays import ArrayError
from trainer.samples import TEST, TRAIN, VALIDATION
from trainer.spec import Labelling

BASELINE, LABELS = 0, 5
VALIDATION_SHARE = 0.15
CHUNK = 256
NAMES_FILE = "patches.json"


class Labels(NamedTuple):
    """Names of classes, and the label of patches that each takes."""

    classes: tuple[str, ...]
    of_label: dict[int, int]


LABELLINGS: dict[Labelling, Labels] = {
    "mass-calcification": Labels(("mass", "calcification"), {1: 0, 2: 0, 3: 1, 4: 1}),
    "benign-malignant": Labels(("benign", "malignant"), {1: 0, 3: 0, 2: 1, 4: 1}),
    "baseline-mass-calcification": Labels(
        ("baseline", "mass", "calcification"), {0: 0, 1: 1, 2: 1, 3: 2, 4: 2}
    ),
}


class Origin(BaseModel):
    """What the patches are, and on which terms: reports tell it."""

    model_config = ConfigDict(extra="forbid")

    title: str
    licence: str | None = None
    attribution: str | None = None


class Names(BaseModel):
    """The contents of `patches.json`: names of files, as published where nothing is said."""

    model_config = ConfigDict(extra="forbid")

    train_images: str = "train_tensor.npy"
    train_labels: str = "train_labels.npy"
    test_images: str = "public_test_tensor.npy"
    test_labels: str = "public_test_labels.npy"
    train_patients: str | None = None
    test_patients: str | None = None
    dataset: Origin | None = None

    def files(self) -> list[str]:
        """The names of files that are given."""
        named = self.model_dump(exclude={"dataset"})
        return [name for name in named.values() if name is not None]


@dataclass(frozen=True)
class Part:
    """One tensor; ``images`` (n, side, side) of any type, memory-mapped."""

    images: NDArray[Any]
    labels: NDArray[np.int64]
    patients: NDArray[np.str_]
    named: bool
    """Whether the patients are known; else each abnormality and its baseline are one."""

    @property
    def paired(self) -> bool:
        """Whether each odd patch is an abnormality with its baseline before it."""
        return (
            len(self.labels) % 2 == 0
            and bool((self.labels[0::2] == BASELINE).all())
            and bool((self.labels[1::2] != BASELINE).all())
        )


@dataclass(frozen=True)
class Patches:
    """Both tensors of a folder."""

    train: Part
    test: Part
    files: tuple[Path, ...]
    origin: Origin | None = None

    @property
    def side(self) -> int:
        """Pixels a side."""
        return int(self.train.images.shape[1])

    @property
    def paired(self) -> bool:
        """Whether abnormalities have their baselines beside them in both."""
        return self.train.paired and self.test.paired


def list_patches(root: Path | None) -> list[str]:
    """Names of the folders of patches that are there."""
    if root is None or not root.is_dir():
        return []
    known = (NAMES_FILE, Names().train_images)
    return sorted({path.parent.name for name in known for path in root.glob(f"*/{name}")})


def read_patches(root: Path, name: str) -> Patches:
    """The tensors of a folder; ArrayError where they are not well formed."""
    folder = root / name
    names = _names(folder)
    train = _part(folder, names.train_images, names.train_labels, names.train_patients, "train")
    test = _part(folder, names.test_images, names.test_labels, names.test_patients, "test")
    if train.images.shape[1] != test.images.shape[1]:
        raise ArrayError(f"{names.train_images} and {names.test_images} differ in size")
    files = tuple(folder / name for name in names.files())
    return Patches(train, test, files, names.dataset)


def _names(folder: Path) -> Names:
    path = folder / NAMES_FILE
    try:
        names = Names.model_validate_json(path.read_bytes()) if path.exists() else Names()
    except ValidationError as error:
        raise ArrayError(f"{NAMES_FILE}: {error.errors()[0]['msg']}") from error
    for name in names.files():
        if Path(name).name != name:
            raise ArrayError(f"{NAMES_FILE}: {name} is not the name of a file beside it")
    return names


def _part(folder: Path, images: str, labels: str, patients: str | None, split: str) -> Part:
    tensor, given = _load(folder / images), _load(folder / labels)
    if tensor.ndim == 4 and tensor.shape[3] == 1:
        tensor = tensor[..., 0]
    if tensor.ndim != 3 or tensor.shape[1] != tensor.shape[2] or tensor.dtype.kind not in "uif":
        raise ArrayError(f"{images} is {tensor.dtype} {tensor.shape}, not n x side x side")
    found = np.asarray(given).reshape(-1)
    if found.dtype.kind not in "uif" or not len(found) == len(tensor) > 0:
        raise ArrayError(f"{labels} holds {found.shape} {found.dtype} for {len(tensor)} patches")
    whole = found.astype(np.int64)
    if (whole != found).any() or not 0 <= whole.min() <= whole.max() < LABELS:
        raise ArrayError(f"{labels} holds other labels than 0 to {LABELS - 1}")
    if patients is None:
        pairs = np.arange(len(whole)) // 2 if BASELINE in whole else np.arange(len(whole))
        return Part(tensor, whole, np.array([f"{split} {pair}" for pair in pairs]), named=False)
    people = np.asarray(_load(folder / patients)).reshape(-1).astype(str)
    if len(people) != len(whole):
        raise ArrayError(f"{patients} names {len(people)} patients for {len(whole)} patches")
    return Part(tensor, whole, people, named=True)


def _load(path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ArrayError(f"{path.name} cannot be read: {error}") from error
    return found


@dataclass(frozen=True)
class Chosen:
    """The patches of a task: places count through both tensors, training first."""

    places: NDArray[np.int64]
    labels: NDArray[np.int64]
    splits: NDArray[np.int8]
    patients: NDArray[np.str_]
    partners: NDArray[np.int64] | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, patches: Patches, labelling: Labelling, *, pairs: bool) -> Self:
        """Labelled and split: the test tensor is the test, 15 % of the other patients validate.

        Who is in both is left out of training. Raises ArrayError where a network is to be shown
        pairs and the baselines do not stand before their abnormalities.
        """
        if pairs and not patches.paired:
            raise ArrayError("baselines and abnormalities do not take turns: there are no pairs")
        raw = np.concatenate([patches.train.labels, patches.test.labels])
        people = np.concatenate([patches.train.patients, patches.test.patients])
        testing = np.arange(len(raw)) >= len(patches.train.labels)
        mapping = np.full(LABELS, -1)
        for label, place in LABELLINGS[labelling].of_label.items():
            mapping[label] = place
        shared = ~testing & np.isin(people, np.unique(people[testing]))
        places = np.flatnonzero((mapping[raw] >= 0) & ~shared)
        splits = np.where(testing, TEST, TRAIN).astype(np.int8)
        splits[~testing & np.isin(people, _validating(people[~testing], raw[~testing]))] = (
            VALIDATION
        )
        return cls(
            places=places,
            labels=mapping[raw[places]],
            splits=splits[places],
            patients=people[places],
            partners=places - 1 if pairs else None,
            notes=tuple(_notes(patches, shared)),
        )


def _validating(people: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.str_]:
    """15 % of the patients of each label, drawn always alike; who has several counts to the last.

    The same for every task, so that an ensemble's members have seen the same patients.
    """
    known, index = np.unique(people, return_inverse=True)
    greatest = np.zeros(len(known), np.int64)
    np.maximum.at(greatest, index, labels)
    generator = np.random.default_rng(0)
    drawn = []
    for label in range(LABELS):
        group = generator.permutation(np.flatnonzero(greatest == label))
        drawn.append(group[: round(VALIDATION_SHARE * len(group))])
    chosen: NDArray[np.str_] = known[np.concatenate(drawn)]
    return chosen


def _notes(patches: Patches, shared: NDArray[np.bool_]) -> list[str]:
    notes = []
    if not (patches.train.named and patches.test.named):
        notes.append(
            "The tensors do not say whose patches they are: each abnormality with its baseline "
            "counts as a patient, so intervals are too narrow and validation may know its patients."
        )
    if shared.any():
        notes.append(f"{shared.sum()} patches of patients of the test were left out of training.")
    return notes


def to_grey(images: NDArray[Any], greatest: float) -> NDArray[np.uint8]:
    """Patches as 8-bit grey values, where ``greatest`` is the greatest of all training patches.

    Fractions are of one; integers of the full range of as many bits as they take, eight at least.
    """
    if images.dtype.kind == "f" and greatest <= 1:
        scale = 255.0
    else:
        bits = max(8, int(np.ceil(np.log2(greatest + 1))))
        scale = 255.0 / (2**bits - 1)
    return np.clip(np.round(images * scale), 0, 255).astype(np.uint8)
