"""Samples of a pixel to red, green and blue (PS3.3 C.7.6.3.1.2)."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.dicom.attributes import ImageAttributes
from imagery.dicom.codestream import Codestream
from imagery.dicom.errors import UnreadableImageError

Values = NDArray[Any]

_FROM_YBR = np.array(
    [
        [1, 0, 1.402],
        [1, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587],
        [1, 1.772, 0],
    ],
    np.float32,
)


def samples_of_422(data: Values, image: ImageAttributes) -> Values:
    """Native YBR_FULL_422 (two luminances, then one of each chrominance) as three full planes."""
    if image.columns % 2:
        raise UnreadableImageError("YBR_FULL_422 needs an even number of columns", "Columns")
    pairs = data.reshape(image.rows, image.columns // 2, 4)
    values = np.empty((image.rows, image.columns, 3), data.dtype)
    values[:, ::2, 0], values[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    values[..., 1:] = np.repeat(pairs[..., 2:], 2, axis=1)
    return values


def to_rgb(values: Values, image: ImageAttributes, stream: Codestream | None) -> Values:
    """Decoded samples (rows, columns, 3) as RGB.

    The frame's own word counts more than the header's: a JPEG with a JFIF or Adobe marker says
    what its components are.
    """
    told = stream.colour if stream is not None else None
    by_header = image.photometric_interpretation in ("YBR_FULL", "YBR_FULL_422")
    if told == "rgb" or (told is None and not by_header):
        return values
    middle = 1 << (image.bits_stored - 1)
    centred = values.astype(np.float32) - np.array([0, middle, middle], np.float32)
    whole = np.floor(cv2.transform(centred, _FROM_YBR) + 0.5)
    rgb: Values = np.clip(whole, 0, (1 << image.bits_stored) - 1).astype(values.dtype)
    return rgb
