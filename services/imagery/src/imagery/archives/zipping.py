"""ZIP files written as they are sent (PKWARE APPNOTE 6.3), by the standard library."""

import io
from collections.abc import AsyncIterator
from zipfile import ZIP_STORED, ZipFile, ZipInfo

# One time for all entries: the same content gives the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


class ZipStream:
    """Entries in, bytes out; memory holds one chunk and the list of entries.

    Entries are stored: pictures and most DICOM files are compressed already.
    """

    def __init__(self) -> None:
        self._out = _Outlet()
        self._zip = ZipFile(self._out, "w", ZIP_STORED, allowZip64=True)

    async def add(self, name: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The bytes of an entry: its head, ``chunks``, and its length behind them."""
        entry = ZipInfo(name, EPOCH)
        entry.external_attr = 0o644 << 16
        with self._zip.open(entry, "w", force_zip64=True) as writer:
            async for chunk in chunks:
                writer.write(chunk)
                yield self._out.taken()
        yield self._out.taken()

    def end(self) -> bytes:
        """The directory at the end."""
        self._zip.close()
        return self._out.taken()


class _Outlet(io.RawIOBase):
    """What is written and not yet taken. It cannot go back, so `zipfile` does not try to."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def writable(self) -> bool:
        """It is all it can."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Take ``data``."""
        self._pending += data
        return len(data)

    def taken(self) -> bytes:
        """Everything so far, which is then no longer here."""
        found = bytes(self._pending)
        self._pending.clear()
        return found
