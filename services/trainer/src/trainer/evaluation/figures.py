"""The figures of a test split with their intervals: of one model, or the means over folds."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from trainer.evaluation.bootstrap import DRAWS, central_bounds, patient_draws
from trainer.evaluation.calibration import error_bounds
from trainer.evaluation.estimates import estimate
from trainer.evaluation.metrics import (
    BINS,
    METRICS,
    Floats,
    Ints,
    calibration_gaps,
    recalls,
)
from trainer.evaluation.points import compute_points, compute_recalls
from trainer.evaluation.predictions import Predictions


def summarise(
    target: Ints,
    probs: Floats,
    patients: Ints,
    classes: tuple[str, ...],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """{n, patients, <metric>: {value, low, high}, recall: {<class>: {...}}}."""
    one = Predictions(target, probs, patients, classes)
    return summarise_folds([one], apart=False, draws=draws, seed=seed)


def summarise_folds(
    folds: Sequence[Predictions], *, apart: bool, draws: int = DRAWS, seed: int = 0
) -> dict[str, Any]:
    """The same of several models: means over ``folds``, in each draw as in the figures themselves.

    ``apart``: each fold tested patients of its own, who are drawn among themselves; else a draw
    takes the same patients for every fold, so that more models of one test set are no more
    patients. A draw in which a figure is not defined in every fold has none.
    """
    drawn = draw_folds(folds, apart=apart, draws=draws, seed=seed)
    points = np.stack([_points(fold) for fold in folds])
    patients = len(np.unique(np.concatenate([fold.patients for fold in folds])))
    strata = len(folds) if apart else 1
    low, high = central_bounds(drawn[:, :, :-BINS].mean(axis=1), patients, strata)
    gaps, drawn_gaps = points[:, -BINS:] / len(folds), drawn[:, :, -BINS:] / len(folds)
    place = list(METRICS).index("ece")
    low[place], high[place] = error_bounds(
        gaps.reshape(-1), drawn_gaps.reshape(len(drawn), -1), patients, strata
    )
    named = [*METRICS, *folds[0].classes]
    values = points[:, :-BINS].mean(axis=0)
    found = [estimate(values[i], low[i], high[i]) for i in range(len(named))]
    counts = [len(fold.target) for fold in folds]
    first = len(METRICS)
    return {
        "n": sum(counts) if apart else max(counts),
        "patients": patients,
        **dict(zip(named[:first], found[:first], strict=True)),
        "recall": dict(zip(named[first:], found[first:], strict=True)),
    }


def draw_folds(
    folds: Sequence[Predictions], *, apart: bool, draws: int = DRAWS, seed: int = 0
) -> Floats:
    """(draws, folds, figures) of each draw of patients; the last BINS are the calibration gaps."""
    if apart:
        each = [
            patient_draws(partial(_weigh, fold=fold), fold.patients, draws, n)
            for n, fold in enumerate(folds, seed)
        ]
        return np.stack(each, axis=1)
    ends = np.cumsum([len(fold.target) for fold in folds])[:-1]

    def together(weights: Floats) -> Floats:
        parts = zip(np.split(weights, ends, axis=1), folds, strict=True)
        return np.stack([_weigh(part, fold) for part, fold in parts], axis=1)

    return patient_draws(together, np.concatenate([f.patients for f in folds]), draws, seed)


def _weigh(weights: Floats, fold: Predictions) -> Floats:
    """(draws, metrics, classes and bins): one pass over the draws for all of them."""
    case = weights, fold.target, fold.probs
    figures = np.stack([metric(*case) for metric in METRICS.values()], axis=1)
    return np.concatenate([figures, recalls(*case), calibration_gaps(*case)], axis=1)


def _points(fold: Predictions) -> Floats:
    """(metrics, classes and bins,) of the images as they are."""
    points = compute_points(fold.target, fold.probs)
    shares = compute_recalls(fold.target, fold.probs)
    gaps = calibration_gaps(np.ones((1, len(fold.target))), fold.target, fold.probs)[0]
    return np.concatenate([[points[name] for name in METRICS], shares, gaps])
