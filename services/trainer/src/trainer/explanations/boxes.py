"""Radiologists' boxes in the frame of a training picture."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.pixels import Fit

Boxes = NDArray[np.int64]
"""(k, 4) ymin, xmin, ymax, xmax in pixels; the last two are not part of it."""


def boxes_in_square(
    rois: Sequence[Mapping[str, float]],
    full: tuple[int, int],
    stored: int,
    fit: Fit,
    size: int,
) -> Boxes:
    """ROIs of a film of ``full`` (rows, columns) in the centre ``size`` of its stored square.

    Both are in the frame with the chest wall at the left. Those that lie outside are left out.
    """
    edge = min(full) if fit == "crop" else max(full)
    scale = stored / edge
    height, width = full[0] * scale, full[1] * scale
    top = (height - stored) / 2
    left = (width - stored) / 2 if fit == "crop" else 0.0
    margin = (stored - size) / 2
    found = []
    for roi in rois:
        ends = np.array([[roi["ymin"], roi["xmin"]], [roi["ymax"], roi["xmax"]]]) * scale
        placed = ends - [top + margin, left + margin]
        low = np.clip(np.floor(placed[0]), 0, size)
        high = np.clip(np.ceil(placed[1]), 0, size)
        if (high > low).all():
            found.append([*low, *high])
    return np.array(found, np.int64).reshape(-1, 4)


def inside(boxes: Boxes, size: int) -> NDArray[np.bool_]:
    """(size, size) whether a pixel lies in one of the boxes."""
    mask = np.zeros((size, size), bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


def scattered(boxes: Boxes, size: int, count: int, generator: np.random.Generator) -> list[Boxes]:
    """``count`` times boxes of the same shapes at random places of the picture."""
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    found = []
    for _ in range(count):
        top = generator.integers(0, size - heights + 1)
        left = generator.integers(0, size - widths + 1)
        found.append(np.stack([top, left, top + heights, left + widths], axis=1))
    return found
