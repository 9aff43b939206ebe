"""A heat map over its picture, as PNG."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from trainer.explanations.boxes import Boxes

# Dark to light, from nothing to all: points of matplotlib's `inferno`, which is even in lightness.
_colours = np.array(
    [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21],
     [250, 193, 39], [252, 255, 164]], np.float64,
)  # fmt: skip
BOX = (79, 209, 255)
OPACITY = 0.75


def overlay(
    picture: NDArray[np.uint8], heat: NDArray[np.float32], boxes: Boxes | None = None
) -> NDArray[np.uint8]:
    """(h, w, 3): the hotter, the more of the map shows; boxes are outlined.

    ``picture`` (h, w) grey, ``heat`` (h, w) of 0 to 1.
    """
    place = np.clip(heat, 0, 1) * (len(_colours) - 1)
    coloured = np.stack(
        [np.interp(place, np.arange(len(_colours)), channel) for channel in _colours.T], axis=2
    )
    alpha = (OPACITY * np.sqrt(np.clip(heat, 0, 1)))[..., None]
    mixed = (1 - alpha) * picture[..., None] + alpha * coloured
    drawn: NDArray[np.uint8] = np.round(mixed).astype(np.uint8)
    for box in boxes if boxes is not None else ():
        _outline(drawn, box)
    return drawn


def brighten(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """For the eye: up to the 99.5th percentile, so that a few pixels do not darken the others."""
    top = float(np.percentile(heat, 99.5)) or float(heat.max()) or 1.0
    shown: NDArray[np.float32] = np.clip(heat / top, 0, 1).astype(np.float32)
    return shown


def _outline(drawn: NDArray[np.uint8], box: NDArray[np.int64]) -> None:
    top, left, bottom, right = box
    for rows, columns in (
        (slice(top, bottom), [left, right - 1]),
        ([top, bottom - 1], slice(left, right)),
    ):
        drawn[rows, columns] = BOX


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """(h, w) grey or (h, w, 3) colours as PNG (ISO 15948), without filters."""
    height, width = picture.shape[:2]
    kind = 0 if picture.ndim == 2 else 2
    lines = np.zeros((height, 1 + picture[0].size), np.uint8)
    lines[:, 1:] = picture.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
