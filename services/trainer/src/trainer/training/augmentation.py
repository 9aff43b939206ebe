"""Pictures varied for training: the CBIS-DDSM report's two ways, and a stronger one.

The report's are affine maps of whole batches, not torchvision's transforms v2: those zoom both
axes alike and fill what comes in at an edge with a constant, where the report zooms each axis and
has the nearest pixel, or a reflection. The stronger one is of transforms v2. All chance is drawn
from a seed of the epoch, never from where torch's own generator stands, so that a job which goes
on after an epoch sees the pictures it would have seen.
"""

from collections.abc import Callable, Mapping
from functools import cache
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


def vary_strongly(stacks: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """(b, n, size, size) each stack of n pictures in a way of its own, its pictures alike."""
    found, transforms = np.empty_like(stacks), _strong_transforms()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(int(generator.integers(2**63)))
        for i, stack in enumerate(stacks):
            found[i] = transforms(torch.from_numpy(stack[:, None]))[:, 0].numpy()
    return found


@cache
def _strong_transforms() -> Callable[[torch.Tensor], torch.Tensor]:
    """No mirror: the side of the chest wall tells a mammogram's laterality."""
    from trainer.training.torch_compat import import_transforms  # seconds of imports

    v2 = import_transforms()
    found: Callable[[torch.Tensor], torch.Tensor] = v2.Compose(
        [
            v2.RandomAffine(
                10,
                translate=(0.05, 0.05),
                scale=(0.9, 1.1),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.RandomVerticalFlip(),
            v2.ColorJitter(brightness=0.15, contrast=0.2),
            v2.RandomApply([v2.GaussianBlur(5, (0.1, 1.5))], p=0.2),
        ]
    )
    return found


def _matrices(*elements: NDArray[np.float64]) -> NDArray[np.float64]:
    """(count, 2, 2) from the four elements row by row."""
    return np.stack(elements, axis=1).reshape(-1, 2, 2)
