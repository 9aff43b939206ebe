"""Artifacts in the object store: streamed, hashed, whole or not there (an S3 PUT is atomic)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from chassis.problems import Problem, unavailable

CHUNK = 1 << 20


def job_key(job_id: str, name: str) -> str:
    """Where a job's object lives."""
    return f"jobs/{job_id}/{name}"


def artifact_key(job_id: str, fence: int, name: str) -> str:
    """Where an attempt puts an artifact: one that lost its lease overwrites nothing."""
    return job_key(job_id, f"artifacts/{fence}/{name}")


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Objects:
    """One bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def put_file(self, key: str, path: Path, media_type: str) -> dict[str, Any]:
        """Upload a file; {key, bytes, sha256, media_type}."""
        with path.open("rb") as body:
            await self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=media_type
            )
        described = await asyncio.to_thread(_describe, path)
        return {"key": key, "media_type": media_type, **described}

    async def put(self, key: str, body: bytes, media_type: str) -> None:
        """Upload a small object; a 503 problem where the store cannot be reached."""
        try:
            await self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=media_type
            )
        except (BotoCoreError, ClientError) as error:
            raise storage_problem(error) from error

    async def get_file(self, key: str, path: Path, sha256: str) -> bool:
        """Download to ``path``; False where the object is missing or not what was written."""
        try:
            answer = await self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return False
            raise
        with path.open("wb") as stream:
            async for part in answer["Body"].iter_chunks(CHUNK):
                stream.write(part)
        return await asyncio.to_thread(file_sha256, path) == sha256

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object's bytes; a 503 problem where the store cannot be reached."""
        try:
            answer = await self._client.get_object(Bucket=self._bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise storage_problem(error) from error
        return _chunks(answer["Body"])

    async def read(self, key: str) -> bytes:
        """A small object whole."""
        return b"".join([part async for part in await self.stream(key)])

    async def delete(self, keys: list[str]) -> None:
        """Remove objects; missing ones are no error."""
        for key in keys:
            await self._client.delete_object(Bucket=self._bucket, Key=key)

    async def delete_under(self, prefix: str, keep: str | None = None) -> None:
        """Remove every object under ``prefix`` but those under ``keep``."""
        pages = self._client.get_paginator("list_objects_v2")
        async for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            found = [item["Key"] for item in page.get("Contents", [])]
            await self.delete([key for key in found if keep is None or not key.startswith(keep)])

    async def check(self) -> None:
        """Readiness: the bucket is there."""
        await self._client.head_bucket(Bucket=self._bucket)


def _describe(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


async def _chunks(body: Any) -> AsyncIterator[bytes]:
    async for part in body.iter_chunks(CHUNK):
        yield part


def storage_problem(error: Exception) -> Problem:
    """What a failure of the object store means to the caller."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in ("NoSuchKey", "404"):
        return Problem(410, "Artifact gone", detail="Its object is no longer in the store.")
    return unavailable("The object store cannot be reached", detail="Try again shortly.")
