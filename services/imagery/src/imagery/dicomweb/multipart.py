"""multipart/related bodies (RFC 2387, RFC 2046 5.1, PS3.18 8.6.1.2), part by part."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """One part: its head, and its bytes in chunks."""

    content_type: str
    chunks: AsyncIterator[bytes]
    location: str | None = None


@dataclass(frozen=True)
class Framing:
    """The boundary of one message."""

    media: str
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def content_type(self) -> str:
        """Of the whole message."""
        return f'multipart/related; type="{self.media}"; boundary={self.boundary}'

    async def frame(self, parts: AsyncIterator[Part]) -> AsyncIterator[bytes]:
        """The message: no preamble, a head and its bytes for each part, the closing delimiter."""
        delimiter = f"--{self.boundary}\r\n"
        async for part in parts:
            location = f"Content-Location: {part.location}\r\n" if part.location else ""
            yield f"{delimiter}Content-Type: {part.content_type}\r\n{location}\r\n".encode()
            async for chunk in part.chunks:
                yield chunk
            delimiter = f"\r\n--{self.boundary}\r\n"
        yield f"\r\n--{self.boundary}--\r\n".encode()


async def whole(body: bytes) -> AsyncIterator[bytes]:
    """Bytes that are there, as chunks."""
    yield body


async def chained(first: Part, rest: AsyncIterator[Part]) -> AsyncIterator[Part]:
    """All parts; the first was made before the answer begins, so that its fault can be told.

    What fails later breaks the answer off.
    """
    yield first
    async for part in rest:
        yield part
