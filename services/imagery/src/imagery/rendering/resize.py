"""Scaling by area average down and linear interpolation up."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]


def resize(values: Values, height: int, width: int) -> Values:
    """``values`` (rows, columns, ...) at (height, width)."""
    rows, columns = values.shape[:2]
    if (rows, columns) == (height, width):
        return values
    if height > rows or width > columns:
        return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    step = _exact_step(rows, columns, height, width)
    if step > 1:
        # A whole step is four times quicker than a fraction on millions of pixels.
        whole = (columns // step, rows // step)
        values = cv2.resize(values, whole, interpolation=cv2.INTER_AREA)
    if values.shape[:2] == (height, width):
        return values
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)


def sampled(values: Values, edge: int) -> Values:
    """Every n-th pixel, so that about ``edge`` remain along the longer side. No copy."""
    step = max(1, max(values.shape[:2]) // edge)
    return values[::step, ::step]


def flipped(values: Values) -> Values:
    """Left and right exchanged."""
    return np.ascontiguousarray(values[:, ::-1])


def _exact_step(rows: int, columns: int, height: int, width: int) -> int:
    """The largest whole step that divides both sides and leaves at least the wanted size."""
    most = min(rows // height, columns // width)
    return next((n for n in range(most, 1, -1) if rows % n == 0 and columns % n == 0), 1)
