"""Mammogram-like DICOM files at full size, for benchmarks."""

from io import BytesIO
from typing import Any

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_2000 = "1.2.840.10008.1.2.4.90"


def breast(rows: int, columns: int) -> NDArray[np.uint16]:
    """12-bit values: tissue with structure and noise at the left, air at the right."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    away = np.hypot((y - rows / 2) / (rows * 0.45), x / (columns * 0.7))
    structure = cv2.GaussianBlur(rng.normal(0, 1, (rows, columns)).astype(np.float32), (0, 0), 3)
    tissue = 2600 - 1500 * away**2 + 3000 * structure + rng.normal(0, 8, away.shape)
    return np.where(away < 1, tissue, 0).clip(0, 4095).astype(np.uint16)


def dicom_file(values: NDArray[np.uint16], syntax: str) -> bytes:
    """A Hologic-like file of ``values`` in transfer syntax ``syntax``."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.2")
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PatientOrientation = "MG", ["A", "F"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2047, 4096
    _set_pixels(dataset, values, syntax)
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return stream.getvalue()


def _set_pixels(dataset: FileDataset, values: NDArray[np.uint16], syntax: str) -> None:
    if syntax == EXPLICIT:
        dataset.PixelData = values.tobytes()
        dataset["PixelData"].VR = "OW"
        return
    encoded: Any
    if syntax == JPEG_LOSSLESS:
        encoded = imagecodecs.jpeg8_encode(values, lossless=True, predictor=1, bitspersample=12)
    else:
        encoded = imagecodecs.jpeg2k_encode(
            values, 0, codecformat="j2k", reversible=True, bitspersample=12
        )
    dataset.PixelData = encapsulate([bytes(encoded)])
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
