"""Decoders of each kind of compressed frame, quickest first.

CPU milliseconds on a 4096 x 3328 12-bit mammogram, one core: JPEG 8 bits: libjpeg-turbo 38, Pillow
52, libjpeg 224; 12 bits: 99 and 408; JPEG lossless: libjpeg-turbo 161, liblj92 256, jpegsof3 281,
libjpeg 758; JPEG-LS: CharLS 255, libjpeg 1396; JPEG 2000: OpenJPEG by imagecodecs 1586, by
pylibjpeg 1639, by Pillow 2550 but 53 at an eighth of the resolution; high-throughput JPEG 2000:
OpenJPH 99, OpenJPEG 305 and 361. The next decoder is asked where one fails.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagery.dicom.attributes import ImageAttributes
from imagery.dicom.codestream import Codestream, Kind

Values = NDArray[Any]
Decode = Callable[[bytes | memoryview, ImageAttributes, Codestream | None], Values]


@dataclass(frozen=True)
class Decoder:
    """A named way to decode: (frame, attributes, codestream) -> array (rows, columns).

    The refusal of a ``strict`` one is final: it checks what it reads, where those behind it would
    make up the rest of a broken frame.
    """

    name: str
    decode: Decode
    strict: bool = False


def _decode_jpeg8(
    frame: bytes | memoryview, image: ImageAttributes, stream: Codestream | None
) -> Values:
    """Components as they are coded: what they mean is told elsewhere."""
    data: Any = frame
    if image.samples_per_pixel == 1:
        return imagecodecs.jpeg8_decode(data)
    return imagecodecs.jpeg8_decode(data, colorspace="YCBCR", outcolorspace="YCBCR")


def _imagecodecs(function: str, *, strict: bool = False) -> Decoder:
    decode = getattr(imagecodecs, f"{function}_decode")
    return Decoder(f"imagecodecs.{function}", lambda frame, image, stream: decode(frame), strict)


def _decode_rle(frame: bytes | memoryview, image: ImageAttributes, _: Codestream | None) -> Values:
    """PS3.5 Annex G: the most significant bytes of all pixels, then the next ones."""
    values = imagecodecs.dicomrle_decode(bytes(frame), np.dtype(f"<u{image.bits_allocated // 8}"))
    return _planes(values, image)


def _planes(values: bytes | bytearray, image: ImageAttributes) -> Values:
    """Plane after plane as (rows, columns) or (rows, columns, samples)."""
    found = np.frombuffer(values, f"<u{image.bits_allocated // 8}")
    if image.samples_per_pixel == 1:
        return found.reshape(image.rows, image.columns)
    return found.reshape(-1, image.rows, image.columns).transpose(1, 2, 0)


def _decode_rle_pydicom(
    frame: bytes | memoryview, image: ImageAttributes, _: Codestream | None
) -> Values:
    from pydicom.pixels.decoders.rle import _rle_decode_frame

    samples, bits = image.samples_per_pixel, image.bits_allocated
    return _planes(_rle_decode_frame(bytes(frame), image.rows, image.columns, samples, bits), image)


def _decode_htj2k(
    frame: bytes | memoryview, image: ImageAttributes, _: Codestream | None
) -> Values:
    """imagecodecs tells of a broken frame only by an exception that it lets go unraised."""
    data: Any = frame
    unraised: list[BaseException | None] = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda seen: unraised.append(seen.exc_value)
    try:
        values = imagecodecs.htj2k_decode(data)
    finally:
        sys.unraisablehook = hook
    if unraised:
        raise ValueError(str(unraised[0]))
    return values


def _decode_libjpeg(
    frame: bytes | memoryview, image: ImageAttributes, _: Codestream | None
) -> Values:
    from libjpeg import decode  # type: ignore[attr-defined]

    return np.asarray(decode(bytes(frame)))


def _decode_openjpeg(
    frame: bytes | memoryview, image: ImageAttributes, _: Codestream | None
) -> Values:
    from openjpeg import decode  # type: ignore[attr-defined]

    return np.asarray(decode(bytes(frame)))


def _decode_pillow(
    frame: bytes | memoryview, image: ImageAttributes, _: Codestream | None
) -> Values:
    if image.samples_per_pixel > 1:
        raise ValueError("Pillow converts colours by rules of its own")
    with Image.open(BytesIO(frame)) as picture:
        return np.asarray(picture)


def _decode_pillow_jpeg2000(
    frame: bytes | memoryview, image: ImageAttributes, stream: Codestream | None
) -> Values:
    return decode_jpeg2000_reduced(frame, stream, 0)


def decode_jpeg2000_reduced(
    frame: bytes | memoryview, stream: Codestream | None, reduce: int
) -> Values:
    """A JPEG 2000 frame at 1 / 2**reduce of its size: the low-pass band at that level.

    Pillow widens 9 to 15 bits to 16 and moves signed values up by half the range; both undone. A
    low-pass value stands where the first pixel of its block does, so the picture is moved by half a
    block to lie where an average of the block would.
    """
    assert stream is not None
    with Image.open(BytesIO(frame)) as picture:
        picture.reduce = reduce  # type: ignore[assignment, method-assign]
        values = np.asarray(picture)
    if stream.precision > 8:
        values = values >> (16 - stream.precision)
    if stream.signed:
        values = (values.astype(np.int32) - (1 << (stream.precision - 1))).astype(np.int16)
    return _moved(values, (1 - 0.5**reduce) / 2) if reduce else values


def _moved(values: Values, by: float) -> Values:
    """``values`` sampled ``by`` of a pixel further right and down."""
    matrix = np.array([[1, 0, by], [0, 1, by]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (values.shape[1], values.shape[0])
    return cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


_jpeg8 = Decoder("imagecodecs.jpeg8", _decode_jpeg8)
_libjpeg = Decoder("pylibjpeg-libjpeg", _decode_libjpeg)

_openjpeg = (
    _imagecodecs("jpeg2k"),
    Decoder("pylibjpeg-openjpeg", _decode_openjpeg),
    Decoder("pillow", _decode_pillow_jpeg2000),
)

DECODERS: dict[Kind, tuple[Decoder, ...]] = {
    "rle": (Decoder("imagecodecs.dicomrle", _decode_rle), Decoder("pydicom", _decode_rle_pydicom)),
    "jpeg": (_jpeg8, _libjpeg, Decoder("pillow", _decode_pillow)),
    "jpeg lossless": (
        _jpeg8,
        _imagecodecs("ljpeg"),
        _imagecodecs("jpegsof3"),
        _libjpeg,
    ),
    "jpeg-ls": (_imagecodecs("jpegls", strict=True), _libjpeg),
    "jpeg 2000": _openjpeg,
    "htj2k": (Decoder("imagecodecs.htj2k", _decode_htj2k), *_openjpeg),
}
