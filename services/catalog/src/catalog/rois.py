"""ROI_coords: boxes as text, ``((ymin, xmin, ymax, xmax), ...)`` (Emory's Sample_Notebook).

Later tables nest them once more, ``[[[y, x, y, x]]]``: the numbers are the same. Coordinates stand
in the chest-wall-left frame, pixels of the full-size image.
"""

import re
from typing import NamedTuple

_allowed = re.compile(r"[\s\d.,()\[\]-]*")
_number = re.compile(r"-?\d+(?:\.\d+)?")

MAX_COORDINATE = 65535


class Roi(NamedTuple):
    """A box: rows ``ymin`` to ``ymax``, columns ``xmin`` to ``xmax``."""

    ymin: int
    xmin: int
    ymax: int
    xmax: int


def parse_rois(text: str) -> list[Roi]:
    """The boxes in ``text``; ValueError where it is not a list of boxes, or one has no area."""
    if not _allowed.fullmatch(text):
        raise ValueError("not a list of boxes")
    numbers = [round(float(number)) for number in _number.findall(text)]
    if len(numbers) % 4:
        raise ValueError("a box needs four numbers")
    return [_box(*numbers[i : i + 4]) for i in range(0, len(numbers), 4)]


def _box(y0: int, x0: int, y1: int, x1: int) -> Roi:
    roi = Roi(min(y0, y1), min(x0, x1), max(y0, y1), max(x0, x1))
    if roi.ymin == roi.ymax or roi.xmin == roi.xmax:
        raise ValueError("a box without area")
    if min(roi) < 0 or max(roi) > MAX_COORDINATE:
        raise ValueError("a box outside any image")
    return roi


def needs_mirror(flipped: bool | None, orientation: str | None) -> bool | None:
    """Whether the pixels of the file must be mirrored to stand in the frame of its ROIs.

    ``flipped`` is PNG_flipped, where a table has it; else PatientOrientation tells, whose first
    value is where the rows run to: A has the chest wall left, P right. None where neither does.
    """
    if flipped is not None:
        return flipped
    along_rows = re.search(r"[A-Z]", orientation or "")
    return {"A": False, "P": True}.get(along_rows[0]) if along_rows else None


def mirrored(roi: Roi, columns: int) -> Roi:
    """The same box when the image, ``columns`` pixels wide, is seen from the other side."""
    return Roi(roi.ymin, columns - roi.xmax, roi.ymax, columns - roi.xmin)
