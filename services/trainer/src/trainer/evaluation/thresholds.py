"""Thresholds that validation chose, and what each comes to on a test split that had no say."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import roc_curve

from trainer.evaluation.bootstrap import DRAWS, patient_intervals
from trainer.evaluation.estimates import estimate
from trainer.evaluation.metrics import OPERATING_POINT, Floats, Ints, recalls

_ROUNDING = 1e-9


def evaluate_thresholds(
    validation: tuple[Ints, Floats],
    test: tuple[Ints, Floats, Ints],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """[{rule, threshold, validation_<rate>, <rate>: {value, low, high}}] of either rate.

    ``validation`` is (target (n,), probability (n,) of the second of two classes), both classes
    there; ``test`` the same and patients (m,). The rates are sensitivity and specificity; the
    intervals take the threshold as given.
    """
    target, score, patients = test
    found = []
    for rule, threshold in choose_thresholds(*validation).items():
        low, high = patient_intervals(
            partial(_rates, target=target, said=score >= threshold), patients, draws, seed
        )
        values = _rates(np.ones((1, len(target))), target, score >= threshold)[0]
        chosen = _rates(np.ones((1, len(validation[0]))), validation[0], validation[1] >= threshold)
        row: dict[str, Any] = {"rule": rule, "threshold": threshold}
        for place, name in enumerate(("specificity", "sensitivity")):
            row[f"validation_{name}"] = float(chosen[0, place])
            row[name] = estimate(values[place], low[place], high[place])
        found.append(row)
    return found


def choose_thresholds(target: Ints, score: Floats) -> dict[str, float]:
    """{rule: the score from which an image is called the second class}.

    A rule is left out where no score keeps to it. Of thresholds that are equally good the one with
    more of the other rate is taken.
    """
    fpr, sensitivity, scores = (v[1:] for v in roc_curve(target, score, drop_intermediate=False))
    specificity = 1 - fpr
    rules = {
        "balanced_accuracy": (sensitivity + specificity, specificity, np.ones(len(fpr), bool)),
        "specificity_90": (sensitivity, specificity, specificity >= OPERATING_POINT - _ROUNDING),
        "sensitivity_90": (specificity, sensitivity, sensitivity >= OPERATING_POINT - _ROUNDING),
    }
    chosen = {}
    for rule, (sought, beside, kept) in rules.items():
        if kept.any():
            best = np.lexsort((beside[kept], sought[kept]))[-1]
            chosen[rule] = float(scores[kept][best])
    return chosen


def _rates(weights: Floats, target: Ints, said: np.ndarray) -> Floats:
    """(draws, 2) specificity and sensitivity of what was ``said`` (n,)."""
    return recalls(weights, target, np.stack([~said, said], axis=1).astype(np.float64))
