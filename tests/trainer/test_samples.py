"""What may be trained on, and what may not."""

from dataclasses import replace

import numpy as np
import pytest
from trainer.samples import Samples, SamplesError, check_samples, count_overlap, permuted_labels


def make_samples(patients: list[int], splits: list[int], labels: list[int]) -> Samples:
    count = len(patients)
    return Samples(
        images=np.zeros((count, 4, 4), np.uint8),
        rows=np.arange(count),
        labels=np.array(labels),
        splits=np.array(splits, np.int8),
        patients=np.array(patients),
        keys=[str(i) for i in range(count)],
        classes=("B", "K"),
    )


GOOD = make_samples([1, 2, 3, 4, 5, 6], [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1])


def test_disjoint_patients_are_accepted() -> None:
    check_samples(GOOD)


def test_a_patient_in_two_splits_is_refused() -> None:
    shared = replace(GOOD, patients=np.array([1, 2, 3, 4, 5, 1]))
    assert count_overlap(shared.patients, shared.splits) == 1
    with pytest.raises(SamplesError, match="1 patients are in more than one split"):
        check_samples(shared)
    check_samples(shared, allow_overlap=True)


def test_a_split_without_a_class_is_refused() -> None:
    with pytest.raises(SamplesError, match="validation split has no image of class K"):
        check_samples(replace(GOOD, labels=np.array([0, 1, 0, 0, 0, 1])))


def test_permuted_labels_keep_the_counts_of_each_split_and_follow_the_seed() -> None:
    generator = np.random.default_rng(0)
    labels, splits = generator.integers(0, 2, 300), generator.integers(0, 3, 300).astype(np.int8)
    shuffled = permuted_labels(labels, splits, seed=1)
    for split in range(3):
        chosen = splits == split
        assert shuffled[chosen].sum() == labels[chosen].sum()
    assert 0.35 < (shuffled == labels).mean() < 0.65
    assert (permuted_labels(labels, splits, seed=1) == shuffled).all()
    assert (permuted_labels(labels, splits, seed=2) != shuffled).any()
