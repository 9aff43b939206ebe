"""DICOM files that are broken on purpose. Everything follows from a seed."""

import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from dicom_files import (
    DEFLATED,
    EXPLICIT,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LS,
    RLE,
    Made,
    breast,
    dicom_bytes,
    lut_item,
    written,
)
from imagery.dicom.syntaxes import SYNTAXES

WINDOW = {"WindowCenter": 2047, "WindowWidth": 4096}
NATIVE_PIXELS = {"1.2.840.10008.1.2", EXPLICIT}
Mutation = Callable[[random.Random, bytes], bytes]

STRANGE = [0, 1, 2, 3, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFE, 0xFFFF]
STRANGE_LONG = [*STRANGE, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]
ATTRIBUTES: dict[str, list[Any]] = {
    "Rows": STRANGE,
    "Columns": STRANGE,
    "BitsAllocated": [0, 1, 8, 12, 16, 24, 32, 64],
    "BitsStored": [0, 1, 8, 10, 16, 17, 255],
    "HighBit": [0, 7, 11, 15, 16, 255],
    "PixelRepresentation": [0, 1, 2],
    "SamplesPerPixel": [0, 1, 2, 3, 4],
    "PlanarConfiguration": [0, 1, 2],
    "NumberOfFrames": ["0", "1", "2", "1000", "100000", "2147483647"],
    "PhotometricInterpretation": ["MONOCHROME1", "RGB", "YBR_FULL_422", "PALETTE COLOR", "", "X"],
    "WindowCenter": ["0", "1e30", "-1e300", "0.5"],
    "WindowWidth": ["0", "-5", "1e-30", "1e300", "1"],
    "VOILUTFunction": ["SIGMOID", "LINEAR_EXACT", "CUBIC"],
    "RescaleSlope": ["0", "-1", "1e200", "1e-200"],
    "RescaleIntercept": ["1e300", "-40000"],
    "PixelPaddingValue": [0, 5, 0xFFFF],
    "PixelPaddingRangeLimit": [0, 4095, 0xFFFF],
    "PatientOrientation": [["P", "F"], [""], ["\\" * 5]],
}


@cache
def seeds() -> tuple[bytes, ...]:
    """A good file of each transfer syntax, and of each way to grey or colour."""
    small = breast(64, 48)
    eight = breast(64, 48, bits=8).astype(np.uint8)
    files = [
        dicom_bytes(eight if syntax == JPEG_BASELINE else small, Made(syntax, elements=WINDOW))
        for syntax in SYNTAXES
    ]
    curve = [n * 16 for n in range(4096)]
    ways: list[tuple[Any, Made]] = [
        (small, Made(elements={"VOILUTSequence": [lut_item(0, curve, 16)]})),
        (small, Made(elements={"ModalityLUTSequence": [lut_item(0, curve, 16)], **WINDOW})),
        (small.astype(np.int16), Made(elements={"PhotometricInterpretation": "MONOCHROME1"})),
        (np.stack([small, small]), Made(JPEG_LS, elements=WINDOW)),
        (np.stack([small, small, small]), Made(elements=WINDOW)),
        (np.stack([eight] * 3, axis=-1), Made(RLE, photometric="RGB")),
        (np.stack([eight] * 3, axis=-1), Made(JPEG_2000_LOSSLESS, photometric="YBR_RCT")),
        (np.stack([eight] * 3, axis=-1), Made(photometric="YBR_FULL")),
    ]
    return (*files, *(dicom_bytes(values, made) for values, made in ways), paletted())


def paletted() -> bytes:
    """A file with a palette."""
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(breast(64, 48, bits=8).astype(np.uint8))))
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = np.arange(256, dtype="<u2") * 257
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table.tobytes())
    return written(dataset)


def mutated(number: int) -> tuple[str, bytes, bytes]:
    """(name of the mutation, the file before, the file after) of a number."""
    chance = random.Random(number)
    before = chance.choice(seeds())
    name, mutation = chance.choice(list(MUTATIONS.items()))
    return name, before, mutation(chance, before)


def flip_bits(chance: random.Random, content: bytes) -> bytes:
    """Up to 64 bits, anywhere."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flip_header_bits(chance: random.Random, content: bytes) -> bytes:
    """Bits before the pixel data."""
    end = max(200, content.rfind(b"\xe0\x7f\x10\x00"))
    return flip_bits(chance, content[:end]) + content[end:]


def flip_pixel_bits(chance: random.Random, content: bytes) -> bytes:
    """Bits of the pixel data, past the first markers of a frame."""
    start = min(len(content) - 8, content.rfind(b"\xe0\x7f\x10\x00") + 40)
    return content[:start] + flip_bits(chance, content[start:])


def cut(chance: random.Random, content: bytes) -> bytes:
    """The end is missing."""
    return content[: chance.randrange(len(content))]


def lie_about_length(chance: random.Random, content: bytes) -> bytes:
    """Some two or four bytes become a strange length."""
    at = chance.randrange(128, len(content) - 4)
    if chance.random() < 0.5:
        return content[:at] + struct.pack("<H", chance.choice(STRANGE)) + content[at + 2 :]
    return content[:at] + struct.pack("<I", chance.choice(STRANGE_LONG)) + content[at + 4 :]


def lie_about_pixel_length(chance: random.Random, content: bytes) -> bytes:
    """The pixel data's own length, or that of its items."""
    places = [m for m in range(132, len(content) - 8) if content[m : m + 4] in _ITEMS]
    at = chance.choice(places or [132]) + chance.choice((4, 8))
    return content[:at] + struct.pack("<I", chance.choice(STRANGE_LONG)) + content[at + 4 :]


