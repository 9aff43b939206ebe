"""The interval of a calibration error holds the truth, also where there is no error."""

import numpy as np
import pytest
from trainer.evaluation.bootstrap import patient_draws, tail_share
from trainer.evaluation.calibration import error_bounds
from trainer.evaluation.figures import summarise
from trainer.evaluation.metrics import BINS, Floats, Ints, calibration_gaps, ece

STUDIES, DRAWS = 60, 400


def make_study(seed: int, overconfidence: float, patients: int = 80) -> tuple[Ints, Floats, Ints]:
    """(target, probs, patients): log-odds that are right, and then told too surely."""
    generator = np.random.default_rng(seed)
    people = np.repeat(np.arange(patients), 4)
    odds = generator.normal(0, 1.2, patients)[people] + generator.normal(0, 0.6, len(people))
    target = (generator.random(len(people)) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    told = 1 / (1 + np.exp(-overconfidence * odds))
    return target, np.stack([1 - told, told], axis=1), people


def true_error(overconfidence: float) -> float:
    """Of the population, from a study as large as that, with chances instead of labels."""
    generator = np.random.default_rng(99)
    odds = generator.normal(0, np.hypot(1.2, 0.6), 1_000_000)
    chance, told = (1 / (1 + np.exp(-scale * odds)) for scale in (1.0, overconfidence))
    bins = np.minimum((told * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, chance - told)).sum() / len(odds))


@pytest.mark.parametrize("overconfidence", [1.0, 1.5, 3.0])
def test_the_interval_holds_the_true_error_and_the_one_that_was_found(
    overconfidence: float,
) -> None:
    truth, held, percentiles = true_error(overconfidence), [], []
    for seed in range(STUDIES):
        target, probs, people = make_study(seed, overconfidence)
        drawn = patient_draws(lambda w, t=target, p=probs: calibration_gaps(w, t, p), people, DRAWS)
        gaps = calibration_gaps(np.ones((1, len(target))), target, probs)[0]
        low, high = error_bounds(gaps, drawn, 80)
        assert low <= np.abs(gaps).sum() <= high
        held.append(low <= truth + 1e-3 and truth - 1e-3 <= high)
        percentiles.append(np.quantile(np.abs(drawn).sum(axis=1), tail_share(80)) <= truth)
    assert np.mean(held) >= 0.9
    if overconfidence == 1.0:
        assert low == 0.0, "chance alone reaches what was found"
        assert np.mean(percentiles) < 0.1, "what the percentiles of the draws would have come to"


def test_no_gap_at_all_has_no_error() -> None:
    drawn = np.random.default_rng(0).normal(0, 0.01, (500, BINS))
    assert error_bounds(np.zeros(BINS), drawn, 100)[0] == 0.0


def test_the_error_is_the_sum_of_the_gaps_and_reported_with_that_interval() -> None:
    target, probs, people = make_study(1, 3.0)
    ones = np.ones((1, len(target)))
    gaps = calibration_gaps(ones, target, probs)[0]
    assert np.abs(gaps).sum() == pytest.approx(ece(ones, target, probs)[0])
    drawn = patient_draws(lambda w: calibration_gaps(w, target, probs), people)
    low, high = error_bounds(gaps, drawn, 80)
    found = summarise(target, probs, people, ("a", "b"))["ece"]
    assert found == pytest.approx({"value": np.abs(gaps).sum(), "low": low, "high": high})
