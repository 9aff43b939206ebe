"""The five parameters of an image request (IIIF Image API 3.0, section 4), as a rendering.

Pure: text and the image's facts in, `ImageRequest` or `MalformedError` out.
"""

import re
from dataclasses import dataclass
from typing import get_args

from imagery.rendering.request import Format, Region, Rendering, Rotation, Size, Tone

FORMATS: dict[str, Format] = {"jpg": "jpeg", "png": "png", "webp": "webp"}
QUALITIES: dict[str, Tone] = {
    "default": "own",
    "color": "own",
    "gray": "grey",
    "bitonal": "bitonal",
}
JPEG_QUALITY = 85

_decimal = r"\d{1,7}(?:\.\d{1,10})?"
_pixels = re.compile(r"(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})")
_percent = re.compile(rf"pct:({_decimal}),({_decimal}),({_decimal}),({_decimal})")
_size_percent = re.compile(rf"pct:({_decimal})")
_size = re.compile(r"(!?)(\d{0,9}),(\d{0,9})")

Box = tuple[int, int, int, int]
"""left, top, width, height"""


class MalformedError(Exception):
    """A parameter that means nothing here: which, why, and what would be accepted."""

    def __init__(self, parameter: str, reason: str, accepted: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.parameter = parameter
        self.reason = reason
        self.accepted = accepted


@dataclass(frozen=True)
class Facts:
    """Of an image what a request depends on."""

    columns: int
    rows: int
    is_colour: bool
    max_area: int


@dataclass(frozen=True)
class ImageRequest:
    """A rendering, and the canonical path of the request below the image's URI (4.7)."""

    rendering: Rendering
    canonical: str


def image_request(
    facts: Facts, region: str, size: str, rotation: str, quality_format: str
) -> ImageRequest:
    """What is asked for, of the image as it is stored."""
    left, top, width, height = _region(region, facts)
    wide, high = _scaled(size, width, height)
    if wide * high > facts.max_area:
        limit = f"more than {facts.max_area} pixels"
        raise MalformedError("size", limit, ("max", "w,", ",h", "w,h", "!w,h", "pct:n"))
    degrees = _rotation(rotation)
    quality, _, suffix = quality_format.rpartition(".")
    tone, file_format = _quality(quality), _format(suffix)
    whole = (left, top, width, height) == (0, 0, facts.columns, facts.rows)
    rendering = Rendering(
        format=file_format,
        size=Size("full") if (wide, high) == (width, height) else Size("exact", wide, high),
        quality=JPEG_QUALITY,
        region=None if whole else Region(left, top, width, height),
        rotation=degrees,
        tone="own" if tone == "grey" and not facts.is_colour else tone,
    )
    parts = (
        "full" if whole else f"{left},{top},{width},{height}",
        "max" if (wide, high) == (width, height) else f"{wide},{high}",
        str(degrees),
        f"{_canonical_quality(quality, facts)}.{suffix}",
    )
    return ImageRequest(rendering, "/".join(parts))


def _region(text: str, facts: Facts) -> Box:
    """The region in pixels, without what of it lies outside the image (4.1)."""
    columns, rows = facts.columns, facts.rows
    if text == "full":
        return 0, 0, columns, rows
    if text == "square":
        edge = min(columns, rows)
        return (columns - edge) // 2, (rows - edge) // 2, edge, edge
    if found := _pixels.fullmatch(text):
        left, top, width, height = (int(part) for part in found.groups())
    elif found := _percent.fullmatch(text):
        x, y, w, h = (float(part) / 100 for part in found.groups())
        left, top = round(x * columns), round(y * rows)
        width, height = max(1, round(w * columns)), max(1, round(h * rows))
        width, height = (width if w else 0), (height if h else 0)
    else:
        raise _bad_region("is no region")
    if width == 0 or height == 0 or left >= columns or top >= rows:
        raise _bad_region(f"holds nothing of the image of {columns} x {rows} pixels")
    return left, top, min(width, columns - left), min(height, rows - top)


def _bad_region(reason: str) -> MalformedError:
    return MalformedError("region", reason, ("full", "square", "x,y,w,h", "pct:x,y,w,h"))


def _scaled(text: str, width: int, height: int) -> tuple[int, int]:
    """(width, height) of the picture of a region of that width and height (4.2)."""
    if text == "max":
        return width, height
    if text.startswith("^"):
        raise _bad_size("asks for more pixels than there are (`^`), which is not offered")
    if found := _size_percent.fullmatch(text):
        share = float(found[1]) / 100
        wide, high = round(width * share), round(height * share)
        if share > 0:
            wide, high = max(1, wide), max(1, high)
    elif found := _size.fullmatch(text):
        wide, high = _fitted(bool(found[1]), found[2], found[3], width, height)
    else:
        raise _bad_size("is no size")
    if wide == 0 or high == 0:
        raise _bad_size("is empty")
    if wide > width or high > height:
        raise _bad_size(f"is larger than the region of {width} x {height} pixels")
    return wide, high


def _fitted(confined: bool, wide: str, high: str, width: int, height: int) -> tuple[int, int]:
    """``w,``, ``,h``, ``w,h`` or, where ``confined``, ``!w,h``."""
    if wide and high:
        if not confined:
            return int(wide), int(high)
        scale = min(int(wide) / width, int(high) / height)
    elif confined or not (wide or high):
        raise _bad_size("is no size")
    elif wide:
        return int(wide), max(1, round(height * int(wide) / width))
    else:
        return max(1, round(width * int(high) / height)), int(high)
    if scale == 0:
        return 0, 0
    return max(1, round(width * scale)), max(1, round(height * scale))


def _bad_size(reason: str) -> MalformedError:
    return MalformedError("size", reason, ("max", "w,", ",h", "w,h", "!w,h", "pct:n"))


def _rotation(text: str) -> Rotation:
    """Degrees clockwise (4.3)."""
    for degrees in get_args(Rotation):
        if text == str(degrees):
            found: Rotation = degrees
            return found
    mirrored = text.startswith("!")
    reason = "asks to mirror (`!`), which is not offered" if mirrored else "is not offered"
    raise MalformedError("rotation", reason, ("0", "90", "180", "270"))


def _quality(text: str) -> Tone:
    if text not in QUALITIES:
        raise MalformedError("quality", "is not offered", tuple(QUALITIES))
    return QUALITIES[text]


def _canonical_quality(text: str, facts: Facts) -> str:
    """`default` where the quality is what the image has anyway (4.7)."""
    own = "color" if facts.is_colour else "gray"
    return "default" if text in (own, "color") else text


def _format(text: str) -> Format:
    if text not in FORMATS:
        raise MalformedError("format", "is not offered", tuple(FORMATS))
    return FORMATS[text]
