"""Confidence intervals by resampling patients: two images of one patient are no two facts."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import Floats

DRAWS = 2000
LEVEL = 0.95
# Cells of a weight matrix held at once; more samples mean fewer draws at a time, not more memory.
CELLS = 4_000_000


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
        times = generator.multinomial(count, np.full(count, 1 / count), size=size)
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
    """(low, high) of the central 95 % of ``metric`` over the draws in which it is defined.

    ``metric`` takes weights (draws, n) and gives (draws,) or (draws, k); so do the bounds, less the
    first axis. NaN where it is defined in no draw.
    """
    return central_bounds(patient_draws(metric, patients, draws, seed))


def central_bounds(values: Floats) -> tuple[Floats, Floats]:
    """(low, high) of the central 95 % along the first axis; NaN among them is left out."""
    tail = 100 * (1 - LEVEL) / 2
    columns = values.reshape(len(values), -1)
    bounds = np.full((2, columns.shape[1]), np.nan)
    for place, column in enumerate(columns.T):
        finite = column[np.isfinite(column)]
        if finite.size:
            bounds[:, place] = np.percentile(finite, [tail, 100 - tail])
    low, high = bounds.reshape(2, *values.shape[1:])
    return low, high
