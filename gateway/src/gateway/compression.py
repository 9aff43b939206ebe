"""Compression of answers that are text, small enough to be held whole and large enough to gain.

Level 1 takes 5 us per KB and makes a page of records a seventh; what is streamed goes as it comes.
Services' answers only: the gateway's own carry CSRF tokens, which must not share a compressed body
with what a caller sends (BREACH).
"""

import zlib
from collections.abc import Iterable

from gateway.headers import Raw, value_of

SMALLEST = 1400  # bytes: below it an answer is one packet either way
_text = (
    b"application/json",
    b"application/ld+json",
    b"application/dicom+json",
    b"application/problem+json",
    b"text/csv",
    b"text/html",
    b"text/plain",
    b"image/svg+xml",
)


def may_be_compressed(status: int, headers: Iterable[Raw]) -> bool:
    """Whether an answer with this head is whole text that nobody has encoded yet."""
    headers = list(headers)
    kind = (value_of(headers, b"content-type") or b"").partition(b";")[0].strip()
    return (
        status == 200
        and kind in _text
        and value_of(headers, b"content-encoding") is None
        and b"no-transform" not in (value_of(headers, b"cache-control") or b"")
    )


def accepts_gzip(headers: Iterable[Raw]) -> bool:
    """Whether the caller takes gzip (RFC 9110 12.5.3: `q=0` says no)."""
    for part in (value_of(headers, b"accept-encoding") or b"").split(b","):
        name, _, weight = part.replace(b" ", b"").partition(b";q=")
        if name.lower() == b"gzip":
            return weight.strip(b"0.") != b"" or not weight
    return False


def compress(headers: list[Raw], body: bytes) -> tuple[list[Raw], bytes]:
    """Head and body in gzip. A strong ETag names the bytes that were: it becomes a weak one."""
    zipped = zlib.compress(body, 1, wbits=31)
    changed = [(b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(zipped))]
    for name, value in headers:
        if name == b"etag" and not value.startswith(b"W/"):
            changed.append((name, b"W/" + value))
        elif name != b"content-length":
            changed.append((name, value))
    return changed, zipped


def varying(headers: list[Raw]) -> list[Raw]:
    """The head, saying that the encoding depends on the request."""
    known = value_of(headers, b"vary")
    if known and b"accept-encoding" in known.lower():
        return headers
    kept = [(name, value) for name, value in headers if name != b"vary"]
    return [*kept, (b"vary", known + b", Accept-Encoding" if known else b"Accept-Encoding")]