_ITEMS = (b"\xe0\x7f\x10\x00", b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0", b"\xfe\xff\x0d\xe0")


def change_attributes(chance: random.Random, content: bytes) -> bytes:
    """Elements with values that are strange, or right for another file."""
    dataset = pydicom.dcmread(BytesIO(content), force=True)
    for keyword in chance.sample(list(ATTRIBUTES), chance.choice((1, 1, 2, 4))):
        if chance.random() < 0.2 and keyword in dataset:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, chance.choice(ATTRIBUTES[keyword]))
    return _saved(dataset, content)


def change_syntax(chance: random.Random, content: bytes) -> bytes:
    """Another transfer syntax is claimed."""
    dataset = pydicom.dcmread(BytesIO(content), force=True)
    told = str(dataset.file_meta.TransferSyntaxUID)
    other = chance.choice([s for s in SYNTAXES if len(s) <= len(told)])
    return content.replace(told.encode(), other.encode().ljust(len(told), b"\0"), 1)


def nest_deeply(chance: random.Random, content: bytes) -> bytes:
    """Sequences in sequences, of unknown or of lying lengths."""
    length = chance.choice((b"\xff\xff\xff\xff", b"\x00\x10\x00\x00"))
    sequence = b"\x08\x00\x15\x11SQ\x00\x00" + length + b"\xfe\xff\x00\xe0" + length
    at = content.find(b"\x10\x00\x20\x00")
    return content[:at] + sequence * chance.choice((1, 10, 100, 3000)) + content[at:]


def claim_huge(chance: random.Random, content: bytes) -> bytes:
    """Header and frame agree about a size that would fill the memory."""
    rows, columns = chance.choice(((65535, 65535), (32768, 30000), (8192, 8192), (1, 65535)))
    changed = bytearray(content)
    for marker, offset, form in (
        (b"\xff\xc0", 5, ">HH"),
        (b"\xff\xc1", 5, ">HH"),
        (b"\xff\xc3", 5, ">HH"),
        (b"\xff\xf7", 5, ">HH"),
        (b"\xff\x51", 6, ">II"),
    ):
        at = content.find(marker, 300)
        if 0 < at < len(content) - 20:
            values = (columns, rows) if form == ">II" else (rows, columns)
            changed[at + offset : at + offset + struct.calcsize(form)] = struct.pack(form, *values)
    for tag, value in (
        (b"\x28\x00\x10\x00US\x02\x00", rows),
        (b"\x28\x00\x11\x00US\x02\x00", columns),
    ):
        at = content.find(tag)
        if at > 0:
            changed[at + 8 : at + 10] = struct.pack("<H", value)
    return bytes(changed)


def bomb(chance: random.Random, content: bytes) -> bytes:
    """Little that unpacks to much: a deflate stream of zeros, or run lengths without end."""
    if chance.random() < 0.5:
        return _deflate_bomb(chance.choice((1, 64, 600)) << 20)
    dataset = pydicom.dcmread(BytesIO(rle_seed()))
    runs = b"\x81\x00" * chance.choice((10, 10_000, 200_000))
    frame = struct.pack("<16I", 2, 64, 64 + len(runs), *[0] * 13) + runs * 2
    dataset.PixelData = pydicom.encaps.encapsulate([frame])
    return written(dataset)


@cache
def rle_seed() -> bytes:
    """A good RLE file."""
    return dicom_bytes(breast(64, 48), Made(RLE, elements=WINDOW))


@cache
def _deflate_bomb(size: int) -> bytes:
    head = dicom_bytes(breast(64, 48), Made(DEFLATED))
    end = 132 + 12 + struct.unpack_from("<I", head, 140)[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return head[:end] + b"".join([*parts, packer.flush()])


def splice(chance: random.Random, content: bytes) -> bytes:
    """The beginning of one file and the end of another."""
    other = chance.choice(seeds())
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


def blank(chance: random.Random, content: bytes) -> bytes:
    """A stretch of zeros, ones or noise."""
    at = chance.randrange(len(content))
    size = chance.choice((1, 16, 256, 4096))
    filling = chance.choice((bytes(size), b"\xff" * size, chance.randbytes(size)))
    return (content[:at] + filling + content[at + size :])[: len(content)]


def break_tables(chance: random.Random, content: bytes) -> bytes:
    """Lookup tables and palettes with lying descriptors."""
    dataset = pydicom.dcmread(BytesIO(content), force=True)
    item = lut_item(0, [0, 4095], 16)
    item.LUTDescriptor = [chance.choice(STRANGE) for _ in range(chance.choice((1, 3, 3, 3, 4)))]
    keyword = chance.choice(("VOILUTSequence", "ModalityLUTSequence"))
    setattr(dataset, keyword, [item])
    if "RedPaletteColorLookupTableDescriptor" in dataset:
        dataset.RedPaletteColorLookupTableDescriptor = [chance.choice(STRANGE) for _ in range(3)]
    return _saved(dataset, content)


def leave_alone(chance: random.Random, content: bytes) -> bytes:
    """Nothing is wrong with it."""
    return content


def _saved(dataset: Any, content: bytes) -> bytes:
    """The data set as a file; the file with bits flipped where pydicom will not write that."""
    try:
        return written(dataset)
    except Exception:  # noqa: BLE001 - what cannot be written that way is broken another way
        return flip_bits(random.Random(len(content)), content)


MUTATIONS: dict[str, Mutation] = {
    one.__name__: one
    for one in (
        flip_bits,
        flip_header_bits,
        flip_pixel_bits,
        cut,
        lie_about_length,
        lie_about_pixel_length,
        change_attributes,
        change_syntax,
        nest_deeply,
        claim_huge,
        bomb,
        splice,
        blank,
        break_tables,
        leave_alone,
    )
}
