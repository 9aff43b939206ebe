"""Frames and instances in transfer syntaxes: as they are kept, decoded, or encoded anew.

Only losslessly, and only images of one sample a pixel: what PS3.18 8.7.3 calls default, and the
lossless syntaxes that viewers ask for. Colour is sent as it is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian

from imagery.dicom.attributes import ImageAttributes, image_attributes
from imagery.dicom.codestream import Kind, read_codestream
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.frames import check_frame, encapsulated_frame, native_frame
from imagery.dicom.limits import Limits
from imagery.dicom.reader import DicomFile
from imagery.dicom.stored import Attempt, Reading, read_stored_values
from imagery.dicom.syntaxes import SYNTAXES

Values = NDArray[Any]

_syntax_of_kind: dict[Kind, str] = {
    "jpeg": "1.2.840.10008.1.2.4.50",
    "jpeg lossless": "1.2.840.10008.1.2.4.57",
    "jpeg-ls": "1.2.840.10008.1.2.4.81",
    "jpeg 2000": "1.2.840.10008.1.2.4.91",
}


def _encode_jpeg_lossless(values: Values, bits: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, lossless=True, predictor=1, bitspersample=bits))


def _encode_jpeg_ls(values: Values, bits: int) -> bytes:
    return bytes(imagecodecs.jpegls_encode(values, level=0))


def _encode_jpeg_2000(values: Values, bits: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(values, 0, codecformat="j2k", reversible=True, bitspersample=bits)
    )


ENCODERS: dict[str, Callable[[Values, int], bytes]] = {
    "1.2.840.10008.1.2.4.70": _encode_jpeg_lossless,
    "1.2.840.10008.1.2.4.80": _encode_jpeg_ls,
    "1.2.840.10008.1.2.4.90": _encode_jpeg_2000,
}


@dataclass(frozen=True)
class Encoding:
    """How an image is kept, and what else it can be sent as.

    ``syntax`` is the frames' own, where ``file_syntax`` is what the file says; native frames are
    always in explicit little endian.
    """

    syntax: str
    file_syntax: str
    frames: int
    others: tuple[str, ...]
    word: bool


def encoding_of(file: DicomFile, limits: Limits) -> Encoding:
    """The encoding of ``file``; by its bytes where its header lies about them."""
    image = image_attributes(file.dataset, limits)
    plain = image.samples_per_pixel == 1
    others = [str(ExplicitVRLittleEndian)] if plain or file.pixel_length is not None else []
    if plain and not image.signed:
        others += ENCODERS
    return Encoding(
        syntax=_true_syntax(file, image),
        file_syntax=file.transfer_syntax_uid,
        frames=image.number_of_frames,
        others=tuple(others),
        word=image.bits_allocated > 8,
    )


def _true_syntax(file: DicomFile, image: ImageAttributes) -> str:
    if file.pixel_length is not None:
        return str(ExplicitVRLittleEndian)  # what a native frame is once it lies in little endian
    stream = read_codestream(encapsulated_frame(file, image, 1))
    told = SYNTAXES.get(file.transfer_syntax_uid)
    if stream is None:
        return file.transfer_syntax_uid
    if told is not None and told[1] == stream.kind:
        return file.transfer_syntax_uid
    return _syntax_of_kind[stream.kind]


def frame_bytes(
    file: DicomFile, frame: int, syntax: str | None, limits: Limits, attempt: Attempt
) -> bytes:
    """One frame (from 1) in ``syntax``; None: as it is kept, native ones in little endian."""
    image = image_attributes(file.dataset, limits)
    check_frame(image, frame)
    if file.pixel_length is not None and syntax in (None, str(ExplicitVRLittleEndian)):
        return _little_endian(native_frame(file, image, frame), file, image)
    if syntax is None:
        return bytes(encapsulated_frame(file, image, frame))
    values = _raw_values(file, image, Reading(frame, attempt=attempt))
    if syntax == ExplicitVRLittleEndian:
        return values.tobytes()
    return ENCODERS[syntax](values, image.bits_stored)


def _little_endian(frame: memoryview, file: DicomFile, image: ImageAttributes) -> bytes:
    if not file.big_endian or image.bits_allocated == 8:
        return bytes(frame)
    return np.frombuffer(frame, ">u2").astype("<u2").tobytes()


def _raw_values(file: DicomFile, image: ImageAttributes, reading: Reading) -> Values:
    """Stored values where the header says that their bits are, in little endian."""
    if image.samples_per_pixel != 1:
        raise UnreadableImageError("colours are sent as they are kept", "SamplesPerPixel")
    values = read_stored_values(file, image, reading)
    shift = image.high_bit + 1 - image.bits_stored
    values = values.view(f"u{values.itemsize}")
    return np.ascontiguousarray(values << shift if shift else values)


def instance_bytes(file: DicomFile, syntax: str, limits: Limits, attempt: Attempt) -> bytes:
    """The instance as a file (PS3.10) in ``syntax``; every other attribute as it is."""
    image = image_attributes(file.dataset, limits)
    frames = range(1, image.number_of_frames + 1)
    pixels = [frame_bytes(file, frame, syntax, limits, attempt) for frame in frames]
    dataset = FileDataset("", file.dataset, file_meta=_meta(file, syntax), preamble=b"\0" * 128)
    native = syntax == ExplicitVRLittleEndian
    dataset.PixelData = _padded(b"".join(pixels)) if native else encapsulate(pixels)
    dataset["PixelData"].VR = "OW" if native and image.bits_allocated > 8 else "OB"
    dataset["PixelData"].is_undefined_length = not native
    stream = BytesIO()
    with config.disable_value_validation():
        dataset.save_as(stream, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return stream.getvalue()


def _padded(data: bytes) -> bytes:
    return data + b"\0" if len(data) % 2 else data


def _meta(file: DicomFile, syntax: str) -> FileMetaDataset:
    meta = FileMetaDataset(Dataset(getattr(file.dataset, "file_meta", None) or Dataset()))
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = file.dataset.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = file.dataset.get("SOPInstanceUID", "")
    return meta
