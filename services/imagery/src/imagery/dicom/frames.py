"""The bytes of one frame: a slice of native pixel data, or the fragments of an encapsulated one."""

import struct
from collections.abc import Iterator

from pydicom.encaps import get_frame

from imagery.dicom.attributes import ImageAttributes
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.reader import DicomFile

_ITEM = b"\xfe\xff\x00\xe0"


def check_frame(image: ImageAttributes, frame: int) -> None:
    """Frames count from 1 (PS3.18 8.3.5)."""
    if not 1 <= frame <= image.number_of_frames:
        reason = f"there is no frame {frame}; the image has {image.number_of_frames}"
        raise UnreadableImageError(reason, "NumberOfFrames")


def native_frame(file: DicomFile, image: ImageAttributes, frame: int) -> memoryview:
    """One frame of uncompressed pixel data, without a copy."""
    start = (frame - 1) * image.frame_bytes
    found = file.pixel_bytes[start : start + image.frame_bytes]
    if len(found) < image.frame_bytes:
        reason = f"pixel data ends within frame {frame}: {len(found)} of {image.frame_bytes} bytes"
        raise UnreadableImageError(reason, "PixelData")
    return found


def encapsulated_frame(file: DicomFile, image: ImageAttributes, frame: int) -> bytes | memoryview:
    """One compressed frame (PS3.5 A.4); without a copy where it is a single fragment."""
    if image.number_of_frames == 1:
        fragments = list(_fragments(file.pixel_bytes))[1:]
        if not fragments:
            raise UnreadableImageError("encapsulated pixel data has no fragment", "PixelData")
        return fragments[0] if len(fragments) == 1 else b"".join(fragments)
    try:
        frames = image.number_of_frames
        found: bytes = get_frame(bytes(file.pixel_bytes), frame - 1, number_of_frames=frames)
    except (ValueError, IndexError, EOFError, struct.error) as error:
        raise UnreadableImageError(f"frame {frame} cannot be found", "PixelData") from error
    return found


def _fragments(data: memoryview) -> Iterator[memoryview]:
    """The items of an encapsulated value, the basic offset table first."""
    at = 0
    while bytes(data[at : at + 4]) == _ITEM:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if at + length > len(data):
            raise UnreadableImageError("the file ends within its pixel data", "PixelData")
        yield data[at : at + length]
        at += length
