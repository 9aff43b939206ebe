"""Open files that close when the last holder lets go.

A source file or a block of pixels is passed among requests, caches and worker processes; eviction
unlinks the name, and whoever still reads keeps a whole file.
"""

import os
from contextlib import suppress


class Descriptor:
    """Owns a file descriptor; closed with its last reference."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self.number)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self.number).st_size


def memory_file(name: str) -> Descriptor:
    """An anonymous file in memory, of no name in any file system."""
    return Descriptor(os.memfd_create(name))
