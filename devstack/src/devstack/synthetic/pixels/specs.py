"""What an image is to show."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LesionSpec:
    """A finding's lesion: its place among the side's findings, how suspicious it looks, and its
    descriptors."""

    rank: int
    severity: float
    kind: str
    """`mass`, `asymmetry`, `distortion` or `calcification`."""
    shape: str = ""
    margin: str = ""
    density: str = ""
    calcifications: str = ""
    distribution: str = ""


@dataclass(frozen=True)
class ImageSpec:
    """One image in the chest-wall-left frame: field in millimetres, pixels, breast, lesions and
    how values are stored."""

    empi: int
    side: int
    """0 left, 1 right."""
    view: str
    rows: int
    columns: int
    height_mm: float
    width_mm: float
    breast_density: int
    number: int
    """Distinct per file: decides grain and the small differences of exposure, not the tissue."""
    lesions: tuple[LesionSpec, ...] = ()
    zoom: float = 1.0
    """Spot compressions and magnifications show a part of the breast, around the first lesion,
    enlarged."""
    synthetic_2d: bool = False
    implant: bool = False
