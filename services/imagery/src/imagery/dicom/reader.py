"""Opens a DICOM file in memory without touching its pixels (PS3.10)."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from mmap import mmap
from typing import Any, BinaryIO, Literal, cast

import numpy as np
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.limits import DEFAULT_LIMITS, Limits

PIXEL_DATA = 0x7FE00010
UNDEFINED_LENGTH = 0xFFFFFFFF
_long_vrs = (b"OB", b"OW", b"UN")


@dataclass(frozen=True)
class DicomFile:
    """A file's elements, and where in ``buffer`` its pixel data lies.

    ``pixel_length`` is None for encapsulated pixel data (undefined length, PS3.5 A.4).
    """

    dataset: Dataset
    transfer_syntax_uid: str
    big_endian: bool
    buffer: memoryview
    pixel_offset: int
    pixel_length: int | None

    @property
    def pixel_bytes(self) -> memoryview:
        """Everything from the first byte of the pixel data's value on, without a copy."""
        end = None if self.pixel_length is None else self.pixel_offset + self.pixel_length
        return self.buffer[self.pixel_offset : end]


def open_dicom(source: bytes | mmap, limits: Limits = DEFAULT_LIMITS) -> DicomFile:
    """Read the elements before the pixel data of the file in ``source``.

    Raises UnreadableImageError for what is not a DICOM file with pixel data, or exceeds ``limits``.
    """
    # Values are judged where they are used; a malformed date must not hide a good picture.
    config.settings.reading_validation_mode = config.IGNORE
    stream: Any = BytesIO(source) if isinstance(source, bytes) else source
    with element_faults("not a readable DICOM file"):
        return _open(stream, source, limits)


@contextmanager
def element_faults(reason: str) -> Iterator[None]:
    """UnreadableImageError for whatever pydicom raises: it depends on the broken bytes.

    Elements are parsed when they are first asked for, so this belongs around that as well.
    """
    try:
        yield
    except UnreadableImageError:
        raise
    except RecursionError as error:
        raise UnreadableImageError("sequences are nested too deeply") from error
    except MemoryError as error:
        raise UnreadableImageError("reading it needs more memory than is allowed") from error
    except Exception as error:
        raise UnreadableImageError(f"{reason} ({type(error).__name__})") from error


def _open(stream: Any, source: bytes | mmap, limits: Limits) -> DicomFile:
    stream.seek(0)
    meta = _file_meta(stream)
    if str(meta.get("TransferSyntaxUID", "")) == DeflatedExplicitVRLittleEndian:
        return _open_deflated(stream, meta, limits)
    stream.seek(0)
    stop = _Stop(limits.elements)
    dataset = read_partial(cast(BinaryIO, stream), stop_when=stop, force=True)
    implicit, little = dataset.original_encoding
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) or _guessed(implicit, little)
    return _located(dataset, syntax, stream, memoryview(source))


def _file_meta(stream: Any) -> Dataset:
    """The file meta information, if the file begins with one; the stream is left behind it."""
    preamble = stream.read(132)
    if preamble[128:] != b"DICM":
        # Old files have no preamble; they begin with the identifying group itself.
        if int.from_bytes(preamble[:2], "little") not in (0x0002, 0x0008):
            raise UnreadableImageError("not a DICOM file")
        return Dataset()
    return read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)


def _open_deflated(stream: Any, meta: Dataset, limits: Limits) -> DicomFile:
    """PS3.5 A.5: everything after the file meta information is one deflate stream."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(stream.read(), limits.inflated_bytes)
    if inflater.unconsumed_tail:
        raise UnreadableImageError(f"inflates to more than {limits.inflated_bytes} bytes")
    inner = BytesIO(inflated)
    dataset = read_dataset(inner, False, True, stop_when=_Stop(limits.elements))
    dataset.file_meta = FileMetaDataset(meta)
    syntax = str(meta.TransferSyntaxUID)
    return _located(dataset, syntax, inner, memoryview(inflated))


class _Stop:
    """Ends reading at the pixel data, or where there are more elements than any image has."""

    def __init__(self, elements: int) -> None:
        self._left = elements

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        self._left -= 1
        if self._left < 0:
            raise UnreadableImageError("there are too many elements")
        return tag >= PIXEL_DATA


def _guessed(implicit: bool, little: bool) -> str:
    if implicit:
        return str(ImplicitVRLittleEndian)
    return "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"


def _located(dataset: Dataset, syntax: str, stream: Any, buffer: memoryview) -> DicomFile:
    """Parse the head of the pixel data element, where reading stopped (PS3.5 7.1)."""
    start = stream.tell()
    big = syntax == "1.2.840.10008.1.2.2"
    order: Literal["big", "little"] = "big" if big else "little"
    head = bytes(buffer[start : start + 12])
    group, element = (int.from_bytes(head[i : i + 2], order) for i in (0, 2))
    if (group << 16 | element) != PIXEL_DATA or len(head) < 12:
        raise UnreadableImageError("there is no pixel data", "PixelData")
    explicit = head[4:6] in _long_vrs
    length = int.from_bytes(head[8:12] if explicit else head[4:8], order)
    offset = start + (12 if explicit else 8)
    if length == UNDEFINED_LENGTH:
        return DicomFile(dataset, syntax, big, buffer, offset, None)
    if offset + length > len(buffer):
        raise UnreadableImageError("the file ends within its pixel data", "PixelData")
    if big and head[4:6] == b"OW" and dataset.get("BitsAllocated") == 8:
        words = buffer[offset : offset + length // 2 * 2]  # two pixels lie in a word (PS3.5 8.1.1)
        swapped = np.frombuffer(words, ">u2").astype("<u2").tobytes()
        return DicomFile(dataset, syntax, big, memoryview(swapped), 0, len(swapped))
    return DicomFile(dataset, syntax, big, buffer, offset, length)
