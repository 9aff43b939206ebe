"""Sampling and splits: by construction no patient is in two splits."""

import numpy as np
from catalog.cohorts.splits import (
    sample_per_class,
    shuffled_keys,
    split_by_member,
    split_by_patient,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SHARES = (0.7, 0.1, 0.2)
members = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), min_size=1, max_size=400)
seeds = st.integers(0, 2**63 - 1)


def hashes(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 2**64, count, np.uint64)


@settings(deadline=None)
@given(members, seeds)
def test_patients_never_part(drawn: list[tuple[int, int]], seed: int) -> None:
    labels, patients = (np.asarray(column) for column in zip(*drawn, strict=True))
    splits = split_by_patient(labels, patients, shuffled_keys(hashes(61), "split", seed), SHARES)
    for patient in np.unique(patients):
        assert len(np.unique(splits[patients == patient])) == 1


@settings(deadline=None)
@given(seeds)
def test_shares_are_met_in_every_class(seed: int) -> None:
    rng = np.random.default_rng(3)
    patients = np.sort(rng.integers(0, 700, 4000))
    labels = (rng.random(4000) < 0.1).astype(int)
    splits = split_by_patient(labels, patients, shuffled_keys(hashes(700), "split", seed), SHARES)
    for label in (0, 1):
        found = np.bincount(splits[labels == label], minlength=3) / (labels == label).sum()
        assert np.abs(found - SHARES).max() < 0.02


@settings(deadline=None)
@given(seeds)
def test_a_split_of_no_share_stays_empty(seed: int) -> None:
    labels, patients = np.zeros(50, int), np.arange(50)
    splits = split_by_patient(labels, patients, shuffled_keys(hashes(50), "x", seed), (0.8, 0, 0.2))
    assert np.bincount(splits, minlength=3)[1] == 0


@settings(deadline=None)
@given(members, st.integers(1, 30), seeds)
def test_caps_hold_and_smaller_samples_lie_in_larger_ones(
    drawn: list[tuple[int, int]], cap: int, seed: int
) -> None:
    labels = np.asarray([label for label, _ in drawn])
    keys = shuffled_keys(hashes(len(labels)), "sample", seed)
    kept = sample_per_class(labels, keys, cap)
    for label in range(4):
        assert kept[labels == label].sum() == min(cap, (labels == label).sum())
    assert (sample_per_class(labels, keys, cap + 5) | ~kept).all()


@settings(deadline=None)
@given(st.integers(30, 300), seeds)
def test_splits_by_image_meet_their_shares(count: int, seed: int) -> None:
    labels = np.arange(count) % 3
    splits = split_by_member(labels, shuffled_keys(hashes(count), "split", seed), SHARES)
    for label in range(3):
        size = (labels == label).sum()
        found = np.bincount(splits[labels == label], minlength=3)
        assert np.abs(found - np.asarray(SHARES) * size).max() <= 1


def test_order_of_members_and_ids_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    labels, patients = rng.integers(0, 3, 300), rng.integers(0, 40, 300)
    keys = shuffled_keys(hashes(40), "split", 7)
    splits = split_by_patient(labels, patients, keys, SHARES)
    shuffle = rng.permutation(300)
    again = split_by_patient(labels[shuffle], patients[shuffle], keys, SHARES)
    assert (again == splits[shuffle]).all()


def test_seeds_and_purposes_give_other_orders() -> None:
    drawn = hashes(100)
    orders = {
        tuple(np.argsort(shuffled_keys(drawn, purpose, seed)).tolist())
        for purpose in ("sample", "split")
        for seed in (0, 1)
    }
    assert len(orders) == 4
