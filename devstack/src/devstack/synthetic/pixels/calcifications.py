"""Calcifications, drawn at full size: points, rods and rings, arranged by their distribution."""

import cv2
import numpy as np
from numpy.typing import NDArray

from devstack.synthetic.pixels.lesions import Placed
from devstack.synthetic.pixels.noise import Image

_COUNT = {"G": 14, "C": 12, "S": 34, "L": 16, "R": 26, "D": 44, "": 10}
_RODS = frozenset("FBLV")
_RINGS = frozenset("EJOMS")
_COARSE = frozenset("CDHQ9")
Points = NDArray[np.float64]


def add_calcifications(
    light: Image,
    lesion: Placed,
    spacing: float,
    origin: tuple[float, float],
    nipple: tuple[float, float],
) -> None:
    """Draw a lesion's calcifications into the brightness, in place. Spacing and places in
    millimetres of the view."""
    spec = lesion.spec
    if not spec.calcifications and not spec.distribution:
        return
    rng = lesion.generator()
    code = spec.calcifications[:1]
    count = round(
        _COUNT.get(spec.distribution, 12) * (0.55 + 0.9 * spec.severity) * rng.uniform(0.8, 1.2)
    )
    places = _places(rng, lesion, count, nipple)
    for y, x in places:
        _draw_one(
            light,
            rng,
            code,
            ((y - origin[0]) / spacing, (x - origin[1]) / spacing),
            spacing,
            spec.severity,
        )


def _places(
    rng: np.random.Generator, lesion: Placed, count: int, nipple: tuple[float, float]
) -> Points:
    """Positions (y, x) in millimetres by distribution: cluster, line or segment towards the
    nipple, region, whole breast."""
    centre = np.array([lesion.y, lesion.x])
    inwards = np.array(nipple) - centre
    inwards /= max(float(np.hypot(*inwards)), 1e-6)
    across = np.array([-inwards[1], inwards[0]])
    distribution = lesion.spec.distribution
    along = rng.uniform(-1, 1, (count, 1))
    if distribution == "L":
        offsets = along * inwards * 1.5 + rng.normal(0, 0.10, (count, 1)) * across
    elif distribution == "S":
        width = 0.25 + 0.5 * (1 - along) / 2
        offsets = along * inwards * 2.0 + rng.normal(0, 0.5, (count, 1)) * width * across
    else:
        spread = {"R": 2.2, "D": 5.0, "G": 0.42, "C": 0.34}.get(distribution, 0.42)
        offsets = rng.normal(0, spread, (count, 2))
    return np.asarray(centre + offsets * lesion.radius, np.float64)


def _draw_one(
    light: Image,
    rng: np.random.Generator,
    code: str,
    at: tuple[float, float],
    spacing: float,
    severity: float,
) -> None:
    size = rng.uniform(0.9, 1.9) if code in _COARSE | _RINGS else rng.uniform(0.32, 0.75)
    bright = float(rng.uniform(0.26, 0.44) * (0.8 + 0.4 * severity))
    reach = int(np.ceil((3.2 * size + 0.4) / spacing)) + 2
    top, left = round(at[0]) - reach, round(at[1]) - reach
    if (
        top < 0
        or left < 0
        or top + 2 * reach >= light.shape[0]
        or left + 2 * reach >= light.shape[1]
    ):
        return
    patch = np.zeros((2 * reach, 2 * reach), np.float32)
    centre = (round((at[1] - left) * 8), round((at[0] - top) * 8))
    radius = max(size / 2 / spacing, 0.55)
    if code in _RODS:
        angle = rng.uniform(0, np.pi)
        step = 2.4 * radius * 8
        ends = [
            (
                round(centre[0] + s * step * np.cos(angle)),
                round(centre[1] + s * step * np.sin(angle)),
            )
            for s in (-1, 1)
        ]
        cv2.line(patch, ends[0], ends[1], bright, max(1, round(0.7 * radius)), cv2.LINE_AA, 3)
    elif code in _RINGS:
        cv2.circle(
            patch, centre, round(radius * 8), bright, max(1, round(0.35 * radius)), cv2.LINE_AA, 3
        )
    else:
        cv2.circle(patch, centre, round(radius * 8), bright, -1, cv2.LINE_AA, 3)
    light[top : top + 2 * reach, left : left + 2 * reach] += cv2.GaussianBlur(patch, (0, 0), 0.5)
