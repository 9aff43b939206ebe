"""What picture is asked for: a value that travels to the workers and names the cache entry."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from imagery.rendering.voi import Window

Format = Literal["jpeg", "png", "webp", "gif", "npy"]
Orient = Literal["as-stored", "chest-wall-left"]
Fit = Literal["full", "longest", "short_edge", "viewport", "exact"]
Unit = Literal["px", "mm"]
Rotation = Literal[0, 90, 180, 270]
Tone = Literal["own", "grey", "bitonal"]

MEDIA_TYPES: dict[Format, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "npy": "application/x-npy",
}


class ParameterError(Exception):
    """The request, not the file, is at fault: ``parameter`` names what of it."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter
        self.reason = reason


@dataclass(frozen=True)
class Size:
    """How large: ``longest`` never enlarges; ``viewport`` is the largest that fits it.

    ``exact`` is that width and height, whatever it does to the aspect.
    """

    fit: Fit = "full"
    width: int = 0
    height: int = 0

    def of(self, rows: int, columns: int) -> tuple[int, int]:
        """(height, width) of the picture of an image of ``rows`` x ``columns``, aspect kept."""
        match self.fit:
            case "full":
                return rows, columns
            case "exact":
                return self.height, self.width
            case "longest":
                scale = min(1.0, self.width / max(rows, columns))
            case "short_edge":
                scale = self.width / min(rows, columns)
            case "viewport":
                scale = min(self.width / columns, self.height / rows)
        return max(1, round(rows * scale)), max(1, round(columns * scale))


@dataclass(frozen=True)
class Region:
    """A part of the image, in pixels of the whole as ``orient`` shows it, with a margin around."""

    left: int
    top: int
    width: int
    height: int
    margin: float = 0
    unit: Unit = "px"

    def within(
        self, rows: int, columns: int, spacing: tuple[float, float] | None
    ) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of it and its margin; what lies outside the image is cut off.

        ``spacing`` is millimetres from row to row and from column to column, where that is known.
        """
        if self.unit == "mm" and spacing is None:
            raise ParameterError("margin", "the file tells no pixel spacing: give it in pixels")
        down, across = spacing if self.unit == "mm" and spacing else (1, 1)
        above, beside = round(self.margin / down), round(self.margin / across)
        left, top = max(0, self.left - beside), max(0, self.top - above)
        right = min(columns, self.left + self.width + beside)
        bottom = min(rows, self.top + self.height + above)
        if left >= right or top >= bottom:
            raise ParameterError("region", f"lies outside the image of {columns} x {rows} pixels")
        return left, top, right, bottom


@dataclass(frozen=True)
class Outline:
    """A box to draw over the picture, in the chest-wall-left frame of the whole image."""

    ymin: int
    xmin: int
    ymax: int
    xmax: int
    n: int
    match_level: int | None = None


@dataclass(frozen=True)
class Rendering:
    """Every parameter of a picture. ``window`` None: what the file says, else its full range.

    The order is orientation, region, size, outlines, rotation (clockwise), tone.
    """

    format: Format = "png"
    size: Size = Size()
    depth: Literal[8, 16] = 8
    window: Window | None = None
    invert: bool = False
    orient: Orient = "as-stored"
    frame: int = 1
    quality: int = 90
    region: Region | None = None
    rotation: Rotation = 0
    tone: Tone = "own"
    outlines: tuple[Outline, ...] = ()

    def key(self) -> str:
        """A canonical text: equal pictures of one image have equal keys."""
        return _canonical(self)


@lru_cache(4096)
def _canonical(rendering: Rendering) -> str:
    return json.dumps(asdict(rendering), sort_keys=True, separators=(",", ":"))


def rendering_from(document: dict[str, Any]) -> Rendering:
    """The inverse of ``asdict(rendering)``."""
    window, region = document["window"], document["region"]
    nested = {
        "size": Size(**document["size"]),
        "window": Window(**window) if window else None,
        "region": Region(**region) if region else None,
        "outlines": tuple(Outline(**one) for one in document["outlines"]),
    }
    return Rendering(**(document | nested))
