"""A real object store behind a line that breaks, stalls and forgets."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import StartLab
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from dicom_files import Made, breast, dicom_bytes
from imagery.objects import ranged
from imagery.objects.ranged import RangedGet, object_session
from imagery.objects.types import SourceError


@dataclass
class Line:
    """A TCP line to the store. ``cuts``: after how many bytes each next connection breaks."""

    host: str
    target_port: int
    port: int = 0
    cuts: list[int] = field(default_factory=list)
    bytes_per_s: int | None = None
    carried: int = 0
    requests: list[str] = field(default_factory=list)
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.create_task(self.carry(reader, writer)))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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


@pytest.fixture
async def line(s3: S3Server) -> AsyncIterator[Line]:
    async with line_to(s3) as line:
        yield line


def signed(s3: S3Server, bucket: str, key: str, port: int) -> str:
    """A presigned URL for the store as seen through the line."""
    host = f"http://127.0.0.1:{port}"
    client = make_client(S3Server(host, s3.region, s3.access_key_id, s3.secret_access_key))
    url: str = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    client.close()
    return url


@pytest.fixture
def target(tmp_path: Path) -> Iterator[int]:
    """The descriptor of an empty file."""
    with (tmp_path / "object").open("w+b") as file:
        yield file.fileno()


@pytest.fixture
def content(s3: S3Server, bucket: str) -> bytes:
    made = os.urandom(3_000_000)
    client = make_client(s3)
    client.put_object(Bucket=bucket, Key="object", Body=made)
    client.close()
    return made


async def fetched(url: str, path: int, max_bytes: int = 1 << 30) -> ranged.Head:
    async with object_session(8) as session:
        return await RangedGet(session, url, path, max_bytes).run()


async def test_a_broken_transfer_goes_on_where_it_stopped(
    line: Line,
    s3: S3Server,
    bucket: str,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
    target: int,
) -> None:
    monkeypatch.setattr(ranged, "PART_BYTES", 1_000_000)
    line.cuts = [400_000, 900_000, 10]
    head = await fetched(signed(s3, bucket, "object", line.port), target)
    assert os.pread(target, 1 << 30, 0) == content
    assert head.size == len(content)
    # What the lines carried beyond the object is heads of answers, not its bytes again.
    assert line.carried < len(content) + 10_000
    assert len(line.requests) >= 4


async def test_parts_are_asked_for_in_parallel_and_once(
    line: Line,
    s3: S3Server,
    bucket: str,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
    target: int,
) -> None:
    monkeypatch.setattr(ranged, "PART_BYTES", 1_000_000)
    await fetched(signed(s3, bucket, "object", line.port), target)
    assert os.pread(target, 1 << 30, 0) == content
    assert sorted(line.requests) == [
        "bytes=0-999999",
        "bytes=1000000-1999999",
        "bytes=2000000-2999999",
    ]


async def test_a_line_that_always_breaks_is_given_up(
    line: Line, s3: S3Server, bucket: str, content: bytes, target: int
) -> None:
    line.cuts = [5] * 100
    with pytest.raises(SourceError) as failed:
        await fetched(signed(s3, bucket, "object", line.port), target)
    assert failed.value.fault == "unreachable"


async def test_too_large_objects_are_refused_by_their_first_answer(
    line: Line, s3: S3Server, bucket: str, content: bytes, target: int
) -> None:
    with pytest.raises(SourceError) as failed:
        await fetched(signed(s3, bucket, "object", line.port), target, 1_000_000)
    assert failed.value.fault == "too-large"


async def test_a_slow_store_is_a_504_and_then_recovers(line: Line, start_lab: StartLab) -> None:
    lab = await start_lab(s3_endpoint_url=f"http://127.0.0.1:{line.port}", deadline_s=3)
    line.bytes_per_s = 1024
    lab.put(1, dicom_bytes(breast(), Made(elements={"WindowCenter": 1, "WindowWidth": 2})))
    response = await lab.get("/1/thumbnail")
    assert response.status_code == 504
    line.bytes_per_s = None
    assert (await lab.get("/1/thumbnail")).status_code == 200


async def test_a_full_disk_does_not_matter(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await start_lab()
    lab.put(1, dicom_bytes(breast()))
    parts = next(lab.settings.disk_cache_dir.glob("*/parts"))
    parts.rmdir()  # every attempt to write there fails from here on
    assert (await lab.get("/1/thumbnail")).status_code == 200
