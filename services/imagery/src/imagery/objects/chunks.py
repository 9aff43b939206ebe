"""An open source file in pieces."""

import asyncio
import os
from collections.abc import AsyncIterator

from imagery.objects.types import SourceFile

CHUNK = 1024 * 1024


async def file_chunks(file: SourceFile) -> AsyncIterator[bytes]:
    """The file's bytes, read beside the event loop; whoever is slow holds no more than a piece."""
    for offset in range(0, file.size, CHUNK):
        yield await asyncio.to_thread(os.pread, file.descriptor.number, CHUNK, offset)
