"""Where breast, muscle, nipple and lesions lie, in millimetres of the chest-wall-left frame.

One description serves the tables (ROI_coords, location, depth, size) and the pixels, so the two
cannot disagree. x runs from the chest wall to the nipple, y from the top of the image; a view is
projected as a caudal (CC) or an oblique (MLO) one, lateral and superior towards the top.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devstack.synthetic.hashing import Floats, between, uniform

Ints = NDArray[np.int64]

OBLIQUE_VIEWS = frozenset({"MLO", "ML", "LM", "LMO", "MLOID", "MLID", "LMID", "AT", "SIO"})
PECTORAL_VIEWS = frozenset({"MLO", "LMO", "MLOID", "AT"})
SEVERITY_BY_ASSES = {
    "N": 0.0,
    "B": 0.12,
    "P": 0.3,
    "X": 0.3,
    "A": 0.42,
    "S": 0.62,
    "M": 0.9,
    "K": 1.0,
}
_SEVERITY_BY_PATHOLOGY = np.array([0.1, 0.06, 0.0, -0.02, -0.08, 0.04])


@dataclass(frozen=True)
class Frame:
    """An image's field: height and width in millimetres, and whether the view is oblique
    (elementwise arrays)."""

    height: Floats
    width: Floats
    oblique: NDArray[np.bool_]


@dataclass(frozen=True)
class Breast:
    """Outline of a breast in one frame, millimetres: depth (chest wall to nipple), nipple
    height, extent above and below."""

    depth: Floats
    nipple_y: Floats
    above: Floats
    below: Floats


def breast_size(empi: Ints) -> Floats:
    """Chest-wall-to-nipple distance of a patient before compression differences, millimetres (68
    to 138)."""
    spread = (uniform(empi, 11) + uniform(empi, 12) + uniform(empi, 13)) / 3
    return 68 + 70 * spread


def shape_breast(empi: Ints, side: Ints, frame: Frame) -> Breast:
    """The outline of a patient's left (0) or right (1) breast within a frame it must fit into."""
    asymmetry = between(0.94, 1.06, empi, side, 21)
    depth = np.minimum(breast_size(empi) * asymmetry, 0.8 * frame.width)
    reach = np.minimum(depth * between(0.78, 0.98, empi, 22), 0.44 * frame.height)
    centre = frame.height * between(0.47, 0.53, empi, side, 23)
    oblique_y = frame.height * between(0.54, 0.62, empi, side, 24)
    nipple_y = np.where(frame.oblique, oblique_y, centre)
    above = np.where(frame.oblique, oblique_y * 1.12, reach)
    below = np.where(
        frame.oblique, np.minimum(reach * 1.02, (frame.height - oblique_y) * 0.93), reach * 0.98
    )
    return Breast(depth, nipple_y, above, below)


def profile(share: NDArray[np.floating[Any]], *, oblique: NDArray[np.bool_] | bool) -> Floats:
    """Half height of the outline, as a share of its extent, at a share of the depth (0 chest
    wall, 1 nipple)."""
    power = np.where(oblique, 1.7, 2.1)
    return np.asarray((1 - np.clip(share, 0, 1) ** power) ** 0.62)


def lesion_severity(asses_severity: Floats, path_severity: Floats) -> Floats:
    """How suspicious a finding looks, 0 to 1: its BI-RADS assessment, nudged by what pathology
    found (NaN: none)."""
    known = np.isfinite(path_severity)
    index = np.where(known, path_severity, 0).astype(np.int64)
    nudge = np.where(known, _SEVERITY_BY_PATHOLOGY[np.clip(index, 0, 5)], 0.0)
    return np.clip(asses_severity + nudge, 0.0, 1.0)


def lesion_radius(empi: Ints, side: Ints, rank: Ints, severity: Floats) -> Floats:
    """Radius in millimetres: 3 to 6 when harmless, 8 to 15 when known malignant."""
    base = between(4.4, 8.2, empi, side, rank, 31)
    return base * (0.68 + 1.12 * severity)


def lesion_polar(empi: Ints, side: Ints, rank: Ints) -> tuple[Floats, Floats, Floats]:
    """Position in the breast: depth share (0 chest wall, 1 nipple), lateral share and superior
    share, each -1 to 1."""
    depth = between(0.30, 0.72, empi, side, rank, 32)
    radius = np.sqrt(between(0.04, 1.0, empi, side, rank, 33)) * 0.62
    # More lesions lie in the upper outer quadrant than elsewhere.
    angle = (
        np.pi / 4
        + (between(-1, 1, empi, side, rank, 34) * uniform(empi, side, rank, 35) ** 0.35) * np.pi
    )
    return depth, radius * np.cos(angle), radius * np.sin(angle)


def lesion_centre(empi: Ints, side: Ints, rank: Ints, frame: Frame) -> tuple[Floats, Floats]:
    """Centre (y, x) of a finding's lesion in a frame, millimetres of the chest-wall-left frame."""
    breast = shape_breast(empi, side, frame)
    depth, lateral, superior = lesion_polar(empi, side, rank)
    height = np.where(frame.oblique, superior, lateral)
    # The wide upper part of an oblique view is muscle and axilla: a lesion there would hide behind
    # the pectoral.
    extent = np.where(height > 0, np.minimum(breast.above, 1.15 * breast.below), breast.below)
    y = breast.nipple_y - height * extent * profile(depth, oblique=frame.oblique)
    return y, depth * breast.depth
