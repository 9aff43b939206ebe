"""Sampling and splitting, by hashes of UIDs and the seed: the same on every stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from catalog.cohorts.definition import SplitDefinition

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Assigned:
    """By member the number of its split, and of its fold where there are folds."""

    splits: Ints
    folds: Ints | None


def assign_by_patient(
    split: SplitDefinition, labels: Ints, patients: Ints, patient_keys: Hashes
) -> Assigned:
    """Splits, or folds and the splits that follow from them; patients never part."""
    if split.folds is None:
        shares = [split.train, split.validation, split.test]
        return Assigned(split_by_patient(labels, patients, patient_keys, shares), None)
    count = split.folds.count
    folds = split_by_patient(labels, patients, patient_keys, [1 / count] * count)
    return Assigned(splits_of_folds(folds, count, split.folds.test), folds)


def splits_of_folds(folds: Ints, count: int, test: int) -> Ints:
    """The fold ``test`` is tested, the one after it validates, the others train."""
    found = np.full(len(folds), TRAIN, np.int64)
    found[folds == (test + 1) % count] = VALIDATION
    found[folds == test] = TEST
    return found


def shuffled_keys(hashes: Hashes, purpose: str, seed: int) -> Hashes:
    """A pseudorandom key for each hash, another for each purpose and seed (splitmix64)."""
    salt = int.from_bytes(blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest(), "little")
    z = hashes + np.uint64(salt)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def sample_per_class(labels: Ints, keys: Hashes, per_class: int) -> npt.NDArray[np.bool_]:
    """Which members stay when each class keeps the ``per_class`` members of least key."""
    order = np.lexsort((keys, labels))
    sorted_labels = labels[order]
    begin = np.searchsorted(sorted_labels, sorted_labels, side="left")
    kept = np.zeros(len(labels), bool)
    kept[order[np.arange(len(labels)) - begin < per_class]] = True
    return kept


def split_by_member(labels: Ints, keys: Hashes, shares: Sequence[float]) -> Ints:
    """The split of each member, stratified by class, patients ignored."""
    order = np.lexsort((keys, labels))
    ordered = labels[order]
    begin = np.searchsorted(ordered, ordered, side="left")
    size = np.searchsorted(ordered, ordered, side="right") - begin
    place = (np.arange(len(labels)) - begin + 0.5) / np.maximum(size, 1)
    limits = np.cumsum(shares)[:-1]
    found = np.zeros(len(labels), np.int64)
    found[order] = np.searchsorted(limits, place, side="right")
    return found


def split_by_patient(
    labels: Ints, patients: Ints, patient_keys: Hashes, shares: Sequence[float]
) -> Ints:
    """The split of each member; members of one patient never part.

    Patients come class by class from the rarest, within it by their keys; each goes where its
    classes are furthest from their share.
    """
    if len(labels) == 0:
        return np.zeros(0, np.int64)
    present, local = np.unique(patients, return_inverse=True)
    classes = int(labels.max()) + 1
    counts = np.bincount(local * classes + labels, minlength=len(present) * classes)
    counts = counts.reshape(len(present), classes)
    rarity = np.argsort(np.argsort((counts > 0).sum(axis=0), kind="stable"), kind="stable")
    stratum = np.where(counts > 0, rarity, classes).min(axis=1)
    order = np.lexsort((patient_keys[present], stratum))
    chosen = _assign(counts, order.tolist(), shares)
    return chosen[local]


def _assign(counts: Ints, order: Sequence[int], shares: Sequence[float]) -> Ints:
    totals = counts.sum(axis=0).tolist()
    open_splits = [s for s, share in enumerate(shares) if share > 0]
    filled = [[0.0] * len(totals) for _ in shares]
    chosen = np.zeros(len(counts), np.int64)
    sparse: Mapping[int, list[tuple[int, int]]] = {
        patient: [(int(k), int(counts[patient, k])) for k in np.flatnonzero(counts[patient])]
        for patient in order
    }
    for patient in order:
        own = sparse[patient]
        need = [
            sum(n / totals[k] * (1 - filled[s][k] / (shares[s] * totals[k])) for k, n in own)
            for s in open_splits
        ]
        # Equal need: the larger split, which comes first where shares are equal too.
        best = max(range(len(open_splits)), key=lambda i: (need[i], shares[open_splits[i]], -i))
        split = open_splits[best]
        chosen[patient] = split
        for k, n in own:
            filled[split][k] += n
    return chosen
