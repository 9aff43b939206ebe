"""Thresholds are validation's choice; the test split only says what they come to."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score
from trainer.evaluation.bootstrap import draw_weights, tail_share
from trainer.evaluation.metrics import Floats, Ints
from trainer.evaluation.thresholds import choose_thresholds, evaluate_thresholds


def make_split(seed: int, count: int = 120) -> tuple[Ints, Floats, Ints]:
    """(target, score with ties, patients of two images)."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, count)
    score = np.round(np.clip(0.3 * target + 0.7 * generator.random(count), 0, 1), 2)
    return target, score, np.arange(count) // 2


def rates(target: Ints, said: np.ndarray) -> tuple[float, float]:
    """(sensitivity, specificity) by scikit-learn."""
    return recall_score(target, said), recall_score(target, said, pos_label=0)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_is_better_on_validation(seed: int) -> None:
    target, score, _ = make_split(seed)
    chosen = choose_thresholds(target, score)
    every = {t: rates(target, score >= t) for t in np.unique(score)}
    best = max(balanced_accuracy_score(target, score >= t) for t in every)
    said = score >= chosen["balanced_accuracy"]
    assert balanced_accuracy_score(target, said) == pytest.approx(best)
    # At equal rates of the kind that is sought, the other decides.
    specific = [r for r in every.values() if r[1] >= 0.9]
    assert every[chosen["specificity_90"]] == max(specific)
    sensitive = [r[::-1] for r in every.values() if r[0] >= 0.9]
    assert every[chosen["sensitivity_90"]][::-1] == max(sensitive)


def test_a_rule_that_no_threshold_keeps_is_left_out() -> None:
    target = np.array([0, 0, 0, 1, 1])
    assert choose_thresholds(target, np.full(5, 0.5)) == {
        "balanced_accuracy": 0.5, "sensitivity_90": 0.5,
    }  # fmt: skip


def test_the_test_split_is_told_at_validations_thresholds_with_intervals_by_patient() -> None:
    validation, test = make_split(11), make_split(12, 100)
    found = evaluate_thresholds(validation[:2], test, draws=300)
    assert [row["rule"] for row in found] == [
        "balanced_accuracy", "specificity_90", "sensitivity_90",
    ]  # fmt: skip
    target, score, patients = test
    weights = np.concatenate(list(draw_weights(patients, draws=300))).astype(int)
    tail = tail_share(50)
    for row in found:
        said = score >= row["threshold"]
        own = rates(validation[0], validation[1] >= row["threshold"])
        assert (row["validation_sensitivity"], row["validation_specificity"]) == pytest.approx(own)
        drawn = []
        for weight in weights:
            places = np.repeat(np.arange(len(target)), weight)
            drawn.append(rates(target[places], said[places]))
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
        for place, name in enumerate(("sensitivity", "specificity")):
            value = rates(target, said)[place]
            expected = {"value": value, "low": low[place], "high": high[place]}
            assert row[name] == pytest.approx(expected)


def test_the_best_threshold_of_the_test_curve_is_not_what_validation_chose() -> None:
    generator = np.random.default_rng(5)
    target = np.arange(400) % 2
    score = 0.2 * target + 0.8 * generator.random(400)
    shifted = score * 0.5  # the same order, other values: a test split that is calibrated otherwise
    (_, specific, _) = evaluate_thresholds(
        (target, score), (target, shifted, np.arange(400)), draws=50
    )
    assert specific["validation_specificity"] >= 0.9
    assert specific["sensitivity"]["value"] < specific["validation_sensitivity"]
