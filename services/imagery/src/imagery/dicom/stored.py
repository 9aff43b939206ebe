"""Stored values of a frame: decoded, checked against the header, with unused bits removed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagery.dicom.attributes import ImageAttributes
from imagery.dicom.codestream import Codestream, Kind, is_cut, read_codestream
from imagery.dicom.colour import samples_of_422, to_rgb
from imagery.dicom.decoders import DECODERS, Decoder, decode_jpeg2000_reduced
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.frames import check_frame, encapsulated_frame, native_frame
from imagery.dicom.reader import DicomFile
from imagery.dicom.syntaxes import SYNTAXES

WAVELETS: tuple[Kind, ...] = ("jpeg 2000", "htj2k")

Values = NDArray[Any]
Attempt = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """How a frame is to be decoded.

    ``reduce`` asks a JPEG 2000 frame for 1 / 2**reduce of its size; others ignore it.
    ``avoided`` decoders are not tried (they have crashed on this file before), and ``attempt`` is
    told the name of each decoder before it starts. ``in_place``: that the values lie in the file as
    they are (``is_in_place``) was found before, and need not be found again.
    """

    frame: int = 1
    reduce: int = 0
    avoided: Collection[str] = ()
    attempt: Attempt = lambda name: None
    in_place: bool = False


def read_stored_values(file: DicomFile, image: ImageAttributes, reading: Reading) -> Values:
    """Stored values of one frame: (rows, columns), uint8, uint16, int8 or int16.

    Samples of a colour image are RGB, (rows, columns, 3); of one with a palette they are indices.
    A native little-endian frame whose bits are all used is a view of the file, not a copy.
    """
    check_frame(image, reading.frame)
    stream = None
    if file.pixel_length is not None:
        values = _native(file, image, reading.frame)
    else:
        values, stream = _compressed(file, image, reading)
    used = values if reading.in_place else _used_bits(values, image)
    return used if image.samples_per_pixel == 1 else to_rgb(used, image, stream)


def is_in_place(values: Values, file: DicomFile) -> bool:
    """Whether ``values`` are a view of the file: none of its bits had to be changed."""
    return np.may_share_memory(values, np.frombuffer(file.buffer, np.uint8))


def is_reducible(file: DicomFile, image: ImageAttributes, reading: Reading) -> int:
    """How many times a frame may be halved in size while it is decoded (0: not at all)."""
    if file.pixel_length is not None or image.number_of_frames != 1:
        return 0
    stream = read_codestream(encapsulated_frame(file, image, reading.frame))
    return stream.levels if stream and stream.kind in WAVELETS else 0


def _native(file: DicomFile, image: ImageAttributes, frame: int) -> Values:
    order = ">" if file.big_endian else "<"
    dtype = np.dtype(f"{order}u{image.bits_allocated // 8}")
    values = _laid_out(np.frombuffer(native_frame(file, image, frame), dtype), image)
    return values.astype(dtype.newbyteorder("=")) if file.big_endian else values


def _laid_out(samples: Values, image: ImageAttributes) -> Values:
    """Samples in the order of the file as (rows, columns) or (rows, columns, samples)."""
    if image.photometric_interpretation == "YBR_FULL_422":
        return samples_of_422(samples, image)
    if image.samples_per_pixel == 1:
        return samples.reshape(image.rows, image.columns)
    if image.planar:
        return samples.reshape(-1, image.rows, image.columns).transpose(1, 2, 0)
    return samples.reshape(image.rows, image.columns, -1)


def _compressed(
    file: DicomFile, image: ImageAttributes, reading: Reading
) -> tuple[Values, Codestream | None]:
    frame = encapsulated_frame(file, image, reading.frame)
    stream = read_codestream(frame)
    kind = _kind(file.transfer_syntax_uid, stream)
    if stream is not None:
        _check_claims(stream, image)
    if is_cut(frame, kind):
        raise UnreadableImageError(f"the {kind} frame ends before its end marker", "PixelData")
    decoders = _decoders(kind, stream, reading)
    return _first_answer(decoders, frame, image, stream, reading), stream


def _first_answer(
    decoders: Sequence[Decoder],
    frame: bytes | memoryview,
    image: ImageAttributes,
    stream: Codestream | None,
    reading: Reading,
) -> Values:
    """What the first decoder that can says; UnreadableImageError names those that could not."""
    failures = []
    for decoder in decoders:
        if decoder.name in reading.avoided:
            failures.append(f"{decoder.name} crashed")
            continue
        reading.attempt(decoder.name)
        try:
            return _shaped(decoder.decode(frame, image, stream), image, stream, decoder.name)
        except MemoryError as error:
            raise UnreadableImageError("decoding needs more memory than is allowed") from error
        except Exception as error:  # noqa: BLE001 - every library has errors of its own
            failures.append(f"{decoder.name}: {str(error)[:120] or type(error).__name__}")
            if decoder.strict:
                break
    raise UnreadableImageError(f"no decoder reads this frame ({'; '.join(failures)})", "PixelData")


def _decoders(kind: Kind, stream: Codestream | None, reading: Reading) -> tuple[Decoder, ...]:
    plain = DECODERS[kind]
    if kind not in WAVELETS or stream is None:
        return plain
    reduce = min(reading.reduce, stream.levels)
    if reduce == 0:
        return plain
    quick = Decoder(
        f"pillow reduce {reduce}",
        lambda frame, image, given: decode_jpeg2000_reduced(frame, given, reduce),
    )
    return (quick, *plain)


def _kind(syntax: str, stream: Codestream | None) -> Kind:
    """What the bytes are; the transfer syntax decides only where they do not say."""
    if stream is not None:
        return stream.kind
    if syntax not in SYNTAXES:
        raise UnreadableImageError(f"transfer syntax {syntax} is not shown", "TransferSyntaxUID")
    name, kind = SYNTAXES[syntax]
    if kind != "rle":
        raise UnreadableImageError(f"the pixel data are not {name}", "TransferSyntaxUID")
    return kind


def _check_claims(stream: Codestream, image: ImageAttributes) -> None:
    if (stream.rows, stream.columns) != (image.rows, image.columns):
        reason = (
            f"the header says {image.columns} x {image.rows} pixels, "
            f"the frame {stream.columns} x {stream.rows}"
        )
        raise UnreadableImageError(reason, "Rows")
    if stream.components != image.samples_per_pixel:
        reason = f"the frame has {stream.components} components, not {image.samples_per_pixel}"
        raise UnreadableImageError(reason, "SamplesPerPixel")


def _shaped(
    values: Values, image: ImageAttributes, stream: Codestream | None, decoder: str
) -> Values:
    """Decoded values as the unsigned type of the header; a decoder's wrong answer is refused."""
    whole: tuple[int, ...] = (image.rows, image.columns)
    if image.samples_per_pixel > 1:
        whole += (image.samples_per_pixel,)
    reduced = "reduce" in decoder and values.ndim == len(whole)
    if values.shape != whole and not reduced:
        raise ValueError(f"decoded to {values.shape}, not {whole}")
    if image.bits_allocated == 8 and stream is not None and stream.precision > 8:
        raise ValueError(f"{stream.precision}-bit values do not fit 8 bits")
    return values.astype(f"u{image.bits_allocated // 8}", copy=False)


def _used_bits(values: Values, image: ImageAttributes) -> Values:
    """Move to bit 0, drop what lies above Bits Stored, and extend the sign (PS3.5 8.1.1)."""
    shift = image.high_bit + 1 - image.bits_stored
    if shift:
        values = values >> shift
    unused = image.bits_allocated - image.bits_stored
    mask = (1 << image.bits_stored) - 1
    if unused and values.max() > mask:
        values = values & values.dtype.type(mask)
    if not image.signed:
        return values
    signed = values.view(f"i{image.bits_allocated // 8}")
    return (signed << unused) >> unused if unused else signed
