"""What an image's file is turned into, and how that is kept in Valkey and named by an ETag."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from imagery.sources import ImageSource

# Part of every key and ETag: raise it when the same parameters begin to give other bytes.
EDITION = 2


@dataclass(frozen=True)
class Answer:
    """A picture or a document: its bytes, and facts of it (``mirrored``, ``chest_wall``, size)."""

    body: bytes
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """The file or the parameters cannot give an answer; ``parameter`` names the latter."""

    reason: str
    element: str | None = None
    parameter: str | None = None


def answer_key(source: ImageSource, version: str, what: str) -> str:
    """Key of an answer: the image's natural key, the version of its file, and what is asked.

    The dataset stands in clear before the digest, so that a purge can tell whose it is.
    """
    named = (EDITION, source.dataset, source.sop_instance_uid, version, what)
    return f"{source.dataset}:{hashlib.sha256(json.dumps(named).encode()).hexdigest()[:40]}"


def entity_tag(key: str) -> str:
    """The strong ETag of the answer with this key."""
    return f'"{key.rpartition(":")[2]}"'


def pack_answer(answer: Answer | Refusal) -> tuple[bytes, bytes]:
    """The two parts of a cache value: a line of JSON, and the bytes."""
    if isinstance(answer, Refusal):
        return json.dumps({"refusal": vars(answer)}).encode() + b"\n", b""
    return json.dumps(answer.meta).encode() + b"\n", answer.body


def unpack_answer(value: bytes) -> Answer | Refusal:
    """The inverse of ``pack_answer``."""
    end = value.index(b"\n")
    meta = json.loads(value[:end])
    if "refusal" in meta:
        return Refusal(**meta["refusal"])
    return Answer(value[end + 1 :], meta)
