"""Pixel data in the three transfer syntaxes of the synthetic files, all of them lossless."""

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1

Pixels = NDArray[np.uint16]

SYNTAX_SHARES = ((ExplicitVRLittleEndian, 0.25), (JPEGLosslessSV1, 0.60), (JPEG2000Lossless, 0.15))


def choose_syntax(share: float) -> str:
    """The transfer syntax for a uniform number in [0, 1)."""
    for syntax, width in SYNTAX_SHARES:
        if share < width:
            return str(syntax)
        share -= width
    return str(SYNTAX_SHARES[-1][0])


def encode_pixels(pixels: Pixels, syntax: str, bits_stored: int) -> bytes:
    """The value of PixelData for one frame (rows, columns) of unsigned pixels."""
    if syntax == ExplicitVRLittleEndian:
        return pixels.astype("<u2").tobytes()
    codec: Any = {JPEGLosslessSV1: _jpeg_lossless, JPEG2000Lossless: _jpeg_2000}[syntax]
    return bytes(encapsulate([codec(pixels, bits_stored)]))


def _jpeg_lossless(pixels: Pixels, bits_stored: int) -> bytes:
    return bytes(imagecodecs.ljpeg_encode(np.ascontiguousarray(pixels), bitspersample=bits_stored))


def _jpeg_2000(pixels: Pixels, bits_stored: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(
            np.ascontiguousarray(pixels),
            level=0,
            reversible=True,
            codecformat="j2k",
            bitspersample=bits_stored,
            resolutions=5,
            numthreads=1,
        )
    )
