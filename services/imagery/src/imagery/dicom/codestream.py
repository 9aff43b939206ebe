"""What a compressed frame says of itself, read from its first markers without decoding.

Decoders allocate by what the frame claims, so the claim is compared with the header before one is
called; and a file that lies about its transfer syntax is decoded by what its bytes are.
"""

from dataclasses import dataclass
from typing import Literal

Colour = Literal["rgb", "ybr"]
Kind = Literal["raw", "rle", "jpeg", "jpeg lossless", "jpeg-ls", "jpeg 2000", "htj2k"]

_JPEG2000_START = b"\xff\x4f\xff\x51"
_HIGH_THROUGHPUT = 0x40  # of the capabilities' first byte (ITU-T T.814 A.2)
_SEARCHED = 4096
_PADDED_END = 64
_sof_kinds: dict[int, Kind] = {
    0xC0: "jpeg",
    0xC1: "jpeg",
    0xC2: "jpeg",
    0xC3: "jpeg lossless",
    0xF7: "jpeg-ls",
}


@dataclass(frozen=True)
class Codestream:
    """Geometry and precision of a compressed frame; ``levels`` of a JPEG 2000 wavelet.

    ``colour`` is what a decoder yields of it where the frame says so; None leaves it to the header.
    """

    kind: Kind
    rows: int
    columns: int
    precision: int
    components: int
    signed: bool = False
    levels: int = 0
    colour: Colour | None = None


def read_codestream(frame: bytes | memoryview) -> Codestream | None:
    """Recognise JPEG, JPEG-LS and JPEG 2000; None for anything else (RLE has no signature)."""
    head = bytes(frame[:_SEARCHED])
    if head[:2] == b"\xff\xd8":
        return _read_jpeg(bytes(frame[: 16 * _SEARCHED]))
    start = head.find(_JPEG2000_START)
    if start == 0 or (start > 0 and head[4:8] == b"jP  "):
        return _read_jpeg2000(bytes(frame[start : start + _SEARCHED]))
    return None


def is_cut(frame: bytes | memoryview, kind: Kind) -> bool:
    """Whether a JPEG or JPEG-LS frame lacks its end marker: decoders would make up the rest."""
    if kind not in ("jpeg", "jpeg lossless", "jpeg-ls"):
        return False
    return not bytes(frame[-_PADDED_END:]).rstrip(b"\x00\xff").endswith(b"\xff\xd9")


def _read_jpeg(data: bytes) -> Codestream | None:
    """Walk the marker segments up to the start of frame (ITU-T T.81 B.2.2)."""
    at, told = 2, None
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _sof_kinds and at + 10 <= len(data):
            rows, columns = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (5, 7))
            colour = told or _by_identifiers(data[at + 10 : at + 19 : 3])
            kind = _sof_kinds[marker]
            return Codestream(kind, rows, columns, data[at + 4], data[at + 9], colour=colour)
        told = _by_application(data, at) or told
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _by_application(data: bytes, at: int) -> Colour | None:
    """What a JFIF or Adobe segment says of the components (the latter: ITU-T T.872 6.5.3)."""
    if data[at + 1] == 0xE0 and data[at + 4 : at + 8] == b"JFIF":
        return "ybr"
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    if data[at + 1] == 0xEE and data[at + 4 : at + 9] == b"Adobe" and length >= 14:
        return "ybr" if data[at + 15 : at + 16] != b"\0" else "rgb"
    return None


def _by_identifiers(identifiers: bytes) -> Colour | None:
    return "rgb" if identifiers in (b"RGB", b"rgb") else None


def _read_jpeg2000(data: bytes) -> Codestream | None:
    """The SIZ marker segment, and the decomposition levels of COD (ITU-T T.800 A.5.1, A.6.1)."""
    if len(data) < 44:
        return None
    x1, y1, x0, y0 = (int.from_bytes(data[i : i + 4], "big") for i in (8, 12, 16, 20))
    components = int.from_bytes(data[40:42], "big")
    precision = data[42]
    cod = data.find(b"\xff\x52", 42)
    has_cod = 0 < cod < len(data) - 9
    levels = data[cod + 9] if has_cod else 0
    transformed = has_cod and data[cod + 8] == 1  # undone by every decoder
    return Codestream(
        "htj2k" if data[6] & _HIGH_THROUGHPUT else "jpeg 2000",
        rows=y1 - y0,
        columns=x1 - x0,
        precision=(precision & 0x7F) + 1,
        components=components,
        signed=bool(precision & 0x80),
        levels=levels,
        colour="rgb" if transformed else None,
    )
