"""How the service and its worker processes talk over a socket pair.

A message is a length, a JSON document and a payload of bytes. JSON and not pickle, because a worker
has read an untrusted file: whatever became of it cannot make the service run code. Files go to the
worker as open descriptors.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any

HEAD = struct.Struct("<IQ")
MAX_DOCUMENT = 1 << 20
MAX_DESCRIPTORS = 2
TOGETHER = 256 * 1024  # bytes that are copied rather than sent, or received, by themselves


@dataclass(frozen=True)
class Message:
    """One message; ``payload`` is the picture in a worker's answer, else empty."""

    document: dict[str, Any]
    payload: bytes | bytearray | memoryview = b""


def pack(message: Message) -> bytes:
    """Head and document of ``message``; its payload follows on the wire."""
    document = json.dumps(message.document).encode()
    return HEAD.pack(len(document), len(message.payload)) + document
