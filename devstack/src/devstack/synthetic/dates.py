"""Dates as the tables print them: every date of a patient moved by one shift."""

from functools import cache

import numpy as np

from devstack.synthetic.arrays import Ints
from devstack.synthetic.chunks import Chunk
from devstack.synthetic.vocabulary import Cells

_EPOCH = np.datetime64("2013-01-01")
_FIRST, _LAST = -400, 4000


@cache
def _calendar() -> Cells:
    days = _EPOCH + np.arange(_FIRST, _LAST)
    return np.array(np.datetime_as_string(days, unit="D").tolist(), dtype=object)


def date_cells(day: Ints) -> Cells:
    """`YYYY-MM-DD` of shifted days."""
    return np.asarray(_calendar()[np.asarray(day) - _FIRST])


def exam_dates(chunk: Chunk) -> tuple[Ints, Ints]:
    """Shifted days of acquisition and of the signed report, per exam."""
    acquired = chunk.exams.day + chunk.patients.shift[chunk.exams.patient]
    return acquired, acquired + chunk.facts.delay
