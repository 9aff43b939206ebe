"""Everything that is said of one set of predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.bootstrap import DRAWS
from trainer.evaluation.figures import summarise
from trainer.evaluation.metrics import Floats, Ints, confusion, pr_points, roc_points
from trainer.evaluation.points import reliability
from trainer.evaluation.predictions import Predictions
from trainer.evaluation.subgroups import FEW_PATIENTS, evaluate_subgroups
from trainer.evaluation.units import RULES, group, severities

CURVE_POINTS = 400


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
    summary = summarise(target, probs, patients, classes, draws=draws, seed=seed)
    counts = confusion(np.ones((1, len(target))), target, probs)[0].astype(int)
    return {
        "test": summary,
        "confusion_matrix": {"labels": list(classes), "counts": counts.tolist()},
        "roc": _curves(target, probs, classes, roc_points, ("fpr", "tpr")),
        "warnings": few_patients(summary["patients"]),
    }


def evaluate_deeply(
    predictions: Predictions, *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Any]:
    """{levels, levels_refused, pr, calibration, subgroups}: what only the report has room for."""
    target, probs, classes = predictions.target, predictions.probs, predictions.classes
    levels, refused = _levels(predictions, draws, seed)
    return {
        "levels": levels,
        "levels_refused": refused,
        "pr": _curves(target, probs, classes, pr_points, ("recall", "precision")),
        "calibration": reliability(target, probs),
        "subgroups": evaluate_subgroups(predictions, draws, seed),
    }


def few_patients(patients: int) -> list[str]:
    """A warning where there are fewer than 50."""
    few = f"{patients} patients were tested on: intervals of so few are unreliable"
    return [few] if patients < FEW_PATIENTS else []


def _levels(
    predictions: Predictions, draws: int, seed: int
) -> tuple[list[dict[str, Any]], str | None]:
    """(figures by breast and by exam under each rule, why there are none)."""
    classes = predictions.classes
    ranks = severities(predictions.label_field, classes)
    if ranks is None:
        return [], "Its classes have no order, so a breast or an exam has no worst label."
    if predictions.unit == "exam":
        return [], "The scores are by exam already: they do not tell its breasts apart."
    levels = []
    for name, units in (("breast", predictions.breasts), ("exam", predictions.exams)):
        if units is None:
            return [], "It is not known which images are of one breast or exam."
        for rule in RULES:
            found = group(predictions, units, ranks, rule)
            test = summarise(
                found.target, found.probs, found.patients, classes, draws=draws, seed=seed
            )
            levels.append({"level": name, "rule": rule, "test": test})
    return levels, None


def _curves(
    target: Ints, probs: Floats, classes: tuple[str, ...], points: Any, names: tuple[str, str]
) -> list[dict[str, Any]]:
    """One curve for two classes (of the second), else one against the rest for each."""
    shown = range(1, 2) if len(classes) == 2 else range(len(classes))
    curves = []
    for place in shown:
        along, up = points(target == place, probs[:, place])
        kept = _thinned(len(along))
        values = (np.round(axis[kept], 5).tolist() for axis in (along, up))
        curves.append({"name": classes[place], **dict(zip(names, values, strict=True))})
    return curves


def _thinned(count: int) -> NDArray[np.int64]:
    """At most CURVE_POINTS places, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, CURVE_POINTS)).round().astype(np.int64))
