"""Our metrics are scikit-learn's, also under weights, ties and absent classes."""

import numpy as np
import pytest
import sklearn.metrics as reference
from trainer.evaluation import metrics
from trainer.evaluation.metrics import Floats, Ints

Case = tuple[Ints, Floats, Floats]


def make_case(classes: int, seed: int, decimals: int) -> Case:
    """(target, probs, weights (1, n)); few decimals make ties, some weights are zero."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, classes, 150)
    probs = generator.dirichlet(np.ones(classes), 150)
    probs[np.arange(150), target] += 0.3
    probs = np.round(probs / probs.sum(axis=1, keepdims=True), decimals) + 1e-3
    probs /= probs.sum(axis=1, keepdims=True)
    weights = generator.integers(0, 4, (1, 150)).astype(np.float64)
    return target, probs, weights


CASES = [
    (classes, seed, decimals) for classes in (2, 3, 7) for seed in (0, 1) for decimals in (1, 9)
]
cases = pytest.mark.parametrize(("classes", "seed", "decimals"), CASES)


@cases
def test_metrics_equal_scikit_learn_under_weights(classes: int, seed: int, decimals: int) -> None:
    target, probs, weights = make_case(classes, seed, decimals)
    chosen, weight = probs.argmax(axis=1), weights[0]
    average = "binary" if classes == 2 else "macro"
    expected = {
        "accuracy": reference.accuracy_score(target, chosen, sample_weight=weight),
        "balanced_accuracy": reference.balanced_accuracy_score(
            target, chosen, sample_weight=weight
        ),
        "f1": reference.f1_score(target, chosen, average=average, sample_weight=weight),
        "log_loss": reference.log_loss(target, probs, sample_weight=weight),
        "brier": reference.brier_score_loss(
            target, probs[:, 1] if classes == 2 else probs, sample_weight=weight
        ),
        "roc_auc": np.mean(
            [
                reference.roc_auc_score(target == c, probs[:, c], sample_weight=weight)
                for c in (range(1, 2) if classes == 2 else range(classes))
            ]
        ),
        "pr_auc": np.mean(
            [
                reference.average_precision_score(target == c, probs[:, c], sample_weight=weight)
                for c in (range(1, 2) if classes == 2 else range(classes))
            ]
        ),
    }
    found = {name: f(weights, target, probs)[0] for name, f in metrics.METRICS.items()}
    assert found == pytest.approx(expected, abs=1e-6)


@cases
def test_recalls_equal_scikit_learn(classes: int, seed: int, decimals: int) -> None:
    target, probs, weights = make_case(classes, seed, decimals)
    expected = reference.recall_score(
        target, probs.argmax(axis=1), average=None, sample_weight=weights[0]
    )
    assert metrics.recalls(weights, target, probs)[0] == pytest.approx(expected, abs=1e-9)


def test_many_weightings_at_once_equal_each_alone() -> None:
    target, probs, _ = make_case(3, 5, 2)
    weights = np.random.default_rng(0).integers(0, 3, (8, 150)).astype(np.float64)
    for name, metric in metrics.METRICS.items():
        together = metric(weights, target, probs)
        alone = [metric(weights[i : i + 1], target, probs)[0] for i in range(8)]
        assert together == pytest.approx(alone), name


def test_a_draw_without_a_class_is_not_a_number_but_no_error() -> None:
    target, probs = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    weights = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    areas = metrics.roc_auc(weights, target, probs)
    assert np.isnan(areas[0])
    assert areas[1] == 1.0
    assert np.isnan(metrics.recalls(weights, target, probs)[0, 1])
    assert metrics.balanced_accuracy(weights, target, probs)[0] == 0.5


def test_roc_points_are_scikit_learns_and_their_area_is_the_auc() -> None:
    target, probs, _ = make_case(2, 3, 2)
    fpr, tpr = metrics.roc_points(target == 1, probs[:, 1])
    expected_fpr, expected_tpr, _ = reference.roc_curve(
        target, probs[:, 1], drop_intermediate=False
    )
    assert fpr == pytest.approx(expected_fpr)
    assert tpr == pytest.approx(expected_tpr)
    area = metrics.roc_auc(np.ones((1, len(target))), target, probs)[0]
    assert np.trapezoid(tpr, fpr) == pytest.approx(area)
