"""Scalars in TensorBoard's file format, without TensorBoard: records of protocol buffers.

A record is its length, the masked CRC-32C of the length, the data and the masked CRC-32C of the
data (`tensorflow/core/lib/io/record_writer.h`); the data is an `Event` (`event.proto`).
"""

import struct
from collections.abc import Iterable, Iterator, Mapping

VERSION = b"brain.Event:2"
_MASK = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78


def write_scalars(epochs: Iterable[tuple[float, int, Mapping[str, float | None]]]) -> bytes:
    """A file of events from (seconds since 1970, step, {tag: value}); missing values are left out.

    The bytes follow from the arguments alone.
    """
    rows = list(epochs)
    began = rows[0][0] if rows else 0.0
    events = [_double(1, began) + _bytes(3, VERSION)]
    for at, step, values in rows:
        known = {tag: value for tag, value in values.items() if value is not None}
        named = (_bytes(1, tag.encode()) + _float(2, value) for tag, value in known.items())
        summary = b"".join(_bytes(1, value) for value in named)
        events.append(_double(1, at) + _integer(2, step) + _bytes(5, summary))
    return b"".join(map(_record, events))


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _checksum(length) + data + _checksum(data)


def _checksum(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli, RFC 3720 B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _table() -> Iterator[int]:
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        yield crc


_TABLE = tuple(_table())


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
