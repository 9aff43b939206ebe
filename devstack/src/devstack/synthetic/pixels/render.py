"""From a description to brightness: breast, lesions, exposure, grain. 0 is background, 1 the
brightest display value."""

import cv2
import numpy as np

from devstack.synthetic.anatomy import OBLIQUE_VIEWS, Frame, lesion_centre, lesion_radius
from devstack.synthetic.hashing import between, hash_keys
from devstack.synthetic.pixels.breast import Grid, Tissue, draw_breast, lay_grid, skin
from devstack.synthetic.pixels.calcifications import add_calcifications
from devstack.synthetic.pixels.lesions import Placed, add_lesion
from devstack.synthetic.pixels.noise import Image, tiled_grain
from devstack.synthetic.pixels.specs import ImageSpec

_ROUNDS, _SAMPLED, _METERED = 5, 5, 0.75
_SPREAD = (0.125, 0.098, 0.12, 0.135, 0.13, 0.09)
"""Standard deviation of brightness within the breast, by density: fat is even."""


def render_image(spec: ImageSpec) -> Image:
    """Brightness (rows, columns) float32 in 0 to 1 of the chest-wall-left frame."""
    lesions = _placed(spec)
    grid = lay_grid(spec, (lesions[0].y, lesions[0].x) if lesions else _default_centre(spec))
    tissue = _LATEST.draw(spec, grid)
    light = tissue.light
    for lesion in lesions:
        light = add_lesion(light, grid, lesion)
    exposed = _expose(spec, tissue, light)
    size = spec.columns, spec.rows
    full: Image = np.asarray(cv2.resize(exposed, size, interpolation=cv2.INTER_CUBIC), np.float32)
    for lesion in lesions:
        _draw_calcifications(full, spec, grid, lesion)
    return _with_grain(spec, full)


class _LatestTissue:
    """The tissue drawn last: an image's C-View and its repeats, which come next, show the same
    breast."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._tissue: Tissue | None = None

    def draw(self, spec: ImageSpec, grid: Grid) -> Tissue:
        # Rounded: a C-View's field differs from its 2D image's by the digits of a printed spacing.
        corner = (
            *(
                round(float(v), 2)
                for v in (grid.y[0, 0], grid.x[0, 0], spec.height_mm, grid.spacing)
            ),
            grid.y.shape,
        )
        key = (spec.empi, spec.side, spec.view, spec.breast_density, spec.implant, corner)
        if self._tissue is None or key != self._key:
            self._key, self._tissue = key, draw_breast(spec, grid)
        return self._tissue


_LATEST = _LatestTissue()


def _placed(spec: ImageSpec) -> list[Placed]:
    frame = Frame(
        np.array([spec.height_mm]),
        np.array([spec.width_mm]),
        np.array([spec.view in OBLIQUE_VIEWS]),
    )
    placed = []
    for lesion in spec.lesions:
        key = np.array([spec.empi]), np.array([spec.side]), np.array([lesion.rank])
        y, x = lesion_centre(*key, frame)
        radius = lesion_radius(*key, np.array([lesion.severity]))
        seed = int(hash_keys(*key, 81)[0])
        placed.append(Placed(lesion, float(y[0]), float(x[0]), float(radius[0]), seed))
    return placed


def _default_centre(spec: ImageSpec) -> tuple[float, float]:
    """Where a zoomed view without a lesion looks: somewhere in the middle of the breast."""
    frame = Frame(
        np.array([spec.height_mm]),
        np.array([spec.width_mm]),
        np.array([spec.view in OBLIQUE_VIEWS]),
    )
    y, x = lesion_centre(np.array([spec.empi]), np.array([spec.side]), np.array([0]), frame)
    return float(y[0]), float(x[0])


def _expose(spec: ImageSpec, tissue: Tissue, light: Image) -> Image:
    """Brightness as an exposure control would set it: mean and spread of the breast hardly tell
    what is in it.

    Both are drawn from density and image number only. The setting is found with the lesions at
    part of their contrast: at all of it, a bright lesion would dim the tissue around it, and with
    it itself.
    """
    lit, edge = light * tissue.thickness, skin(tissue.inside)
    breast = tissue.inside > 2.5
    if not breast.any():
        return lit
    mean = float(between(-0.03, 0.03, spec.number, 91)[0])
    mean += 0.33 + 0.022 * min(spec.breast_density, 4)
    spread = float(between(0.9, 1.1, spec.number, 92)[0]) * _SPREAD[spec.breast_density]
    metered = lit + (_METERED - 1) * (light - tissue.light) * tissue.thickness
    some = np.flatnonzero(breast)[::_SAMPLED]
    scale, shift = _exposure(
        metered.ravel()[some], tissue.thickness.ravel()[some], edge.ravel()[some], mean, spread
    )
    exposed = np.clip(scale * lit + shift * tissue.thickness + edge, 0.02, 1.0)
    return np.asarray(np.where(tissue.inside > 0, exposed, 0.0), np.float32)


def _exposure(
    lit: Image, thickness: Image, edge: Image, mean: float, spread: float
) -> tuple[float, float]:
    """Scale and shift that give sampled pixels this mean and standard deviation once clipped.

    Clipping at white changes both, so they are approached in rounds.
    """
    scale, shift, exposed = 1.0, 0.0, lit + edge
    for _ in range(_ROUNDS):
        gain = spread / max(float(exposed.std()), 1e-3)
        scale, shift = scale * gain, shift * gain
        exposed = np.clip(scale * lit + shift * thickness + edge, 0.02, 1.0)
        shift += (mean - float(exposed.mean())) / max(float(thickness.mean()), 1e-3)
        exposed = np.clip(scale * lit + shift * thickness + edge, 0.02, 1.0)
    return scale, shift


def _draw_calcifications(full: Image, spec: ImageSpec, grid: Grid, lesion: Placed) -> None:
    spacing = spec.height_mm / spec.rows / spec.zoom
    origin = (float(grid.y[0, 0]) - grid.spacing / 2, float(grid.x[0, 0]) - grid.spacing / 2)
    add_calcifications(full, lesion, spacing, origin, (grid.nipple_y, grid.depth))


def _with_grain(spec: ImageSpec, full: Image) -> Image:
    """Quantum noise where there is breast; a C-View, made of many projections, has less."""
    rng = np.random.Generator(np.random.Philox(int(hash_keys(spec.number, 93)[0])))
    amount = 0.006 if spec.synthetic_2d else 0.011
    grain = tiled_grain(spec.rows, spec.columns, rng) * (full + 0.6)
    grain *= np.where(full > 0.012, np.float32(amount), np.float32(0))
    full += grain
    return np.clip(full, 0.0, 1.0, out=full)
