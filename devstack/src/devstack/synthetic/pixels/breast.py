"""The breast itself: outline, skin, fat, glandular tissue, vessels, pectoral muscle, on a coarse
grid in millimetres."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from devstack.synthetic.anatomy import OBLIQUE_VIEWS, PECTORAL_VIEWS, Frame, profile, shape_breast
from devstack.synthetic.hashing import hash_keys
from devstack.synthetic.pixels.noise import Image, sample_texture
from devstack.synthetic.pixels.specs import ImageSpec

COARSE_MM = 0.44
"""Spacing of the coarse grid; everything finer is grain and calcifications, which are drawn at
full size."""
_GLANDULAR_BIAS = {0: -0.2, 1: -1.15, 2: -0.45, 3: 0.2, 4: 0.85, 5: -1.6}
_FAT, _GLAND, _MUSCLE = 0.32, 0.46, 0.70


@dataclass(frozen=True)
class Grid:
    """Coordinates of the coarse grid's pixels in millimetres of the whole view, and the breast
    in it."""

    y: Image
    x: Image
    spacing: float
    depth: float
    nipple_y: float
    above: float
    below: float
    oblique: bool


@dataclass(frozen=True)
class Tissue:
    """`inside` is the distance to the skin (mm, 0 outside), `thickness` 0 to 1, `light` the
    brightness before thickness."""

    inside: Image
    thickness: Image
    light: Image


def lay_grid(spec: ImageSpec, centre: tuple[float, float] | None) -> Grid:
    """The coarse grid of an image; a zoomed view is centred on `centre` (y, x in mm)."""
    oblique = spec.view in OBLIQUE_VIEWS
    frame = Frame(np.array([spec.height_mm]), np.array([spec.width_mm]), np.array([oblique]))
    breast = shape_breast(np.array([spec.empi]), np.array([spec.side]), frame)
    spacing = max(COARSE_MM, spec.height_mm / spec.rows)
    rows, columns = round(spec.height_mm / spacing), round(spec.width_mm / spacing)
    y = (np.arange(rows, dtype=np.float32) + 0.5) * (spec.height_mm / rows)
    x = (np.arange(columns, dtype=np.float32) + 0.5) * (spec.width_mm / columns)
    if spec.zoom > 1 and centre is not None:
        y = centre[0] + (y - spec.height_mm / 2) / spec.zoom
        x = max(centre[1], spec.width_mm / 2 / spec.zoom) + (x - spec.width_mm / 2) / spec.zoom
    grid_y, grid_x = np.meshgrid(y.astype(np.float32), x.astype(np.float32), indexing="ij")
    return Grid(
        y=grid_y,
        x=grid_x,
        spacing=spacing / spec.zoom,
        depth=float(breast.depth[0]),
        nipple_y=float(breast.nipple_y[0]),
        above=float(breast.above[0]),
        below=float(breast.below[0]),
        oblique=oblique,
    )


def draw_breast(spec: ImageSpec, grid: Grid) -> Tissue:
    """Skin, fat, gland, vessels and muscle of a breast, the same for every image of one view of
    it."""
    rng = _generator(spec, 1)
    mask = _outline(grid, rng.uniform(-1, 1, 6))
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5).astype(np.float32) * grid.spacing
    thickness = np.sqrt(np.clip(inside / 11.0, 0, 1)) * 0.72 + np.clip(inside / 26.0, 0, 1) * 0.28
    light = _fat(rng, grid) + _gland(rng, spec, grid, inside)
    light += _vessels(rng, grid)
    if spec.view in PECTORAL_VIEWS:
        light = _with_muscle(rng, spec, grid, light)
    if spec.implant:
        light = _with_implant(grid, light)
    return Tissue(inside, np.asarray(thickness, np.float32), np.asarray(light, np.float32))


def skin(inside: Image) -> Image:
    """Brightness that the skin adds: a line of 1.5 mm along the outline."""
    return np.asarray(0.085 * np.exp(-(((inside - 1.1) / 0.85) ** 2)) * (inside > 0), np.float32)


def _generator(spec: ImageSpec, salt: int) -> np.random.Generator:
    view = sum(ord(letter) << (7 * i) for i, letter in enumerate(spec.view[:5]))
    return np.random.Generator(
        np.random.Philox(int(hash_keys(spec.empi, spec.side, view, salt)[0]))
    )


def _outline(grid: Grid, bends: NDArray[np.float64]) -> NDArray[np.uint8]:
    """1 inside the breast. `bends` make it less regular than its formula, by up to a few
    millimetres."""
    column = grid.y[:, :1]
    bend = sum(
        b * np.sin((i + 1) * column / 29.0 + 5 * b) / (i + 1) for i, b in enumerate(bends[:4])
    )
    share = np.asarray(grid.x / (grid.depth * (1 + 0.018 * np.asarray(bend))), np.float32)
    half = np.asarray(profile(share, oblique=grid.oblique), np.float32)
    offset = grid.y - grid.nipple_y
    inside = (offset > -grid.above * half) & (offset < grid.below * half) & (share < 1)
    nipple = (grid.x - grid.depth + 2.0) ** 2 / 1.6 + offset**2 < 3.6**2
    return np.asarray(inside | nipple, np.uint8)


def _fat(rng: np.random.Generator, grid: Grid) -> Image:
    return np.asarray(
        _FAT + 0.035 * sample_texture(rng, 2.6, grid.y / 0.42, grid.x / 0.42), np.float32
    )


def _gland(rng: np.random.Generator, spec: ImageSpec, grid: Grid, inside: Image) -> Image:
    """Glandular tissue: clouds of power-law noise, and strands that run to the nipple, within a
    cone behind it."""
    clouds = sample_texture(rng, 3.0, grid.y / 0.36, grid.x / 0.36)
    dy, dx = grid.y - grid.nipple_y, grid.depth + 12 - grid.x
    angle, reach = np.arctan2(dy, dx), np.hypot(dy, dx)
    strands = sample_texture(rng, 2.2, angle * 150 + 256, reach / 2.4)
    bias = _GLANDULAR_BIAS[spec.breast_density] + 0.25 * rng.standard_normal()
    margin = 7.0 + 4.0 * (4 - min(spec.breast_density or 2, 4))
    cover = np.clip((inside - margin) / 11.0, 0, 1)
    share = grid.x / grid.depth
    behind = np.clip((share - 0.10) / 0.22, 0, 1) * np.exp(
        -((np.abs(dy) / (0.62 * grid.below)) ** 4)
    )
    detail = sample_texture(rng, 2.4, grid.y / 0.4, grid.x / 0.4)
    amount = 1 / (1 + np.exp(-2.4 * (clouds + 0.34 * strands + 0.3 * detail + bias)))
    fibres = 0.03 * np.abs(strands) * cover
    return np.asarray(_GLAND * amount * cover * behind + fibres, np.float32)


def _vessels(rng: np.random.Generator, grid: Grid) -> Image:
    """A few veins and arteries: thin bright curves from the chest wall towards the nipple."""
    canvas = np.zeros(grid.y.shape, np.float32)
    y0, x0 = float(grid.y[0, 0]), float(grid.x[0, 0])
    for _ in range(int(rng.integers(2, 6))):
        steps = np.linspace(0, 1, 40)
        start = grid.nipple_y + rng.uniform(-0.7, 0.7) * grid.below
        bend = np.cumsum(rng.standard_normal(40)) * 0.9
        y = start + (grid.nipple_y - start) * 0.6 * steps + bend
        x = grid.depth * (0.05 + 0.75 * steps)
        points = np.stack([(x - x0) / grid.spacing * 8, (y - y0) / grid.spacing * 8], axis=1)
        width = max(1, round(rng.uniform(0.7, 1.5) / grid.spacing))
        cv2.polylines(
            canvas,
            [points.astype(np.int32)],
            False,
            float(rng.uniform(0.05, 0.11)),
            width,
            cv2.LINE_AA,
            3,
        )
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 0.8), np.float32)


def _with_muscle(rng: np.random.Generator, spec: ImageSpec, grid: Grid, light: Image) -> Image:
    """The pectoral muscle: a bright triangle at the chest wall of an oblique view, its edge
    slightly convex."""
    top = rng.uniform(0.36, 0.52) * grid.depth
    bottom = rng.uniform(0.50, 0.64) * spec.height_mm
    down = np.clip(grid.y / bottom, 0, 1.2)
    edge = top * (1 - down) + 5.5 * np.sin(np.pi * np.clip(down, 0, 1))
    amount = 1 / (1 + np.exp(np.clip((grid.x - edge) / 1.1, -30, 30)))
    amount *= grid.y < bottom * 1.02
    fibres = sample_texture(rng, 2.4, (grid.y + 0.7 * grid.x) / 3.0, (grid.x - 0.7 * grid.y) / 0.5)
    muscle = _MUSCLE + 0.028 * fibres + 0.05 * (1 - down)
    return np.asarray(light * (1 - 0.85 * amount) + muscle * amount * 0.85, np.float32)


def _with_implant(grid: Grid, light: Image) -> Image:
    """An implant: a smooth bright disc at the chest wall."""
    radius = np.hypot((grid.y - grid.nipple_y) / (0.62 * grid.below), grid.x / (0.55 * grid.depth))
    amount = 1 / (1 + np.exp(np.clip((radius - 1) / 0.02, -30, 30)))
    return np.asarray(light * (1 - amount) + 0.93 * amount, np.float32)
