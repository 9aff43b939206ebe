"""ROIs drawn over a picture, their colour and label by match level (EMBED README, ROI)."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.rendering.request import Outline

Values = NDArray[Any]
Box = tuple[int, int, int, int]

# 1: drawn on this very image; 2: carried over from its 2D or C-View twin, less sure of its place.
COLOURS = {1: (255, 200, 0), 2: (0, 200, 255), None: (255, 255, 255)}
EDGE_PER_LINE = 500


def draw_outlines(
    values: Values, outlines: Sequence[Outline], part: Box, columns: int, *, mirrored: bool
) -> Values:
    """``values``, uint8, as RGB with boxes.

    The picture shows ``part`` (left, top, right, bottom) of an image that is ``columns`` wide;
    ``mirrored``: the chest wall is on its right, other than the boxes have it.
    """
    picture = values.copy() if values.ndim == 3 else cv2.cvtColor(values, cv2.COLOR_GRAY2RGB)
    height, width = picture.shape[:2]
    scale = np.array([width / (part[2] - part[0]), height / (part[3] - part[1])])
    line = max(1, round(max(height, width) / EDGE_PER_LINE))
    for outline in outlines:
        left, right = outline.xmin, outline.xmax
        if mirrored:
            left, right = columns - right, columns - left
        start, end = (
            np.rint((np.array(corner) - part[:2]) * scale).astype(int).tolist()
            for corner in ((left, outline.ymin), (right, outline.ymax))
        )
        colour = COLOURS.get(outline.match_level, COLOURS[None])
        cv2.rectangle(picture, start, end, colour, line)
        place = (start[0], max(start[1] - 2 * line, 10 * line))
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, _label(outline), place, font, 0.4 * line, colour, line, cv2.LINE_AA)
    return picture


def _label(outline: Outline) -> str:
    level = "" if outline.match_level is None else f", match {outline.match_level}"
    return f"ROI {outline.n}{level}"
