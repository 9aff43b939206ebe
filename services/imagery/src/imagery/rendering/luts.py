"""Lookup tables of the Modality LUT and VOI LUT modules (PS3.3 C.11.1.1, C.11.2.1.1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imagery.dicom.attributes import as_stored_value
from imagery.dicom.errors import UnreadableImageError

Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lut:
    """``values[i]`` belongs to input ``first_mapped + i``; beyond the ends the end values hold."""

    first_mapped: int
    values: Real
    bits: int

    def apply(self, inputs: Real) -> Real:
        """Look up each input (rounded down where it is not whole)."""
        index = np.floor(inputs).astype(np.int64) - self.first_mapped
        return self.values[np.clip(index, 0, len(self.values) - 1)]


def read_lut(item: Dataset, *, signed: bool, big_endian: bool = False) -> Lut:
    """A LUT sequence item."""
    entries, first, bits = read_descriptor(item, "LUTDescriptor", signed=signed)
    values = lut_data(item.get("LUTData"), entries, bits, big_endian=big_endian)
    return Lut(first, values, bits)


def read_descriptor(item: Dataset, keyword: str, *, signed: bool) -> tuple[int, int, int]:
    """(entries, first mapped, bits). Zero entries in the descriptor mean 65536."""
    descriptor = item.get(keyword)
    if not isinstance(descriptor, list | tuple) and not hasattr(descriptor, "__len__"):
        raise UnreadableImageError("a LUT has no descriptor", keyword)
    if len(descriptor) != 3 or isinstance(descriptor, bytes):
        raise UnreadableImageError("a LUT descriptor is not three integers", keyword)
    bits = int(descriptor[2])
    if not 8 <= bits <= 16:
        raise UnreadableImageError(f"a LUT of {bits} bits is not 8 to 16", keyword)
    entries = (int(descriptor[0]) & 0xFFFF) or 65536
    return entries, as_stored_value(descriptor[1], 16, signed=signed), bits


def lut_data(data: Any, entries: int, bits: int, *, big_endian: bool) -> Real:
    """The ``entries`` values of a LUT; UnreadableImageError where there are fewer."""
    if isinstance(data, bytes):
        # PS3.3 C.11.1.1.1: 8-bit entries may be packed two to a word.
        packed = bits == 8 and len(data) < 2 * entries
        dtype = np.dtype("u1" if packed else (">u2" if big_endian else "<u2"))
        found = np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype)
    elif data is None:
        found = np.empty(0, np.uint16)
    else:
        found = np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF
    if len(found) < entries:
        raise UnreadableImageError(f"a LUT has {len(found)} of {entries} entries", "LUTData")
    return found[:entries].astype(np.float64)
