"""Two classifiers on the same images: is the difference of their ROC-AUC more than chance?

Two answers, both by patient: a bootstrap that draws the same patients for both, and DeLong's test
with the variance for clustered data (N. A. Obuchowski, Biometrics 53, 1997), which is DeLong's own
(Biometrics 44, 1988) where each patient has one image.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.bootstrap import DRAWS, central_bounds, patient_draws
from trainer.evaluation.metrics import Floats, Ints, binary_roc_auc, roc_auc


@dataclass(frozen=True)
class Paired:
    """ROC-AUC of the second less that of the first, with its 95 % interval and p-values."""

    difference: float
    low: float
    high: float
    bootstrap_p: float
    delong_p: float | None


def compare_paired(
    target: Ints, first: Floats, second: Floats, patients: Ints, draws: int = DRAWS, seed: int = 0
) -> Paired:
    """Compare two (n, classes) tables of probabilities for one ``target`` (n,).

    More than two classes: one against the rest, averaged, and no DeLong.
    """

    def weigh(weights: Floats) -> Floats:
        return roc_auc(weights, target, second) - roc_auc(weights, target, first)

    drawn = patient_draws(weigh, patients, draws, seed)
    low, high = central_bounds(drawn, len(np.unique(patients)))
    p_value = None
    if first.shape[1] == 2:
        scores = np.stack([first[:, 1], second[:, 1]])
        p_value = delong(target == 1, scores, patients)[1]
    difference = float(weigh(np.ones((1, len(target))))[0])
    return Paired(difference, float(low), float(high), _two_sided(drawn), p_value)


def _two_sided(drawn: Floats) -> float:
    """Twice the share of draws on the other side of nought; never nought itself.

    Of the draws as they are: the interval beside it is expanded for few patients, so that it may
    hold nought where this is a little below 5 %.
    """
    finite = drawn[np.isfinite(drawn)]
    rarer = min(int((finite <= 0).sum()), int((finite >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(finite) + 1))


def delong(
    positive: NDArray[np.bool_], scores: Floats, patients: Ints
) -> tuple[NDArray[np.float64], float]:
    """((2, 2) covariance of both ROC-AUC, p-value of their difference) of ``scores`` (2, n)."""
    areas, parts = _components(positive, scores)
    covariance = _clustered(areas, parts, positive, patients)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return covariance, 1.0 if areas[0] == areas[1] else 0.0
    z = abs(areas[1] - areas[0]) / math.sqrt(variance)
    return covariance, math.erfc(z / math.sqrt(2))


def _components(positive: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """((2,) areas, (2, n) share of the other class that each image stands right of)."""
    parts = np.empty(scores.shape)
    ones = np.ones((1, len(positive)))
    for row, score in enumerate(scores):
        for own in (True, False):
            others = np.sort(score[positive != own])
            mine = score[positive == own]
            below = np.searchsorted(others, mine, "left")
            level = np.searchsorted(others, mine, "right") - below
            won = below + 0.5 * level if own else len(others) - below - 0.5 * level
            parts[row, positive == own] = won / len(others)
    areas = np.array([binary_roc_auc(ones, positive, score)[0] for score in scores])
    return areas, parts


def _clustered(
    areas: Floats, parts: Floats, positive: NDArray[np.bool_], patients: Ints
) -> NDArray[np.float64]:
    """(2, 2) covariance of the areas from sums of components by patient."""
    _, member = np.unique(patients, return_inverse=True)
    count = int(member.max()) + 1
    kinds = [_sums(areas, parts, own, member, count) for own in (positive, ~positive)]
    hits, misses = kinds
    total = np.zeros((2, 2))
    for mine in kinds:
        clusters = int((np.bincount(member, mine.chosen, count) > 0).sum())
        scale = clusters / (max(clusters - 1, 1) * mine.images**2)
        total += scale * (mine.sums @ mine.sums.T)
    both = count / (max(count - 1, 1) * hits.images * misses.images)
    across = both * (hits.sums @ misses.sums.T)
    covariance: NDArray[np.float64] = total + across + across.T
    return covariance


@dataclass(frozen=True)
class _Kind:
    chosen: Floats
    images: int
    sums: Floats
    """(2, patients) components less the area, added up by patient."""


def _sums(
    areas: Floats, parts: Floats, chosen: NDArray[np.bool_], member: Ints, count: int
) -> _Kind:
    centred = (parts - areas[:, None]) * chosen
    sums: Floats = np.stack([np.bincount(member, row, count).astype(np.float64) for row in centred])
    return _Kind(chosen.astype(np.float64), int(chosen.sum()), sums)
