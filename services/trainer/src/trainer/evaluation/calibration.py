"""The interval of a calibration error, which is biased: chance opens gaps in every bin.

A network that is perfectly calibrated has an error above nought in any sample, and draws of that
sample have twice as much chance in them: their percentiles lie above the truth.
"""

from bisect import bisect_left

import numpy as np

from trainer.evaluation.bootstrap import tail_share
from trainer.evaluation.metrics import Floats

STEPS = 1000


def error_bounds(
    gaps: Floats, drawn: Floats, patients: int, strata: int = 1
) -> tuple[float, float]:
    """(low, high) of the 95 % of the sum of absolute ``gaps`` (bins,), ``drawn`` (draws, bins).

    Low is the least error that may well have come to as much: the gaps shrunk as far as they still
    reach, with the chance that the draws show, what was found in 2.5 % of the draws; nought where
    chance alone does. High is the percentile of the draws, whose bias errs to the safe side. The
    point always lies between them.
    """
    found, chance, tail = float(np.abs(gaps).sum()), drawn - gaps, tail_share(patients, strata)
    high = float(np.quantile(np.abs(drawn).sum(axis=1), 1 - tail))

    def reached(step: int) -> float:
        shrunk = step / STEPS * gaps
        return float(np.quantile(np.abs(shrunk + chance).sum(axis=1), 1 - tail))

    low = bisect_left(range(STEPS), found, key=reached) / STEPS * found
    return low, max(high, found)
