"""Two classifiers on the same images."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from trainer.evaluation.metrics import Floats, Ints
from trainer.evaluation.paired import compare_paired, delong


def make(seed: int, count: int, gain: float) -> tuple[Ints, Floats, Floats]:
    """(target, scores of a weaker, scores of a stronger by ``gain``); scores have ties."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, count)
    shared = generator.normal(size=count)
    first = target * 0.8 + shared + generator.normal(size=count) * 0.5
    second = target * (0.8 + gain) + shared + generator.normal(size=count) * 0.5
    return target, np.round(first, 1), np.round(second, 1)


def as_probs(score: Floats) -> Floats:
    chance = 1 / (1 + np.exp(-score))
    return np.stack([1 - chance, chance], axis=1)


def delong_of_1988(target: Ints, first: Floats, second: Floats) -> tuple[Floats, float]:
    """The paper's formulas, pair by pair."""
    hits, misses = np.flatnonzero(target == 1), np.flatnonzero(target == 0)
    of_hits, of_misses, areas = [], [], []
    for score in (first, second):
        wins = (score[hits][:, None] > score[misses]) + 0.5 * (
            score[hits][:, None] == score[misses]
        )
        of_hits.append(wins.mean(axis=1))
        of_misses.append(wins.mean(axis=0))
        areas.append(wins.mean())
    covariance = np.cov(of_hits) / len(hits) + np.cov(of_misses) / len(misses)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    z = (areas[1] - areas[0]) / math.sqrt(variance)
    return covariance, float(2 * norm.sf(abs(z)))


def test_delong_is_the_papers_where_each_patient_has_one_image() -> None:
    target, first, second = make(1, 150, 0.6)
    covariance, p_value = delong(target == 1, np.stack([first, second]), np.arange(150))
    expected, expected_p = delong_of_1988(target, first, second)
    assert covariance == pytest.approx(expected, rel=1e-9)
    assert p_value == pytest.approx(expected_p, rel=1e-9)


def test_copies_of_an_image_are_no_further_evidence() -> None:
    target, first, second = make(2, 200, 0.3)
    once = delong(target == 1, np.stack([first, second]), np.arange(200))
    thrice = [np.repeat(values, 3) for values in (target, first, second)]
    scores = np.stack(thrice[1:])
    copied = delong(thrice[0] == 1, scores, np.repeat(np.arange(200), 3))
    assert copied[0] == pytest.approx(once[0], rel=1e-9)
    naive = delong(thrice[0] == 1, scores, np.arange(600))
    assert naive[1] < copied[1]


def test_bootstrap_and_delong_agree_on_a_clear_difference_and_on_none() -> None:
    target, first, second = make(3, 400, 1.0)
    found = compare_paired(target, as_probs(first), as_probs(second), np.arange(400) // 2)
    gained = roc_auc_score(target, second) - roc_auc_score(target, first)
    assert found.difference == pytest.approx(gained)
    assert 0 < found.low < gained < found.high
    assert found.bootstrap_p < 0.01
    assert found.delong_p is not None
    assert found.delong_p < 0.01
    same = compare_paired(target, as_probs(first), as_probs(first), np.arange(400) // 2)
    assert (same.difference, same.bootstrap_p, same.delong_p) == (0.0, 1.0, 1.0)


def test_the_bootstrap_p_value_is_uniform_where_there_is_no_difference() -> None:
    found = []
    for seed in range(60):
        target, first, second = make(100 + seed, 160, 0.0)
        pair = compare_paired(target, as_probs(first), as_probs(second), np.arange(160) // 2, 300)
        found.append(pair.bootstrap_p)
    assert np.mean(np.array(found) < 0.1) < 0.25
    assert 0.3 < np.mean(found) < 0.7


def test_more_than_two_classes_have_a_bootstrap_alone() -> None:
    generator = np.random.default_rng(5)
    target = generator.integers(0, 3, 150)
    weak = generator.dirichlet(np.ones(3), 150)
    strong = (weak + np.eye(3)[target]) / 2
    found = compare_paired(target, weak, strong, np.arange(150))
    assert found.delong_p is None
    assert found.low > 0
