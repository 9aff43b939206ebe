"""What is true of all stored values of a frame. It takes a look at each: it is found out once."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from imagery.dicom.attributes import ImageAttributes
from imagery.rendering.grey import stored_range
from imagery.rendering.orientation import Side, chest_wall_side
from imagery.rendering.resize import sampled

SAMPLE_EDGE = 256


@dataclass(frozen=True)
class Survey:
    """Stored values from ``low`` to ``high`` are not padding; ``padded``: some others are.

    ``chest_wall`` is its side in the stored image. ``in_place``: the file itself holds the values,
    bit for bit, so that nothing is gained by keeping them elsewhere. Of colours no range is told.
    """

    low: int
    high: int
    padded: bool
    chest_wall: Side
    in_place: bool


def survey_of(stored: NDArray[Any], image: ImageAttributes, *, in_place: bool = False) -> Survey:
    """The survey of ``stored`` (rows, columns[, 3]), a whole frame of ``image``."""
    low, high, padded = (0, 0, False) if image.is_colour else stored_range(stored, image.padding)
    sample = sampled(stored, SAMPLE_EDGE)
    side = chest_wall_side(sample if sample.ndim == 2 else sample.max(axis=2), image)
    return Survey(low, high, padded, side, in_place)
