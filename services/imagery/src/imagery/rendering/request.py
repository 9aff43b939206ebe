"""What picture is asked for: a value that travels to the workers and names the cache entry."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from imagery.rendering.voi import Window

Format = Literal["jpeg", "png", "webp", "npy"]
Orient = Literal["as-stored", "chest-wall-left"]
Fit = Literal["full", "longest", "short_edge", "viewport"]

MEDIA_TYPES: dict[Format, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "npy": "application/x-npy",
}


@dataclass(frozen=True)
class Size:
    """How large: ``longest`` never enlarges; ``viewport`` is the largest that fits it."""

    fit: Fit = "full"
    width: int = 0
    height: int = 0

    def of(self, rows: int, columns: int) -> tuple[int, int]:
        """(height, width) of the picture of an image of ``rows`` x ``columns``, aspect kept."""
        match self.fit:
            case "full":
                return rows, columns
            case "longest":
                scale = min(1.0, self.width / max(rows, columns))
            case "short_edge":
                scale = self.width / min(rows, columns)
            case "viewport":
                scale = min(self.width / columns, self.height / rows)
        return max(1, round(rows * scale)), max(1, round(columns * scale))


@dataclass(frozen=True)
class Rendering:
    """Every parameter of a picture. ``window`` None: what the file says, else its full range."""

    format: Format = "png"
    size: Size = Size()
    depth: Literal[8, 16] = 8
    window: Window | None = None
    invert: bool = False
    orient: Orient = "as-stored"
    frame: int = 1
    quality: int = 90

    def key(self) -> str:
        """A canonical text: equal pictures of one image have equal keys."""
        return _canonical(self)


@lru_cache(4096)
def _canonical(rendering: Rendering) -> str:
    return json.dumps(asdict(rendering), sort_keys=True, separators=(",", ":"))


def rendering_from(document: dict[str, Any]) -> Rendering:
    """The inverse of ``asdict(rendering)``."""
    window = document["window"]
    fields = dict(document, size=Size(**document["size"]))
    return Rendering(**{**fields, "window": Window(**window) if window else None})
