"""Folds: whole patients, classes even, everybody tested once; and what is said of several."""

import math

import numpy as np
import pytest
from trainer.combining import mean_interval, mean_over_folds
from trainer.composition import Fold, FoldMethod, Folds, Sweep
from trainer.folds import apply_fold
from trainer.samples import TEST, VALIDATION, Samples, SamplesError, check_samples


def make_samples(patients: int = 60) -> Samples:
    people = np.arange(2 * patients) // 2
    return Samples(
        images=np.zeros((1, 2, 2), np.uint8),
        rows=np.zeros(len(people), np.int64),
        labels=(people % 3 == 0).astype(np.int64),
        splits=np.where(people % 5 == 0, TEST, 0).astype(np.int8),
        patients=people,
        keys=[""] * len(people),
        classes=("plain", "spot"),
    )


def folds(method: FoldMethod, count: int = 5) -> list[Samples]:
    samples = make_samples()
    return [apply_fold(samples, f) for f in Folds(count=count, method=method, seed=3).folds()]


def test_every_image_is_tested_once_and_validates_once_in_a_k_fold() -> None:
    parts = folds("k-fold")
    for split in (TEST, VALIDATION):
        assert sorted(np.concatenate([p.in_split(split) for p in parts])) == list(range(120))
    for part in parts:
        check_samples(part)
        share = part.labels[part.in_split(TEST)].mean()
        assert share == pytest.approx(1 / 3, abs=0.05)


def test_the_test_split_stays_in_a_k_holdout() -> None:
    parts, before = folds("k-holdout", 4), make_samples()
    others = np.flatnonzero(before.splits != TEST)
    assert sorted(np.concatenate([p.in_split(VALIDATION) for p in parts])) == list(others)
    for part in parts:
        assert (part.in_split(TEST) == before.in_split(TEST)).all()
        check_samples(part)


def test_too_few_patients_for_the_folds_are_refused() -> None:
    with pytest.raises(SamplesError, match="class plain has 4 patients, too few for 5 folds"):
        apply_fold(make_samples(6), Fold(method="k-fold", count=5, index=0, seed=0))


def test_the_interval_is_students_of_the_mean() -> None:
    found = mean_interval([0.80, 0.90, 1.00], 1.0)
    assert found["value"] == pytest.approx(0.9)
    assert found["low"] == pytest.approx(0.9 - 4.303 * 0.1 / 3**0.5)
    assert mean_interval([0.8, None, 0.9], 1.0) == {"value": None, "low": None, "high": None}


def test_the_interval_ends_where_the_figure_does() -> None:
    assert mean_interval([0.80, 0.90, 1.00], 1.0)["high"] == 1.0
    assert mean_interval([0.0, 0.1, 0.4], 1.0)["low"] == 0.0
    loss = mean_interval([1.0, 2.0, 3.0], math.inf)
    assert loss["high"] == pytest.approx(2 + 4.303 / 3**0.5)


def test_counts_add_up_where_folds_test_others() -> None:
    part = {
        "test": {"n": 10, "patients": 5, "accuracy": {"value": 0.5, "low": 0.1, "high": 0.9}},
        "confusion_matrix": {"labels": ["a", "b"], "counts": [[3, 2], [1, 4]]},
        "roc": [{"name": "b", "fpr": [0, 1], "tpr": [0, 1]}],
        "baseline": {"name": "x", "features": ["grey"], "n": 10, "patients": 5},
    }
    pooled = mean_over_folds([part, part], "k-fold")
    assert (pooled["test"]["n"], pooled["baseline"]["patients"]) == (20, 10)
    assert pooled["confusion_matrix"]["counts"] == [[6, 4], [2, 8]]
    assert [curve["name"] for curve in pooled["roc"]] == ["b, fold 1", "b, fold 2"]
    assert mean_over_folds([part, part], "k-holdout")["test"]["n"] == 10


def test_a_grid_and_runs_are_combined() -> None:
    sweep = Sweep(grid={"epochs": (1, 2)}, runs=({"seed": 1}, {"seed": 2}))
    assert list(sweep.overrides()) == [
        {"seed": 1, "epochs": 1},
        {"seed": 1, "epochs": 2},
        {"seed": 2, "epochs": 1},
        {"seed": 2, "epochs": 2},
    ]
