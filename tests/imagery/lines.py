"""A TCP line to a real server that breaks, stalls, forgets, and answers for it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from devstack.seaweedfs import S3Server


@dataclass
class Line:
    """A TCP line to the store.

    ``cuts``: after how many bytes each next connection breaks. ``says``: what it answers instead of
    the store, to every request.
    """

    host: str
    target_port: int
    port: int = 0
    cuts: list[int] = field(default_factory=list)
    bytes_per_s: int | None = None
    says: bytes | None = None
    carried: int = 0
    requests: list[str] = field(default_factory=list)
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.create_task(self.carry(reader, writer)))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.says is not None:
            await self.answer(reader, writer, self.says)
            return
        left = self.cuts.pop(0) if self.cuts else None
        store_reader, store_writer = await asyncio.open_connection(self.host, self.target_port)
        ways = [
            asyncio.create_task(self.up(reader, store_writer)),
            asyncio.create_task(self.down(store_reader, writer, left)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ways:
                task.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for one in (writer, store_writer):
                one.close()
            for one in (writer, store_writer):
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, says: bytes
    ) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(says)
            await writer.drain()
        writer.close()

    async def up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.requests += re.findall(r"(?i)range: (bytes=\S+)", data.decode("latin-1"))
            writer.write(data)
            await writer.drain()

    async def down(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
    ) -> None:
        while data := await reader.read(4096 if self.bytes_per_s else 65536):
            part = data[:left]
            writer.write(part)
            await writer.drain()
            self.carried += len(part)
            if self.bytes_per_s:
                await asyncio.sleep(len(part) / self.bytes_per_s)
            if left is not None:
                left -= len(part)
                if left <= 0:
                    return


@asynccontextmanager
async def line_to(server: S3Server) -> AsyncIterator[Line]:
    target = urlsplit(server.endpoint_url)
    assert target.hostname is not None
    assert target.port is not None
    line = Line(target.hostname, target.port)
    listening = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    line.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield line
    if line.connections:
        await asyncio.wait(line.connections, timeout=1)  # most are closing by themselves
    for connection in line.connections:
        connection.cancel()
    await asyncio.gather(*line.connections, return_exceptions=True)
