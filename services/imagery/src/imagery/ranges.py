"""Parts of a file by bytes (RFC 9110 section 14)."""

import re

_one = re.compile(r"bytes=(\d*)-(\d*)", re.IGNORECASE)


class RangeError(Exception):
    """The range lies outside the file (416)."""


def asked_range(header: str | None, if_range: str | None, etag: str, size: int) -> range | None:
    """The bytes that are asked for; None: the whole file.

    Several ranges, and what is no range at all, are answered by the whole file, as they may be.
    ``if_range`` names the version that the client has the other parts of.
    """
    found = _one.fullmatch(header.strip()) if header else None
    if found is None or (if_range is not None and if_range != etag):
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if first and last and int(first) > int(last):
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= stop:
        raise RangeError
    return range(start, stop)
