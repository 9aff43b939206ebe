"""One picture of one DICOM file: the stages in their order."""

from dataclasses import dataclass
from functools import lru_cache
from math import log2
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.dicom.attributes import ImageAttributes, image_attributes, pixel_spacing
from imagery.dicom.limits import DEFAULT_LIMITS, Limits
from imagery.dicom.reader import DicomFile, element_faults
from imagery.dicom.stored import Reading, is_reducible
from imagery.rendering.encode import encode
from imagery.rendering.grey import LevelTable, colour_table, full_range, grey_table, stored_range
from imagery.rendering.luts import Lut
from imagery.rendering.modality import Modality, read_modality
from imagery.rendering.orientation import Side
from imagery.rendering.outlines import Box, draw_outlines
from imagery.rendering.palette import Palette, read_palette
from imagery.rendering.request import ParameterError, Rendering
from imagery.rendering.resize import flipped, resize
from imagery.rendering.survey import Survey
from imagery.rendering.voi import Voi, Window, checked_window, read_voi

Values = NDArray[Any]

REDUCED_MARGIN = 2


@dataclass(frozen=True, eq=False)
class Tones:
    """What the file says of the way from stored values to levels."""

    image: ImageAttributes
    modality: Modality
    voi: Lut | Window | None = None
    palette: Palette | None = None
    spacing: tuple[float, float] | None = None

    def part(self, rendering: Rendering) -> Box:
        """(left, top, right, bottom) of what is shown of the whole image as it is turned."""
        rows, columns = self.image.rows, self.image.columns
        if rendering.region is None:
            return 0, 0, columns, rows
        return rendering.region.within(rows, columns, self.spacing)

    def size(self, rendering: Rendering) -> tuple[int, int]:
        """(height, width) of the picture before it is rotated."""
        left, top, right, bottom = self.part(rendering)
        return rendering.size.of(bottom - top, right - left)


@dataclass(frozen=True)
class Picture:
    """An encoded picture; ``mirrored``: its left is the stored image's right."""

    body: bytes
    mirrored: bool
    chest_wall: Side
    width: int
    height: int


def read_tones(
    file: DicomFile, window: Window | None = None, limits: Limits = DEFAULT_LIMITS
) -> Tones:
    """Read attributes, Modality LUT and VOI LUT, or the palette.

    ``window`` stands in for the file's own VOI. A colour image has neither (PS3.3 C.11.2.1.2.1).
    """
    with element_faults("an element of the header is malformed"):
        image = image_attributes(file.dataset, limits)
    if image.is_colour and window is not None:
        raise ParameterError("window", "the image has colours, and no window applies to them")
    with element_faults("an element of the header is malformed"):
        return _tones(file, image, window)


def _tones(file: DicomFile, image: ImageAttributes, window: Window | None) -> Tones:
    spacing = pixel_spacing(file.dataset)
    if image.is_colour:
        indexed = image.photometric_interpretation == "PALETTE COLOR"
        palette = read_palette(file.dataset, big_endian=file.big_endian) if indexed else None
        return Tones(image, Modality(), palette=palette, spacing=spacing)
    told = {"signed": image.signed, "big_endian": file.big_endian}
    modality = read_modality(file.dataset, **told)
    voi = checked_window(window) if window else read_voi(file.dataset, **told)
    return Tones(image, modality, voi, spacing=spacing)


def reduction(file: DicomFile, tones: Tones, rendering: Rendering) -> int:
    """How often a JPEG 2000 frame may be halved while it is decoded.

    The reduced image keeps twice the wanted size. Padding and the full range must be seen at full
    size, a part is cut out of it.
    """
    image = tones.image
    if tones.voi is None or image.padding is not None or rendering.region is not None:
        return 0
    height, width = tones.size(rendering)
    spare = min(image.rows / height, image.columns / width) / REDUCED_MARGIN
    if spare < 2:
        return 0
    return min(int(log2(spare)), is_reducible(file, image, Reading(rendering.frame)))


