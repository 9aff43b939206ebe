"""Where the files come from: ``s3://bucket/key``, or ``file:///path`` below the mirror root."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from catalog.ingest.faults import SourceFault
from catalog.settings import Settings

CHUNK = 2**20
_bucket = re.compile(r"[A-Za-z0-9._-]{1,255}")  # no ARN: it would choose another endpoint


@dataclass(frozen=True)
class Location:
    """A checked address: a bucket and key, or a file."""

    uri: str
    bucket: str | None = None
    key: str | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Found:
    """What is known of a source before reading it; ``etag`` changes when its bytes do."""

    size: int
    etag: str


def locate(uri: str, settings: Settings, field: str, *, folder: bool = False) -> Location:
    """The address in ``uri``; a SourceFault of ``field`` where this server does not read it."""
    parts = urlsplit(uri)
    if parts.query or parts.fragment or "\x00" in unquote(uri):
        raise SourceFault(field, "an address without query and fragment is expected")
    if parts.scheme == "s3":
        key = unquote(parts.path).lstrip("/")
        if not _bucket.fullmatch(parts.netloc) or not (key or folder):
            raise SourceFault(field, "s3://bucket/key is expected")
        return Location(uri, bucket=parts.netloc, key=key)
    if parts.scheme == "file":
        return Location(uri, path=_mirrored(unquote(parts.path), settings.mirror_root, field))
    raise SourceFault(field, "s3://bucket/key or file:///path is expected")


def _mirrored(path: str, root: Path | None, field: str) -> Path:
    if root is None:
        raise SourceFault(field, "this server reads no files (CATALOG_MIRROR_ROOT is not set)")
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise SourceFault(field, "the file lies outside of the server's mirror")
    return resolved


@asynccontextmanager
async def object_store(settings: Settings) -> AsyncIterator[Any]:
    """The S3 client of an ingest."""
    # Imported when it is needed: the service itself starts, and answers, without it.
    from chassis.s3 import s3_client

    async with s3_client(settings, connections=4, read_timeout_s=60) as client:
        yield client


async def look(client: Any, at: Location, name: str) -> Found:
    """Size and tag of a source; a SourceFault where it cannot be had."""
    if at.path is not None:
        try:
            stat = at.path.stat()
        except OSError as error:
            raise SourceFault(name, f"{at.uri}: {error.strerror}") from error
        return Found(stat.st_size, f"{stat.st_mtime_ns}-{stat.st_size}-{stat.st_ino}")
    try:
        head = await client.head_object(Bucket=at.bucket, Key=at.key)
    except ClientError as error:
        raise SourceFault(name, f"{at.uri}: {error.response['Error']['Code']}") from error
    return Found(int(head["ContentLength"]), str(head["ETag"]).strip('"'))


async def read(client: Any, at: Location, name: str) -> AsyncIterator[bytes]:
    """The bytes of a source in pieces of about one MiB."""
    import aiohttp

    try:
        if at.path is not None:
            async for chunk in _read_file(at.path):
                yield chunk
            return
        answer = await client.get_object(Bucket=at.bucket, Key=at.key)
        async with answer["Body"] as body:
            async for chunk in body.content.iter_chunked(CHUNK // 4):
                yield chunk
    except ClientError as error:
        raise SourceFault(name, f"{at.uri}: {error.response['Error']['Code']}") from error
    except (BotoCoreError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SourceFault(name, f"{at.uri}: reading stopped: {error}") from error


async def _read_file(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, 4 * CHUNK):
            yield chunk
