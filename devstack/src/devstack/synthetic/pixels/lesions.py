"""Lesions on the coarse grid: masses by shape and margin, asymmetries, architectural
distortions."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from devstack.synthetic.pixels.breast import Grid
from devstack.synthetic.pixels.noise import Image
from devstack.synthetic.pixels.specs import LesionSpec

_SOFTNESS = {"D": 0.07, "M": 0.09, "U": 0.30, "I": 0.32, "S": 0.16, "": 0.16}
_MALIGNANT = 0.8
_CONTRAST_BY_DENSITY = {"+": 1.2, "=": 1.0, "-": 0.7, "0": 0.6, "": 1.0}


@dataclass(frozen=True)
class Placed:
    """A lesion at its place in one view: centre and radius in millimetres, with a generator of
    its own."""

    spec: LesionSpec
    y: float
    x: float
    radius: float
    seed: int

    def generator(self) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(self.seed))


def add_lesion(light: Image, grid: Grid, lesion: Placed) -> Image:
    """The brightness with one lesion in it."""
    rng = lesion.generator()
    spec = lesion.spec
    if spec.kind == "distortion":
        light = _distort(light, grid, lesion, rng)
    if spec.kind == "asymmetry":
        return light + _asymmetry(light, grid, lesion, rng)
    if spec.kind == "mass" or spec.severity > _MALIGNANT:
        # A cancer that was found by its calcifications or its distortion has a body too.
        return light + _mass(grid, lesion, rng)
    if spec.kind == "calcification":
        # Suspicious calcifications sit in tissue that is denser than its surroundings.
        halo = max(0.0, spec.severity - 0.25)
        return light + _blob(grid, lesion, 1.0, 0.5) * np.float32(0.42 * halo)
    return light


def contrast(spec: LesionSpec) -> float:
    """Brightness at the centre of a mass: faint when benign, near white when malignant."""
    by_severity = 0.075 + 0.58 * math.pow(spec.severity, 1.4)
    return by_severity * _CONTRAST_BY_DENSITY.get(spec.density, 1.0)


def _polar(grid: Grid, lesion: Placed) -> tuple[Image, Image]:
    dy, dx = grid.y - lesion.y, grid.x - lesion.x
    return np.hypot(dy, dx), np.arctan2(dy, dx)


def _blob(grid: Grid, lesion: Placed, size: float, softness: float) -> Image:
    distance, _ = _polar(grid, lesion)
    steep = np.clip((distance / (size * lesion.radius) - 1) / softness, -30, 30)
    return np.asarray(1 / (1 + np.exp(steep)), np.float32)


def _contour(angle: Image, spec: LesionSpec, rng: np.random.Generator) -> Image:
    """Radius of the outline by angle, 1 on average: round, oval, lobulated or irregular."""
    outline = np.ones_like(angle)
    tilt = rng.uniform(0, np.pi)
    if spec.shape in {"O", "N", "Y", "G"}:
        flat = rng.uniform(1.2, 1.5)
        outline /= np.sqrt(
            (np.cos(angle - tilt) / flat**0.5) ** 2 + (np.sin(angle - tilt) * flat**0.5) ** 2
        )
    irregular = 0.035 + (0.13 if spec.shape == "X" else 0.0) + (0.05 if spec.margin == "M" else 0.0)
    first = 7 if spec.margin == "M" else 2
    for order in range(first, first + 6):
        outline += (
            irregular
            * rng.standard_normal()
            / np.sqrt(order - first + 1)
            * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
        )
    return np.maximum(outline, 0.35)


def _mass(grid: Grid, lesion: Placed, rng: np.random.Generator) -> Image:
    spec = lesion.spec
    distance, angle = _polar(grid, lesion)
    edge = _contour(angle, spec, rng)
    softness = _SOFTNESS.get(spec.margin, 0.16)
    if spec.margin == "U":
        softness = softness * (0.4 + 0.6 * (1 + np.cos(angle - rng.uniform(0, 2 * np.pi))))
    body = 1 / (
        1
        + np.exp(
            np.clip((distance / (edge * lesion.radius) - 1) / np.maximum(softness, 0.05), -30, 30)
        )
    )
    # A sphere is thickest in its middle.
    body *= 0.72 + 0.28 * np.sqrt(np.clip(1 - (distance / (1.3 * lesion.radius)) ** 2, 0, 1))
    if spec.shape in {"N", "Y"}:
        body -= 0.5 * np.exp(-((distance / (0.35 * lesion.radius)) ** 2))
    light = contrast(spec) * body
    if spec.margin == "S" or (spec.severity > _MALIGNANT and spec.margin != "D"):
        light += _spicules(grid, lesion, rng) * contrast(spec)
    return np.asarray(light, np.float32)


def _spicules(grid: Grid, lesion: Placed, rng: np.random.Generator) -> Image:
    """Thin lines of unequal length that radiate from a lesion and fade out, 0 to about 0.5."""
    canvas = np.zeros(grid.y.shape, np.float32)
    y0, x0 = float(grid.y[0, 0]), float(grid.x[0, 0])
    count = int(rng.integers(18, 30))
    for angle in rng.uniform(0, 2 * np.pi, count):
        length = lesion.radius * rng.uniform(1.2, 2.5)
        steps = np.linspace(0.8 * lesion.radius, length, 13)
        turn = (
            angle + rng.normal(0, 0.25) * np.linspace(0, 1, 13) + np.cumsum(rng.normal(0, 0.03, 13))
        )
        x = (lesion.x + steps * np.cos(turn) - x0) / grid.spacing
        y = (lesion.y + steps * np.sin(turn) - y0) / grid.spacing
        points = (np.stack([x, y], axis=1) * 8).astype(np.int32)
        bright = rng.uniform(0.2, 0.55)
        for part in range(3):
            cv2.polylines(
                canvas,
                [points[4 * part : 4 * part + 5]],
                False,
                bright * (1.0, 0.6, 0.28)[part],
                2 - part // 2,
                cv2.LINE_AA,
                3,
            )
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 0.9), np.float32)


def _asymmetry(light: Image, grid: Grid, lesion: Placed, rng: np.random.Generator) -> Image:
    """Tissue without a border of its own: more of what is there, over an area wider than a mass."""
    spec = lesion.spec
    size = 2.4 if spec.shape == "B" else 1.45
    distance, angle = _polar(grid, lesion)
    edge = _contour(angle, LesionSpec(0, 0, "asymmetry", shape="X"), rng)
    area = np.exp(-((distance / (size * edge * lesion.radius)) ** 2))
    texture = np.clip(light / max(float(light.mean()), 0.1), 0.7, 1.6)
    return np.asarray((0.055 + 0.33 * spec.severity**1.2) * area * texture, np.float32)


def _distort(light: Image, grid: Grid, lesion: Placed, rng: np.random.Generator) -> Image:
    """Tissue drawn towards a point, with lines radiating from it and no mass."""
    distance, _ = _polar(grid, lesion)
    reach = 2.6 * lesion.radius
    pull = 0.45 * np.exp(-((distance / reach) ** 2))
    rows, columns = light.shape
    y, x = np.meshgrid(
        np.arange(rows, dtype=np.float32), np.arange(columns, dtype=np.float32), indexing="ij"
    )
    map_y = y + pull * (grid.y - lesion.y) / grid.spacing
    map_x = x + pull * (grid.x - lesion.x) / grid.spacing
    drawn = cv2.remap(
        light,
        np.asarray(map_x, np.float32),
        np.asarray(map_y, np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    strength = 0.10 + 0.34 * lesion.spec.severity
    core = np.exp(-((distance / (0.55 * lesion.radius)) ** 2))
    return np.asarray(drawn + strength * (_spicules(grid, lesion, rng) + 0.7 * core), np.float32)
