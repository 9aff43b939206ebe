"""Levels as the bytes of a file."""

from io import BytesIO
from typing import Any

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagery.rendering.png import encode_png
from imagery.rendering.request import Format

LOSSY_DEPTH = 8


def encode(values: NDArray[Any], file_format: Format, quality: int) -> bytes:
    """``values`` (rows, columns[, 3]), uint8 or uint16 (PNG and npy only), as a file."""
    match file_format:
        case "jpeg":
            return bytes(imagecodecs.jpeg8_encode(values, level=quality))
        case "webp":
            colour = values if values.ndim == 3 else cv2.cvtColor(values, cv2.COLOR_GRAY2RGB)
            return bytes(imagecodecs.webp_encode(colour, level=quality, method=1))
        case "png":
            return encode_png(values)
        case "gif":
            return _encode_gif(values)
        case "npy":
            return _encode_npy(values)


def _encode_gif(values: NDArray[Any]) -> bytes:
    """Greys as they are; colours by the 256 that suit the picture best."""
    stream = BytesIO()
    Image.fromarray(values).save(stream, "GIF")
    return stream.getvalue()


def _encode_npy(values: NDArray[Any]) -> bytes:
    stream = BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()
