"""The figures of an evaluation, by scikit-learn. ``metrics`` weighs them for the intervals.

``target`` (n,), ``probs`` (n, classes); NaN where a figure is not defined (a class is not there).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve

from trainer.evaluation.metrics import (
    BINS,
    OPERATING_POINT,
    Floats,
    Ints,
    confidences,
    predict_classes,
)

_ROUNDING = 1e-9
Curve = Callable[[NDArray[np.bool_], Floats], float]


def compute_points(target: Ints, probs: Floats) -> dict[str, float]:
    """Every figure by the name it has in ``metrics.METRICS``."""
    chosen, classes = predict_classes(probs), probs.shape[1]
    average = "binary" if classes == 2 else "macro"
    known = list(range(classes))
    found = sklearn.recall_score(target, chosen, labels=known, average=None, zero_division=np.nan)
    return {
        "accuracy": float(sklearn.accuracy_score(target, chosen)),
        "balanced_accuracy": float(np.nanmean(found)),
        "roc_auc": _one_versus_rest(target, probs, _roc_auc),
        "pr_auc": _one_versus_rest(target, probs, _pr_auc),
        "f1": float(
            sklearn.f1_score(
                target,
                chosen,
                labels=None if classes == 2 else known,
                average=average,
                zero_division=0.0,
            )
        ),
        "sensitivity_at_90_specificity": _one_versus_rest(target, probs, _sensitivity),
        "specificity_at_90_sensitivity": _one_versus_rest(target, probs, _specificity),
        "log_loss": float(sklearn.log_loss(target, probs, labels=known)),
        "brier": _brier(target, probs),
        "ece": _ece(target, probs),
    }


def compute_recalls(target: Ints, probs: Floats) -> Floats:
    """(classes,) share found of each class; NaN for one that is not there."""
    found: Floats = sklearn.recall_score(
        target,
        predict_classes(probs),
        labels=list(range(probs.shape[1])),
        average=None,
        zero_division=np.nan,
    )
    return found


def _one_versus_rest(target: Ints, probs: Floats, curve: Curve) -> float:
    shown = range(1, 2) if probs.shape[1] == 2 else range(probs.shape[1])
    values = np.array([curve(target == c, probs[:, c]) for c in shown])
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else np.nan


def _both(positive: NDArray[np.bool_]) -> bool:
    return bool(positive.any() and not positive.all())


def _roc_auc(positive: NDArray[np.bool_], score: Floats) -> float:
    return float(sklearn.roc_auc_score(positive, score)) if _both(positive) else np.nan


def _pr_auc(positive: NDArray[np.bool_], score: Floats) -> float:
    return float(sklearn.average_precision_score(positive, score)) if positive.any() else np.nan


def _sensitivity(positive: NDArray[np.bool_], score: Floats) -> float:
    if not _both(positive):
        return np.nan
    fpr, tpr, _ = sklearn.roc_curve(positive, score, drop_intermediate=False)
    return float(tpr[fpr <= 1 - OPERATING_POINT + _ROUNDING].max())


def _specificity(positive: NDArray[np.bool_], score: Floats) -> float:
    if not _both(positive):
        return np.nan
    fpr, tpr, _ = sklearn.roc_curve(positive, score, drop_intermediate=False)
    return float(1 - fpr[tpr >= OPERATING_POINT - _ROUNDING].min())


def _brier(target: Ints, probs: Floats) -> float:
    if probs.shape[1] == 2:
        return float(sklearn.brier_score_loss(target, probs[:, 1], labels=[0, 1], pos_label=1))
    known = list(range(probs.shape[1]))
    return float(sklearn.brier_score_loss(target, probs, labels=known))


def _ece(target: Ints, probs: Floats) -> float:
    curve = reliability(target, probs)
    counts = np.array(curve["n"], np.float64)
    gaps = np.abs(np.array(curve["observed"]) - np.array(curve["predicted"]))
    return float((counts * gaps).sum() / counts.sum())


def reliability(target: Ints, probs: Floats) -> dict[str, list[float]]:
    """Per bin that holds any: {predicted: mean confidence, observed: share that came true, n}."""
    confidence, right = confidences(target, probs)
    observed, predicted = calibration_curve(right, confidence, n_bins=BINS, strategy="uniform")
    edges = np.linspace(0.0, 1.0, BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=BINS)
    return {
        "predicted": predicted.tolist(),
        "observed": observed.tolist(),
        "n": counts[counts > 0].tolist(),
    }