def render_values(stored: Values, tones: Tones, rendering: Rendering, survey: Survey) -> Values:
    """Levels (height, width) or (height, width, 3) of the picture of ``stored``."""
    side = survey.chest_wall
    mirrored = rendering.orient == "chest-wall-left" and side == "right"
    part = _cut(stored, tones, rendering, mirrored=mirrored)
    table = _table(tones, rendering.depth, survey.low, survey.high, invert=rendering.invert)
    straight = _is_straight(part, table, tones, survey)
    shown = _scaled_levels(part, table, tones.size(rendering), straight=straight)
    if mirrored:
        shown = flipped(shown)
    if rendering.outlines:
        turned = side == "right" and not mirrored
        box, columns = tones.part(rendering), tones.image.columns
        shown = draw_outlines(shown, rendering.outlines, box, columns, mirrored=turned)
    return _toned(_rotated(shown, rendering.rotation), rendering)


@lru_cache(maxsize=2)  # tiles of one picture have one, and making it takes as long as a tile
def _table(tones: Tones, depth: Literal[8, 16], low: int, high: int, *, invert: bool) -> LevelTable:
    """The table from stored values to levels: the same for every part of the image."""
    image = tones.image
    if image.is_colour:
        return colour_table(image, tones.palette, invert=invert, depth=depth)
    voi: Voi | None = tones.voi
    if voi is None:
        voi = full_range(tones.modality, low, high)
    return grey_table(image, tones.modality, voi, invert=invert, depth=depth)


def _is_straight(part: Values, table: LevelTable, tones: Tones, survey: Survey) -> bool:
    """Whether the table is a straight line over the values of ``part``, none of them padding."""
    if tones.image.is_colour:
        return tones.palette is None
    low, high, padded = survey.low, survey.high, survey.padded
    if padded or not table.is_straight(low, high):
        low, high, padded = stored_range(part, tones.image.padding)
    return not padded and table.is_straight(low, high)


def _cut(stored: Values, tones: Tones, rendering: Rendering, *, mirrored: bool) -> Values:
    """The part of ``stored`` that is shown, as it is stored."""
    if rendering.region is None:
        return stored
    left, top, right, bottom = tones.part(rendering)
    if mirrored:
        left, right = tones.image.columns - right, tones.image.columns - left
    return stored[top:bottom, left:right]


def _scaled_levels(
    stored: Values, table: LevelTable, size: tuple[int, int], *, straight: bool
) -> Values:
    """Scale, then look up, where that is the same as looking up first and several times quicker."""
    smaller = size[0] < stored.shape[0]
    if straight and smaller:
        return table.apply(resize(stored, *size))
    return resize(table.apply(stored), *size)


def _rotated(values: Values, degrees: int) -> Values:
    """Turned clockwise."""
    return np.ascontiguousarray(np.rot90(values, -degrees // 90)) if degrees else values


def _toned(values: Values, rendering: Rendering) -> Values:
    """Without colours, or in black and white only, where that is asked for."""
    if rendering.tone == "own":
        return values
    grey = cv2.cvtColor(values, cv2.COLOR_RGB2GRAY) if values.ndim == 3 else values
    if rendering.tone == "grey":
        return grey
    white = (1 << rendering.depth) - 1
    return cv2.threshold(grey, white // 2, white, cv2.THRESH_BINARY)[1]


def render(tones: Tones, rendering: Rendering, stored: Values, survey: Survey) -> Picture:
    """Render and encode ``stored``, the values of the frame that ``rendering`` asks for."""
    grey = render_values(stored, tones, rendering, survey)
    side = survey.chest_wall
    return Picture(
        body=encode(grey, rendering.format, rendering.quality),
        mirrored=rendering.orient == "chest-wall-left" and side == "right",
        chest_wall=side,
        width=grey.shape[1],
        height=grey.shape[0],
    )
