"""DICOM files of every transfer syntax, written with real encoders."""

from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"
HTJ2K = "1.2.840.10008.1.2.4.203"

MAMMOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.2"


def breast(
    rows: int = 256, columns: int = 192, bits: int = 12, *, right: bool = False, seed: int = 7
) -> NDArray[np.uint16]:
    """Something like a breast against the left (or right) side on a black background."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    away = np.hypot((y - rows / 2) / (rows * 0.42), x / (columns * 0.7))
    noise = np.random.default_rng(seed).normal(0, 0.03, (rows, columns))
    inside = away < 1
    values = np.where(inside, 0.35 + 0.4 * (1 - away) + noise, 0).clip(0, 1)
    stored = np.rint(values * ((1 << bits) - 1)).astype(np.uint16)
    return np.ascontiguousarray(stored[:, ::-1]) if right else stored


@dataclass
class Made:
    """How a test's file is to be."""

    syntax: str = EXPLICIT
    bits_stored: int = 12
    photometric: str = "MONOCHROME2"
    elements: dict[str, Any] = field(default_factory=dict)


def dataset_of(values: NDArray[Any], made: Made) -> FileDataset:
    """A digital mammogram with ``values`` ([frames, ]rows, columns[, 3]).

    Values of three samples are what is stored: YBR where the photometric interpretation says so.
    """
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(made.syntax)
    meta.MediaStorageSOPClassUID = UID(MAMMOGRAPHY)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[made.syntax])
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = MAMMOGRAPHY, meta.MediaStorageSOPInstanceUID
    dataset.PatientID, dataset.Modality = "10000001", "MG"
    dataset.PatientOrientation = ["A", "F"]
    samples = 3 if made.photometric.startswith(("RGB", "YBR")) else 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = samples, made.photometric
    if samples == 3:
        dataset.PlanarConfiguration = 0
    plane = values[..., 0] if samples == 3 else values
    dataset.Rows, dataset.Columns = plane.shape[-2:]
    if plane.ndim == 3:
        dataset.NumberOfFrames = len(plane)
    allocated = values.dtype.itemsize * 8
    stored = min(made.bits_stored, allocated)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = allocated, stored, stored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    for keyword, value in made.elements.items():
        setattr(dataset, keyword, value)
    return dataset


def dicom_bytes(values: NDArray[Any], made: Made | None = None) -> bytes:
    """The file, its pixel data encoded as its transfer syntax says."""
    made = made or Made()
    dataset = dataset_of(values, made)
    frames = values if "NumberOfFrames" in dataset else values[None]
    encode = ENCODERS.get(made.syntax)
    if encode is None:
        order = ">" if made.syntax == BIG_ENDIAN else "<"
        dataset.PixelData = values.astype(values.dtype.newbyteorder(order)).tobytes()
        dataset["PixelData"].VR = "OW" if values.dtype.itemsize == 2 else "OB"
    else:
        encoded = [encode(frame, int(dataset.BitsStored)) for frame in frames]
        dataset.PixelData = encapsulate(encoded)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    return written(dataset)


@cache
def slow_file() -> bytes:
    """A JPEG 2000 image that takes about half a second to decode at full size."""
    return dicom_bytes(breast(2400, 2000), Made(JPEG_2000_LOSSLESS))


def written(dataset: FileDataset) -> bytes:
    """The bytes of a data set as a file."""
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.set_original_encoding(syntax.is_implicit_VR, syntax.is_little_endian, "ascii")
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _encode_rle(values: NDArray[Any], bits: int) -> bytes:
    from pydicom.pixels.encoders.base import EncodeRunner
    from pydicom.pixels.encoders.native import _encode_frame

    runner = EncodeRunner(UID(RLE))
    runner.set_options(
        rows=values.shape[0],
        columns=values.shape[1],
        samples_per_pixel=values.size // (values.shape[0] * values.shape[1]),
        photometric_interpretation="MONOCHROME2" if values.ndim == 2 else "RGB",
        number_of_frames=1,
        bits_allocated=values.dtype.itemsize * 8,
        bits_stored=bits,
        pixel_representation=0,
    )
    return bytes(_encode_frame(values.tobytes(), runner))


def _encode_jpeg(values: NDArray[Any], bits: int) -> bytes:
    """Samples as they are, three of them called YBR by a JFIF segment."""
    told = {"colorspace": "YCBCR", "outcolorspace": "YCBCR"} if values.ndim == 3 else {}
    return bytes(imagecodecs.jpeg8_encode(values, level=98, bitspersample=bits, **told))


def _encode_jpeg_lossless(predictor: int) -> Any:
    def encode(values: NDArray[Any], bits: int) -> bytes:
        return bytes(
            imagecodecs.jpeg8_encode(values, lossless=True, predictor=predictor, bitspersample=bits)
        )

    return encode


def _encode_jpeg_ls(level: int) -> Any:
    return lambda values, bits: bytes(imagecodecs.jpegls_encode(values, level=level))


def _encode_jpeg_2000(*, reversible: bool) -> Any:
    def encode(values: NDArray[Any], bits: int) -> bytes:
        level = 0 if reversible else 60
        return bytes(
            imagecodecs.jpeg2k_encode(
                values,
                level,
                codecformat="j2k",
                reversible=reversible,
                bitspersample=bits,
                mct=values.ndim == 3,
            )
        )

    return encode


def _encode_htj2k(*, reversible: bool) -> Any:
    return lambda values, bits: bytes(imagecodecs.htj2k_encode(values, reversible=reversible))


ENCODERS: dict[str, Any] = {
    RLE: _encode_rle,
    JPEG_BASELINE: _encode_jpeg,
    JPEG_EXTENDED: _encode_jpeg,
    JPEG_LOSSLESS: _encode_jpeg_lossless(6),
    JPEG_LOSSLESS_SV1: _encode_jpeg_lossless(1),
    JPEG_LS: _encode_jpeg_ls(0),
    JPEG_LS_NEAR: _encode_jpeg_ls(2),
    JPEG_2000_LOSSLESS: _encode_jpeg_2000(reversible=True),
    JPEG_2000: _encode_jpeg_2000(reversible=False),
    HTJ2K_LOSSLESS: _encode_htj2k(reversible=True),
    HTJ2K_RPCL: _encode_htj2k(reversible=True),
    HTJ2K: _encode_htj2k(reversible=False),
}


def lut_item(first: int, values: list[int], bits: int) -> Dataset:
    """A LUT sequence item."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(values) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(values, "<u2").tobytes())
    return item
