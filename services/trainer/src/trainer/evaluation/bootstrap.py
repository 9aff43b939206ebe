"""Confidence intervals by resampling patients: two images of one patient are no two facts."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import Floats

DRAWS = 2000
LEVEL = 0.95
_z = 1.959964  # normal deviate of LEVEL
# Cells of a weight matrix held at once, few enough for the processor's cache; more samples mean
# fewer draws at a time, not more memory.
CELLS = 250_000


def draw_weights(
    patients: NDArray[np.int64], draws: int = DRAWS, seed: int = 0
) -> Iterator[Floats]:
    """Weight matrices (some draws, n) that add up to ``draws`` rows.

    Each draw takes as many patients as there are, with replacement; a sample weighs as often as its
    patient was drawn.
    """
    _, member = np.unique(patients, return_inverse=True)
    count = int(member.max()) + 1
    generator = np.random.default_rng(seed)
    step = max(1, CELLS // max(len(patients), count))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        drawn = generator.integers(0, count, (size, count))
        drawn += np.arange(size)[:, None] * count
        times = np.bincount(drawn.reshape(-1), minlength=size * count).reshape(size, count)
        yield times.astype(np.float64)[:, member]


def patient_draws(
    metric: Callable[[Floats], Floats],
    patients: NDArray[np.int64],
    draws: int = DRAWS,
    seed: int = 0,
) -> Floats:
    """(draws, ...) what ``metric``, which takes weights (some draws, n), comes to in each draw."""
    return np.concatenate([metric(weights) for weights in draw_weights(patients, draws, seed)])


def patient_intervals(
    metric: Callable[[Floats], Floats],
    patients: NDArray[np.int64],
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """(low, high) of the 95 % of ``metric`` over the draws in which it is defined.

    ``metric`` takes weights (draws, n) and gives (draws,) or (draws, k); so do the bounds, less the
    first axis. NaN where it is defined in no draw.
    """
    drawn = patient_draws(metric, patients, draws, seed)
    return central_bounds(drawn, len(np.unique(patients)))


def central_bounds(values: Floats, patients: int, strata: int = 1) -> tuple[Floats, Floats]:
    """(low, high) along the first axis; NaN among the draws is left out.

    Expanded percentiles (T. C. Hesterberg, The American Statistician 69, 2015): a draw of n spreads
    too little by (n - 1) / n, and few patients have heavier tails than the normal distribution.
    Where patients were drawn within ``strata``, each stratum takes one of n.
    """
    tail = 100 * tail_share(patients, strata)
    columns = values.reshape(len(values), -1)
    bounds = np.full((2, columns.shape[1]), np.nan)
    for place, column in enumerate(columns.T):
        finite = column[np.isfinite(column)]
        if finite.size:
            bounds[:, place] = np.percentile(finite, [tail, 100 - tail])
    low, high = bounds.reshape(2, *values.shape[1:])
    return low, high


def tail_share(patients: int, strata: int = 1) -> float:
    """Share of the draws below the interval: 2.5 % of many patients, less of few."""
    freedom = max(patients - strata, 1)
    # Student's t from the normal deviate (Abramowitz and Stegun, 26.7.5).
    t = _z + (_z**3 + _z) / (4 * freedom) + (5 * _z**5 + 16 * _z**3 + 3 * _z) / (96 * freedom**2)
    return 0.5 * math.erfc(t * math.sqrt(1 + strata / freedom) / math.sqrt(2))
