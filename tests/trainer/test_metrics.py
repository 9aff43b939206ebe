"""Our metrics are scikit-learn's and torchmetrics', also under weights, ties, absent classes."""

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
from trainer.evaluation import metrics, points
from trainer.evaluation.metrics import Floats, Ints
from trainer.evaluation.points import compute_points, compute_recalls
from trainer.training import torch_compat  # before torchmetrics, which imports torchvision

# isort: split
import torchmetrics.functional.classification as second

assert torch_compat.torchvision

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


def scikit_learn_areas(target: Ints, probs: Floats, weight: Floats) -> dict[str, float]:
    """What is averaged over classes, by scikit-learn, under weights."""
    classes = probs.shape[1]
    found: dict[str, list[float]] = {
        "roc_auc": [], "pr_auc": [], "sensitivity_at_90_specificity": [],
        "specificity_at_90_sensitivity": [],
    }  # fmt: skip
    for c in range(1, 2) if classes == 2 else range(classes):
        case = target == c, probs[:, c]
        fpr, tpr, _ = reference.roc_curve(*case, sample_weight=weight, drop_intermediate=False)
        found["roc_auc"].append(reference.roc_auc_score(*case, sample_weight=weight))
        found["pr_auc"].append(reference.average_precision_score(*case, sample_weight=weight))
        found["sensitivity_at_90_specificity"].append(tpr[fpr <= 0.1 + 1e-9].max())
        found["specificity_at_90_sensitivity"].append(1 - fpr[tpr >= 0.9 - 1e-9].min())
    return {name: float(np.mean(values)) for name, values in found.items()}


@cases
def test_metrics_equal_scikit_learn_under_weights(classes: int, seed: int, decimals: int) -> None:
    target, probs, weights = make_case(classes, seed, decimals)
    chosen, weight = probs.argmax(axis=1), weights[0]
    average = "binary" if classes == 2 else "macro"
    expected = scikit_learn_areas(target, probs, weight) | {
        "accuracy": reference.accuracy_score(target, chosen, sample_weight=weight),
        "balanced_accuracy": reference.balanced_accuracy_score(
            target, chosen, sample_weight=weight
        ),
        "f1": reference.f1_score(target, chosen, average=average, sample_weight=weight),
        "log_loss": reference.log_loss(target, probs, sample_weight=weight),
        "brier": reference.brier_score_loss(
            target, probs[:, 1] if classes == 2 else probs, sample_weight=weight
        ),
    }
    found = {name: f(weights, target, probs)[0] for name, f in metrics.METRICS.items()}
    del found["ece"]  # scikit-learn has no weighted one; unweighted it is checked below
    assert found == pytest.approx(expected, abs=1e-6)


@cases
def test_figures_equal_their_weighted_forms_and_torchmetrics(
    classes: int, seed: int, decimals: int
) -> None:
    target, probs, _ = make_case(classes, seed, decimals)
    figures = compute_points(target, probs)
    ones = np.ones((1, len(target)))
    weighed = {name: f(ones, target, probs)[0] for name, f in metrics.METRICS.items()}
    assert weighed == pytest.approx(figures, abs=1e-9)
    others = torchmetrics_figures(target, probs)
    if decimals == 1:  # values on the edge of a bin: the libraries put them on either side
        del others["ece"]
    assert {name: figures[name] for name in others} == pytest.approx(others, abs=1e-6)
    assert torchmetrics_recalls(target, probs) == pytest.approx(compute_recalls(target, probs))


def torchmetrics_figures(target: Ints, probs: Floats) -> dict[str, float]:
    """The figures that torchmetrics has, in double precision."""
    classes = probs.shape[1]
    chosen = torch.from_numpy(probs.argmax(axis=1))
    truth, double = torch.from_numpy(target), torch.from_numpy(probs)
    if classes == 2:
        score = double[:, 1].contiguous()
        return {
            "accuracy": float(second.binary_accuracy(chosen, truth)),
            "roc_auc": float(second.binary_auroc(score, truth)),
            "pr_auc": float(second.binary_average_precision(score, truth)),
            "f1": float(second.binary_f1_score(chosen, truth)),
            "sensitivity_at_90_specificity": float(
                second.binary_sensitivity_at_specificity(score, truth, 0.9 - 1e-7)[0]
            ),
            "specificity_at_90_sensitivity": float(
                second.binary_specificity_at_sensitivity(score, truth, 0.9 - 1e-7)[0]
            ),
            "ece": float(second.binary_calibration_error(score, truth, n_bins=metrics.BINS)),
        }
    of = {"num_classes": classes}
    return {
        "accuracy": float(second.multiclass_accuracy(chosen, truth, average="micro", **of)),
        "balanced_accuracy": float(second.multiclass_accuracy(chosen, truth, **of)),
        "roc_auc": float(second.multiclass_auroc(double, truth, **of)),
        "pr_auc": float(second.multiclass_average_precision(double, truth, **of)),
        "f1": float(second.multiclass_f1_score(chosen, truth, **of)),
        "ece": float(second.multiclass_calibration_error(double, truth, n_bins=metrics.BINS, **of)),
    }


def torchmetrics_recalls(target: Ints, probs: Floats) -> list[float]:
    found = second.multiclass_recall(
        torch.from_numpy(probs.argmax(axis=1)),
        torch.from_numpy(target),
        num_classes=probs.shape[1],
        average=None,
    )
    return [float(value) for value in found]


def test_the_share_of_bins_is_the_reliability_curve() -> None:
    target, probs = (
        np.array([0, 1, 1, 0]),
        np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]),
    )
    assert points.reliability(target, probs) == {
        "predicted": pytest.approx([0.1, 0.9]),
        "observed": pytest.approx([0.0, 2 / 3]),
        "n": [1, 3],
    }
    assert compute_points(target, probs)["ece"] == pytest.approx(0.1 / 4 + 3 * abs(0.9 - 2 / 3) / 4)


def test_figures_of_one_class_are_not_numbers_but_no_error() -> None:
    target, probs = np.zeros(3, np.int64), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    found = compute_points(target, probs)
    assert np.isnan(found["roc_auc"])
    assert np.isnan(found["sensitivity_at_90_specificity"])
    assert found["accuracy"] == pytest.approx(1 / 3)


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
