"""Stored values to grey levels, by one table that holds modality LUT, VOI LUT and inversion.

Stored values have at most 16 bits, so the whole transformation is a table of at most 65536
entries, computed exactly and applied in 5 ms to 13.6 million pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.dicom.attributes import ImageAttributes
from imagery.rendering.luts import Real
from imagery.rendering.modality import Modality, apply_modality_lut
from imagery.rendering.voi import FullRange, Voi, apply_voi_lut

Values = NDArray[Any]

LINEAR_WITHIN = 0.5


@dataclass(frozen=True, eq=False)
class GreyTable:
    """``grey[code]`` (0 black to 1 white) of each stored code, a signed value's as unsigned."""

    grey: Real
    depth: Literal[8, 16]

    def apply(self, stored: Values) -> Values:
        """Stored values as uint8 or uint16 grey levels, the same shape."""
        levels = np.rint(self.grey * ((1 << self.depth) - 1)).astype(f"u{self.depth // 8}")
        codes = np.ascontiguousarray(stored).view(f"u{stored.dtype.itemsize}")
        return cv2.LUT(codes, levels)

    def is_straight(self, low: int, high: int) -> bool:
        """Whether the table is a straight line from ``low`` to ``high``, to half a grey level.

        Then averaging pixels before or after it is the same. A grey level is one of 256.
        """
        if high <= low:
            return True
        part = self.grey[np.arange(low, high + 1) % len(self.grey)]
        line = np.linspace(part[0], part[-1], len(part))
        return bool(np.abs(part - line).max() * 255 <= LINEAR_WITHIN)


def stored_range(stored: Values, padding: tuple[int, int] | None) -> tuple[int, int, bool]:
    """(least, greatest, padded): the range of values that are not padding, and whether some are."""
    low, high, *_ = cv2.minMaxLoc(stored)
    if padding is None or padding[1] < low or padding[0] > high:
        return int(low), int(high), False
    mask = cv2.bitwise_not(cv2.inRange(stored, *padding))
    if not mask.any():
        return int(low), int(high), True
    unpadded_low, unpadded_high, *_ = cv2.minMaxLoc(stored, mask)
    return int(unpadded_low), int(unpadded_high), bool(not mask.all())


def full_range(modality: Modality, low: int, high: int) -> FullRange:
    """Black and white at the ends of what stored values ``low`` to ``high`` mean."""
    ends = apply_modality_lut(np.arange(low, high + 1, dtype=np.float64), modality)
    return FullRange(float(ends.min()), float(ends.max()))


def grey_table(
    image: ImageAttributes, modality: Modality, voi: Voi, *, invert: bool, depth: Literal[8, 16]
) -> GreyTable:
    """The table for ``image``; padding is black whatever else is asked for (PS3.3 C.7.5.1.1.2)."""
    stored = _codes(image.bits_allocated, signed=image.signed)
    grey = apply_voi_lut(apply_modality_lut(stored, modality), voi)
    if image.inverted != invert:
        grey = 1 - grey
    if image.padding is not None:
        low, high = image.padding
        grey = np.where((stored >= low) & (stored <= high), 0.0, grey)
    return GreyTable(grey, depth)


def _codes(bits: int, *, signed: bool) -> Real:
    """The stored value of each code."""
    codes = np.arange(1 << bits)
    view: Callable[..., Values] = codes.astype(f"u{bits // 8}").view
    return (view(f"i{bits // 8}") if signed else codes).astype(np.float64)
