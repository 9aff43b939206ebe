"""The cold floor: S3, decode, window, resize, encode, with nothing around it, in one process.

Plain aiohttp on a presigned URL in 256 KB chunks, the quickest decoder, OpenCV area resize before
windowing, libjpeg-turbo. This is what a cold thumbnail costs at least.
"""

from typing import Any

import aiohttp
import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

CHUNK = 256 * 1024
EDGE = 256


async def cold_thumbnail(session: aiohttp.ClientSession, url: str, shape: tuple[int, int]) -> bytes:
    """One thumbnail of the object at ``url``, whose pixels are ``shape`` (rows, columns)."""
    async with session.get(url) as response:
        content = b"".join([chunk async for chunk in response.content.iter_chunked(CHUNK)])
    return encode(decode(content, shape))


def decode(content: bytes, shape: tuple[int, int]) -> NDArray[Any]:
    """Stored values of a file made by `images.py`."""
    start = content.find(b"\xff\xd8\xff", 128)
    if start > 0 and start < 8192:
        return imagecodecs.jpeg8_decode(content[start:])
    size = shape[0] * shape[1]
    return np.frombuffer(content, np.uint16, size, len(content) - 2 * size).reshape(shape)


def encode(values: NDArray[Any]) -> bytes:
    """A 256 px JPEG of 12-bit ``values``."""
    scale = EDGE / max(values.shape)
    size = (round(values.shape[1] * scale), round(values.shape[0] * scale))
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    grey = cv2.convertScaleAbs(small, alpha=255 / 4095)
    return bytes(imagecodecs.jpeg8_encode(grey, level=80))
