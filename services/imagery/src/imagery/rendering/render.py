"""One picture of one DICOM file: the stages in their order."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log2
from typing import Any

from numpy.typing import NDArray

from imagery.dicom.attributes import ImageAttributes, image_attributes
from imagery.dicom.limits import DEFAULT_LIMITS, Limits
from imagery.dicom.reader import DicomFile
from imagery.dicom.stored import Reading, is_reducible, read_stored_values
from imagery.rendering.encode import encode
from imagery.rendering.grey import GreyTable, full_range, grey_table, stored_range
from imagery.rendering.luts import Lut
from imagery.rendering.modality import Modality, read_modality
from imagery.rendering.orientation import Side, chest_wall_side
from imagery.rendering.request import Rendering
from imagery.rendering.resize import flipped, resize, sampled
from imagery.rendering.voi import Window, checked_window, read_voi

Values = NDArray[Any]
ReadValues = Callable[[int], Values]

SAMPLE_EDGE = 256
REDUCED_MARGIN = 2


@dataclass(frozen=True, eq=False)
class Tones:
    """What the file says of the way from stored values to grey."""

    image: ImageAttributes
    modality: Modality
    voi: Lut | Window | None


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
    """Read attributes, Modality LUT and VOI LUT; ``window`` stands in for the file's own VOI."""
    image = image_attributes(file.dataset, limits)
    told = {"signed": image.signed, "big_endian": file.big_endian}
    modality = read_modality(file.dataset, **told)
    voi = checked_window(window) if window else read_voi(file.dataset, **told)
    return Tones(image, modality, voi)


def reduction(file: DicomFile, tones: Tones, rendering: Rendering) -> int:
    """How often a JPEG 2000 frame may be halved while it is decoded.

    The reduced image keeps twice the wanted size. Padding and the full range must be seen at full
    size.
    """
    image = tones.image
    if tones.voi is None or image.padding is not None:
        return 0
    height, width = rendering.size.of(image.rows, image.columns)
    spare = min(image.rows / height, image.columns / width) / REDUCED_MARGIN
    if spare < 2:
        return 0
    return min(int(log2(spare)), is_reducible(file, image, Reading(rendering.frame)))


def render_values(stored: Values, tones: Tones, rendering: Rendering) -> tuple[Values, Side]:
    """Grey levels (height, width) of the picture, and the side of the chest wall as stored."""
    image = tones.image
    height, width = rendering.size.of(image.rows, image.columns)
    low, high, padded = stored_range(stored, image.padding)
    voi = tones.voi or full_range(tones.modality, low, high)
    table = grey_table(image, tones.modality, voi, invert=rendering.invert, depth=rendering.depth)
    grey = _scaled_grey(
        stored, table, (height, width), straight=not padded and table.is_straight(low, high)
    )
    side = chest_wall_side(sampled(stored, SAMPLE_EDGE), image)
    if rendering.orient == "chest-wall-left" and side == "right":
        grey = flipped(grey)
    return grey, side


def _scaled_grey(
    stored: Values, table: GreyTable, size: tuple[int, int], *, straight: bool
) -> Values:
    """Scale, then look up, where that is the same as looking up first and several times quicker."""
    smaller = size[0] < stored.shape[0]
    if straight and smaller:
        return table.apply(resize(stored, *size))
    return resize(table.apply(stored), *size)


def render(file: DicomFile, tones: Tones, rendering: Rendering, stored: Values) -> Picture:
    """Render and encode ``stored``, the values of the frame that ``rendering`` asks for."""
    grey, side = render_values(stored, tones, rendering)
    return Picture(
        body=encode(grey, rendering.format, rendering.quality),
        mirrored=rendering.orient == "chest-wall-left" and side == "right",
        chest_wall=side,
        width=grey.shape[1],
        height=grey.shape[0],
    )


def render_file(file: DicomFile, rendering: Rendering) -> Picture:
    """All at once: read, decode, render and encode ``file``."""
    tones = read_tones(file, rendering.window)
    reading = Reading(rendering.frame, reduction(file, tones, rendering))
    stored = read_stored_values(file, tones.image, reading)
    return render(file, tones, rendering, stored)
