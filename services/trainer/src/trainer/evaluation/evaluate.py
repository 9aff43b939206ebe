"""Everything that is said of one set of predictions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.bootstrap import DRAWS, patient_intervals
from trainer.evaluation.metrics import (
    METRICS,
    Floats,
    Ints,
    confusion,
    recalls,
    roc_points,
)

FEW_PATIENTS = 50
ROC_POINTS = 400


def evaluate_predictions(
    target: Ints,
    probs: Floats,
    patients: NDArray[np.int64],
    classes: tuple[str, ...],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """{test: {n, patients, <metric>: {value, low, high}}, confusion_matrix, roc, warnings}.

    ``target`` (n,), ``probs`` (n, classes), ``patients`` (n,): intervals are 95 % patient-cluster
    bootstrap. For two classes the second is the positive one.
    """
    people = len(np.unique(patients))
    summary: dict[str, Any] = {"n": len(target), "patients": people}
    for name, metric in METRICS.items():
        weigh = partial(_bound, metric, target, probs)
        low, high = patient_intervals(weigh, patients, draws, seed)
        summary[name] = _estimate(weigh(np.ones((1, len(target))))[0], low, high)
    summary["recall"] = _per_class(target, probs, patients, classes, draws, seed)
    counts = confusion(np.ones((1, len(target))), target, probs)[0].astype(int)
    few = f"{people} patients in the test split: intervals of so few are unreliable"
    return {
        "test": summary,
        "confusion_matrix": {"labels": list(classes), "counts": counts.tolist()},
        "roc": _curves(target, probs, classes),
        "warnings": [few] if people < FEW_PATIENTS else [],
    }


def _bound(
    metric: Callable[[Floats, Ints, Floats], Floats], target: Ints, probs: Floats, weights: Floats
) -> Floats:
    return metric(weights, target, probs)


def _estimate(value: float, low: Any, high: Any) -> dict[str, float | None]:
    named = {"value": value, "low": low, "high": high}
    return {name: float(v) if np.isfinite(v) else None for name, v in named.items()}


def _per_class(
    target: Ints,
    probs: Floats,
    patients: NDArray[np.int64],
    classes: tuple[str, ...],
    draws: int,
    seed: int,
) -> dict[str, dict[str, float | None]]:
    weigh = partial(_bound, recalls, target, probs)
    low, high = patient_intervals(weigh, patients, draws, seed)
    values = weigh(np.ones((1, len(target))))[0]
    return {name: _estimate(values[i], low[i], high[i]) for i, name in enumerate(classes)}


def _curves(target: Ints, probs: Floats, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """One curve for two classes (of the second), else one against the rest for each."""
    shown = range(1, 2) if len(classes) == 2 else range(len(classes))
    curves = []
    for place in shown:
        fpr, tpr = roc_points(target == place, probs[:, place])
        kept = _thinned(len(fpr))
        points = {"fpr": np.round(fpr[kept], 5).tolist(), "tpr": np.round(tpr[kept], 5).tolist()}
        curves.append({"name": classes[place], **points})
    return curves


def _thinned(count: int) -> NDArray[np.int64]:
    """At most ROC_POINTS places, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, ROC_POINTS)).round().astype(np.int64))
