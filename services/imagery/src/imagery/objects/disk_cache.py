"""A folder of fetched objects: bounded, shared by processes, and never a torn file.

A file is written under a temporary name and renamed when it is whole, so that a name is a promise.
Only a fall of the machine could break the promise (renamed, not yet on disk), so entries live in a
folder named for this boot and those of earlier boots are thrown away; that saves an fsync of each
file. Readers hold open files: what is evicted under them stays whole until they let go.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imagery.descriptors import Descriptor

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
RESCAN_SHARE = 64
ABANDONED_S = 3600


def uri_digest(uri: str) -> str:
    """A file name for a URI."""
    return hashlib.sha256(uri.encode()).hexdigest()[:40]


class DiskCache:
    """Objects by (URI, version) in ``folder``; beyond ``budget`` the least recently used leave."""

    def __init__(self, folder: Path, budget: int) -> None:
        boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else "boot"
        self.budget = budget
        self._entries = folder / boot / "objects"
        self._locks = folder / boot / "locks"
        self._parts = folder / boot / "parts"
        for needed in (self._entries, self._locks, self._parts):
            needed.mkdir(parents=True, exist_ok=True, mode=0o700)
        _tidy(folder, self._parts, boot)
        self._unscanned = budget  # the first addition measures what is there

    def version_of(self, uri: str) -> str | None:
        """The version of a kept copy, if there is one."""
        found = next(self._versions(uri), None)
        return found.name.partition(".")[2] if found else None

    def open(self, uri: str, version: str) -> Descriptor | None:
        """The kept copy, now the most recently used; None where there is none."""
        path = self._path(uri, version)
        try:
            descriptor = Descriptor(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            return None
        with suppress(OSError):
            os.utime(path)
        return descriptor

    def create(self) -> tuple[Descriptor, Path]:
        """A new file to write an object into, outside the names that readers look up."""
        number, name = tempfile.mkstemp(dir=self._parts)
        return Descriptor(number), Path(name)

    def publish(self, part: Path, uri: str, version: str) -> None:
        """Give a whole file its name, then make room."""
        size = part.stat().st_size
        if size > self.budget:
            part.unlink()
            return
        path = self._path(uri, version)
        path.parent.mkdir(exist_ok=True)
        for former in self._versions(uri):
            former.unlink(missing_ok=True)
        part.replace(path)
        self._unscanned += size
        if self._unscanned > self.budget // RESCAN_SHARE:
            self._evict()

    def discard(self, uri: str, version: str) -> None:
        """Remove an entry."""
        self._path(uri, version).unlink(missing_ok=True)

    def measure(self) -> tuple[int, int]:
        """How many files are kept, and their bytes."""
        files = size = 0
        for path in self._entries.glob("*/*"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
                files += 1
        return files, size

    def clear(self) -> tuple[int, int]:
        """Remove every entry; how many files and bytes."""
        files = size = 0
        for path in self._entries.glob("*/*"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
                path.unlink()
                files += 1
        return files, size

    @contextmanager
    def try_lock(self, uri: str) -> Iterator[bool]:
        """Whether this process may fetch ``uri`` now; another one on this machine may be at it."""
        with (self._locks / uri_digest(uri)[:3]).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _path(self, uri: str, version: str) -> Path:
        digest = uri_digest(uri)
        return self._entries / digest[:2] / f"{digest}.{version}"

    def _versions(self, uri: str) -> Iterator[Path]:
        digest = uri_digest(uri)
        return (self._entries / digest[:2]).glob(f"{digest}.*")

    def _evict(self) -> None:
        """Remove the least recently used until the folder keeps its budget.

        The folder is looked at anew, because other processes write to it too.
        """
        found = []
        for path in self._entries.glob("*/*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.budget:
                break
            path.unlink(missing_ok=True)
            total -= size
        self._unscanned = 0


def _tidy(folder: Path, parts: Path, boot: str) -> None:
    """Throw away the entries of earlier boots, and parts that a killed process left."""
    for other in folder.iterdir():
        if other.name != boot and other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
    for part in parts.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                part.unlink()
