"""A lab's own copy of the bucket: ``file://`` URIs below one folder."""

import asyncio
import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from imagery.descriptors import Descriptor
from imagery.objects.types import SourceError, SourceFile


class MirrorOrigin:
    """Files below ``root``, read where they lie; nothing outside it, by link or otherwise."""

    def __init__(self, root: Path | None, max_bytes: int) -> None:
        self._root = root.resolve() if root else None
        self._max_bytes = max_bytes

    async def current_version(self, uri: str) -> str:
        """Size and time of last change."""
        return (await self.open(uri)).version

    async def open(self, uri: str) -> SourceFile:
        """The file itself; a file is not copied."""
        return await asyncio.to_thread(self._open, uri)

    def discard(self, uri: str, version: str) -> None:
        """Nothing is kept."""

    def _open(self, uri: str) -> SourceFile:
        path = self._allowed(uri)
        try:
            descriptor = Descriptor(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
        except FileNotFoundError as error:
            raise SourceError("missing", "The mirror has no such file.") from error
        except PermissionError as error:
            raise SourceError("forbidden", "The mirror's file may not be read.") from error
        except OSError as error:
            raise SourceError("unreachable", f"The mirror fails: {error.strerror}.") from error
        found = os.fstat(descriptor.number)
        if not stat.S_ISREG(found.st_mode):
            raise SourceError("missing", "The mirror has no such file.")
        if found.st_size > self._max_bytes:
            raise SourceError("too-large", f"The file has {found.st_size} bytes.")
        return SourceFile(descriptor, found.st_size, f"{found.st_mtime_ns:x}-{found.st_size}")

    def _allowed(self, uri: str) -> Path:
        if self._root is None:
            raise SourceError("not-allowed", "No mirror is set up (MIRROR_ROOT).")
        path = Path(unquote(urlsplit(uri).path)).resolve()
        if not path.is_relative_to(self._root):
            raise SourceError("not-allowed", "The file lies outside the mirror (MIRROR_ROOT).")
        return path
