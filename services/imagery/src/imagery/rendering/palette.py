"""Palette Color Lookup Table: stored indices to red, green and blue (PS3.3 C.7.9)."""

import struct

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import _expand_segmented_lut

from imagery.dicom.errors import UnreadableImageError
from imagery.rendering.luts import Lut, Real, lut_data, read_descriptor

COLOURS = ("Red", "Green", "Blue")
Palette = tuple[Lut, ...]


def read_palette(dataset: Dataset, *, big_endian: bool = False) -> Palette:
    """The tables of the three colours; UnreadableImageError where one is missing or short."""
    return tuple(_read_table(dataset, colour, big_endian=big_endian) for colour in COLOURS)


def apply_palette(stored: Real, palette: Palette) -> Real:
    """Indices, any shape, as colours from 0 to 1 with one dimension more."""
    return np.stack([table.apply(stored) / ((1 << table.bits) - 1) for table in palette], axis=-1)


def _read_table(dataset: Dataset, colour: str, *, big_endian: bool) -> Lut:
    keyword = f"{colour}PaletteColorLookupTableDescriptor"
    entries, first, bits = read_descriptor(dataset, keyword, signed=False)
    data = dataset.get(f"{colour}PaletteColorLookupTableData")
    segments = dataset.get(f"Segmented{colour}PaletteColorLookupTableData")
    if data is None and isinstance(segments, bytes):
        data = _expanded(segments, bits, big_endian=big_endian)
    return Lut(first, lut_data(data, entries, bits, big_endian=big_endian), bits)


def _expanded(segments: bytes, bits: int, *, big_endian: bool) -> list[int]:
    """Segments written out (PS3.3 C.7.9.2)."""
    size = 1 if bits == 8 else 2
    text = f"{'>' if big_endian else '<'}{len(segments) // size}{'B' if size == 1 else 'H'}"
    words = struct.unpack_from(text, segments)
    try:
        return [int(value) for value in _expand_segmented_lut(words, text)]
    except (ValueError, IndexError) as error:
        reason = "a segmented palette is malformed"
        raise UnreadableImageError(reason, "PaletteColorLookupTableDescriptor") from error
