"""A real object store behind a line that breaks, stalls and forgets."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import StartLab
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from dicom_files import Made, breast, dicom_bytes
from fastapi import FastAPI
from imagery.objects import ranged
from imagery.objects.ranged import RangedGet, object_session
from imagery.objects.types import SourceError
from lines import Line, line_to


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


WINDOW = {"WindowCenter": 2047, "WindowWidth": 4096}


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


FAULTS = {
    "403": (http("403 Forbidden"), 502, "urn:embedlab:source-forbidden"),
    "404": (http("404 Not Found"), 502, "urn:embedlab:source-missing"),
    "500": (http("500 Internal Server Error"), 502, "urn:embedlab:source-unreachable"),
    "503": (http("503 Slow Down"), 502, "urn:embedlab:source-unreachable"),
    "no answer": (b"", 502, "urn:embedlab:source-unreachable"),
    "no HTTP": (b"nonsense\r\n\r\n", 502, "urn:embedlab:source-unreachable"),
    "wrong bytes": (
        http("200 OK", b"<html>a login page</html>", 'ETag: "wrong"'),
        422,
        "urn:embedlab:unreadable-image",
    ),
    "fewer bytes than told": (
        b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nETag: "x"\r\n\r\nshort',
        502,
        "urn:embedlab:source-unreachable",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_what_the_store_answers_is_told_and_got_over(
    line: Line, start_lab: StartLab, name: str
) -> None:
    lab = await start_lab(s3_endpoint_url=f"http://127.0.0.1:{line.port}", failure_ttl_s=1)
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    line.says, status, kind = FAULTS[name]
    response = await lab.get("/1/thumbnail")
    assert (response.status_code, response.json()["type"]) == (status, kind)
    line.says = None
    await asyncio.sleep(1.1)  # a fault is remembered that long
    assert (await lab.get("/1/thumbnail")).status_code == 200


async def test_a_store_that_was_away_is_asked_again_at_once(
    line: Line, start_lab: StartLab
) -> None:
    lab = await start_lab(s3_endpoint_url=f"http://127.0.0.1:{line.port}")
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    line.cuts = [5] * 100
    response = await lab.get("/1/thumbnail")
    assert (response.status_code, response.json()["type"]) == (
        502,
        "urn:embedlab:source-unreachable",
    )
    line.cuts = []
    assert (await lab.get("/1/thumbnail")).status_code == 200


async def test_pictures_that_were_made_outlive_the_store(line: Line, start_lab: StartLab) -> None:
    lab = await start_lab(s3_endpoint_url=f"http://127.0.0.1:{line.port}", source_recheck_s=0)
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    made = (await lab.get("/1/thumbnail")).content
    line.says = b""
    assert (await lab.get("/1/thumbnail")).content == made


async def request_of_one_who_leaves(app: FastAPI, path: str, who: str, after_s: float) -> list[Any]:
    """What is sent to a client that asks for ``path`` and closes the line after a while."""
    sent: list[Any] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(after_s)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", who.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("imagery", 80),
    }
    await app(scope, receive, send)
    return sent


async def test_a_transfer_ends_when_the_last_who_wants_it_has_left(
    line: Line, start_lab: StartLab
) -> None:
    lab = await start_lab(s3_endpoint_url=f"http://127.0.0.1:{line.port}")
    line.bytes_per_s = 1024
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    who, path = lab.client.headers["authorization"], "/api/v1/images/1/thumbnail"
    one, other = await asyncio.gather(
        request_of_one_who_leaves(lab.app, path, who, 0.2),
        request_of_one_who_leaves(lab.app, path, who, 0.6),
    )
    assert (one[0]["status"], other[0]["status"]) == (499, 499)
    assert lab.counter("fetched_objects") == 0
    await asyncio.wait_for(asyncio.gather(*line.connections, return_exceptions=True), 10)
    line.bytes_per_s = None
    assert (await lab.get("/1/thumbnail")).status_code == 200


async def test_who_stays_gets_the_picture_that_another_has_left(
    line: Line, start_lab: StartLab
) -> None:
    lab = await start_lab(s3_endpoint_url=f"http://127.0.0.1:{line.port}")
    line.bytes_per_s = 100_000
    content = dicom_bytes(breast(), Made(elements=WINDOW))
    lab.put(1, content)
    who, path = lab.client.headers["authorization"], "/api/v1/images/1/thumbnail"
    left, stayed = await asyncio.gather(
        request_of_one_who_leaves(lab.app, path, who, 0.2), lab.get("/1/thumbnail")
    )
    assert (left[0]["status"], stayed.status_code) == (499, 200)
    assert lab.counter("fetched_bytes") == len(content)
