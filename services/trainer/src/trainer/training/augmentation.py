"""The CBIS-DDSM report's two augmentations: affine maps of whole batches, drawn from a seed.

Not torchvision's transforms v2: those fill what comes in at an edge with a constant, where the
report has the nearest pixel, or a reflection. Maps are drawn apart from torch's own generator, so
that a job which goes on after an epoch sees the pictures it would have seen.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Thetas = NDArray[np.float32]


class Ranges(NamedTuple):
    """How far a picture is moved; what comes in at the edges is by `fill`."""

    degrees: float
    right_angles: bool
    flip: bool
    fill: str
    shift: float = 0.2
    zoom: float = 0.2
    shear_degrees: float = 0.2  # Keras takes its 0.2 as degrees: next to nothing, as published


RANGES: Mapping[str, Ranges] = {
    "affine": Ranges(40.0, right_angles=False, flip=False, fill="border"),
    "right-angles": Ranges(0.0, right_angles=True, flip=True, fill="reflection"),
}


def draw_variations(count: int, kind: str, generator: np.random.Generator) -> Thetas:
    """(count, 2, 3) maps from places in the result to places in the picture, both from -1 to 1."""
    ranges = RANGES[kind]
    angles = np.deg2rad(generator.uniform(-ranges.degrees, ranges.degrees, count))
    if ranges.right_angles:
        angles = generator.integers(0, 4, count) * np.pi / 2
    shears = np.deg2rad(generator.uniform(-ranges.shear_degrees, ranges.shear_degrees, count))
    zooms = generator.uniform(1 - ranges.zoom, 1 + ranges.zoom, (count, 2))
    flips = np.where(ranges.flip & (generator.random(count) < 0.5), -1.0, 1.0)
    shifts = 2 * generator.uniform(-ranges.shift, ranges.shift, (count, 2))
    turn = _matrices(np.cos(angles), -np.sin(angles), np.sin(angles), np.cos(angles))
    shear = _matrices(np.ones(count), -np.sin(shears), np.zeros(count), np.cos(shears))
    zoom = _matrices(zooms[:, 0], np.zeros(count), np.zeros(count), zooms[:, 1] * flips)
    return np.concatenate([turn @ shear @ zoom, shifts[:, :, None]], axis=2).astype(np.float32)


def vary(pictures: NDArray[np.uint8], thetas: Thetas, kind: str) -> NDArray[np.uint8]:
    """(b, size, size) each under its map, interpolated linearly."""
    grey = torch.from_numpy(pictures)[:, None].float()
    grid = functional.affine_grid(torch.from_numpy(thetas), list(grey.shape), align_corners=False)
    moved = functional.grid_sample(
        grey, grid, mode="bilinear", padding_mode=RANGES[kind].fill, align_corners=False
    )
    found: NDArray[np.uint8] = moved[:, 0].round().clamp(0, 255).byte().numpy()
    return found


def _matrices(*elements: NDArray[np.float64]) -> NDArray[np.float64]:
    """(count, 2, 2) from the four elements row by row."""
    return np.stack(elements, axis=1).reshape(-1, 2, 2)
