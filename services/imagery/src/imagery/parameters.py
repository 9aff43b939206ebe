"""Query parameters of the image paths, in the grammar of PS3.18 8.3.5, as renderings."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from chassis.problems import Problem, invalid, not_found
from fastapi import Query

from imagery.dicom.errors import UnreadableImageError
from imagery.rendering.request import (
    MEDIA_TYPES,
    Format,
    Orient,
    Outline,
    Region,
    Rendering,
    Size,
    Unit,
)
from imagery.rendering.voi import VOI_FUNCTIONS, Window, checked_window, voi_function

PICTURES: tuple[Format, ...] = ("png", "jpeg", "webp")
THUMBNAILS: tuple[Format, ...] = ("jpeg", "webp")
LARGEST_EDGE = 16384
NUMBER = r"[0-9]{1,5}(\.[0-9]{1,6})?"  # as OpenAPI shows it; more is understood
_margin = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(px|mm)?")

ThumbnailSize = Annotated[
    int, Query(ge=16, le=2048, description="Longest side in pixels; an image is never enlarged")
]
Viewport = Annotated[
    str | None,
    Query(
        description="`width,height`: the largest picture that fits, aspect kept",
        examples=["1024,1024"],
        json_schema_extra={"pattern": r"^[0-9]{1,5},[0-9]{1,5}$"},
    ),
]
WindowText = Annotated[
    str | None,
    Query(
        description="`center,width[,function]` in the units after the Modality LUT; "
        "function is linear, linear_exact or sigmoid. Default: what the file says",
        examples=["2047,4096"],
        json_schema_extra={"pattern": rf"^-?{NUMBER},{NUMBER}(,({'|'.join(VOI_FUNCTIONS)}))?$"},
    ),
]
OrientText = Annotated[
    Orient, Query(description="`chest-wall-left` mirrors where needed: the frame of the ROIs")
]
FrameNumber = Annotated[int, Query(ge=1, le=65535, description="Frame of a multi-frame image")]
Quality = Annotated[int, Query(ge=1, le=100, description="Of JPEG and WebP")]
Margin = Annotated[
    str,
    Query(
        description="Around the ROI: `64`, `64px` or `5mm`",
        examples=["5mm"],
        max_length=20,
        json_schema_extra={"pattern": rf"^{NUMBER}(px|mm)?$"},
    ),
]
Depth = Annotated[
    int,
    Query(
        description="Bits of a grey value: 16 as PNG or npy only",
        json_schema_extra={"enum": [8, 16]},
    ),
]
ShortEdge = Annotated[
    int | None, Query(ge=16, le=LARGEST_EDGE, description="Pixels of the shorter side, exactly")
]


def thumbnail(size: int, accept: str | None) -> Rendering:
    """A small picture as JPEG, or as WebP where the client prefers it."""
    chosen = preferred(accept, THUMBNAILS)
    return Rendering(format=chosen, size=Size("longest", size), quality=80)


def picture_size(viewport: str | None) -> Size:
    """``width,height`` of a viewport; without one the full size."""
    if viewport is None:
        return Size()
    parts = viewport.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise invalid("viewport", "is not 'width,height' in whole pixels", ["1024,1024"])
    width, height = (int(part) for part in parts)
    if not (1 <= width <= LARGEST_EDGE and 1 <= height <= LARGEST_EDGE):
        raise invalid("viewport", f"sides are 1 to {LARGEST_EDGE} pixels", ["1024,1024"])
    return Size("viewport", width, height)


def machine_size(short_edge: int | None, viewport: str | None) -> Size:
    """The size of ``pixels``: by its shorter side or by a viewport, not by both."""
    if short_edge is None:
        return picture_size(viewport)
    if viewport is not None:
        raise invalid("viewport", "give short_edge or viewport, not both")
    return Size("short_edge", short_edge)


def window(text: str | None) -> Window | None:
    """``center,width[,function]``; None where not given."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (2, 3):
        raise invalid("window", "is not 'center,width[,function]'", ["2047,4096,linear"])
    try:
        center, width = float(parts[0]), float(parts[1])
    except ValueError:
        center, width = float("nan"), float("nan")
    if not (abs(center) < 1e9 and abs(width) < 1e9):  # False for NaN
        raise invalid("window", "center and width are numbers", ["2047,4096,linear"])
    try:
        function = voi_function(parts[2] if len(parts) == 3 else None)
        return checked_window(Window(center, width, function))
    except UnreadableImageError as error:
        raise invalid("window", error.reason, list(VOI_FUNCTIONS)) from error


def margin(text: str) -> tuple[float, Unit]:
    """A number of pixels or millimetres."""
    found = _margin.fullmatch(text.strip())
    if found is None or float(found[1]) > LARGEST_EDGE:
        raise invalid("margin", "is not a number of px or mm", ["64", "64px", "5mm"])
    return float(found[1]), cast(Unit, found[2] or "px")


def region(boxes: Sequence[dict[str, Any]], number: int, margin_text: str) -> Region:
    """The ROI ``number`` of an image with the margin around it."""
    for box in boxes:
        if box["n"] == number:
            width, height = box["xmax"] - box["xmin"], box["ymax"] - box["ymin"]
            return Region(box["xmin"], box["ymin"], width, height, *margin(margin_text))
    raise not_found("ROI", number)


def outlines(boxes: Sequence[dict[str, Any]]) -> tuple[Outline, ...]:
    """All ROIs of an image, to be drawn."""
    names = ("ymin", "xmin", "ymax", "xmax", "n", "match_level")
    found: list[dict[str, Any]] = [{name: box.get(name) for name in names} for box in boxes]
    return tuple(Outline(**box) for box in found)


def preferred(accept: str | None, offered: tuple[Format, ...]) -> Format:
    """The offered format an Accept header likes best; the first of equals (RFC 9110 12.5.1)."""
    ranges = _ranges(accept or "*/*")
    liked = {name: _quality(MEDIA_TYPES[name], ranges) for name in offered}
    best = max(offered, key=lambda name: liked[name])
    if liked[best] <= 0:
        accepted = [MEDIA_TYPES[name] for name in offered]
        detail = f"Available: {', '.join(accepted)}."
        raise Problem(406, "No acceptable media type", detail=detail)
    return best


def _ranges(accept: str) -> dict[str, float]:
    """Media range to quality."""
    found = {}
    for item in accept.split(","):
        media, *attributes = (part.strip() for part in item.split(";"))
        quality = next((a[2:] for a in attributes if a.startswith("q=")), "1")
        try:
            found[media.lower()] = float(quality)
        except ValueError:
            found[media.lower()] = 0.0
    return found


def _quality(media: str, ranges: dict[str, float]) -> float:
    """The most specific range decides."""
    for candidate in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0


PictureFormat = Literal["png", "jpeg", "webp"]
MachineFormat = Literal["npy", "png"]


def picture_format(chosen: PictureFormat | None, accept: str | None) -> Format:
    """``format`` where given, else by Accept."""
    return chosen or preferred(accept, PICTURES)


def machine_depth(depth: int, chosen: Format) -> Literal[8, 16]:
    """Bits of a grey value in a file of the ``chosen`` format."""
    allowed = [8, 16] if chosen in ("png", "npy") else [8]
    if depth not in allowed:
        raise invalid("depth", f"of {chosen} is not {depth}", allowed)
    return cast(Literal[8, 16], depth)
