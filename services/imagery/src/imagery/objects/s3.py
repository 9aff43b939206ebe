"""Objects in S3, fetched through the disk cache."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from imagery.descriptors import Descriptor, memory_file
from imagery.flights import Flights
from imagery.objects.disk_cache import DiskCache
from imagery.objects.ranged import Head, RangedGet, raise_for
from imagery.objects.types import SourceError, SourceFile

SIGNED_FOR_S = 600
LOCK_POLL_S = 0.02
WAITING_SHARE = 0.5


class S3Origin:
    """``s3://bucket/key`` by presigned URLs; at most ``fetches`` objects at once.

    ``client`` signs (aioboto3), ``session`` transfers. One object that many want is fetched once,
    by one process of the machine.
    """

    def __init__(
        self,
        client: Any,
        session: aiohttp.ClientSession,
        disk: DiskCache,
        *,
        fetches: int,
        max_bytes: int,
        deadline_s: float,
    ) -> None:
        self._client = client
        self._session = session
        self._disk = disk
        self._slots = asyncio.Semaphore(fetches)
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s
        self._flights: Flights[SourceFile] = Flights()
        self.fetched_bytes = 0
        self.fetched_objects = 0
        self.kept_objects = 0

    async def forget(self) -> tuple[int, int]:
        """Keep no file, nor any that is on its way now; how many files and bytes there were."""
        await self._flights.landed()
        return await asyncio.to_thread(self._disk.clear)

    async def measure(self) -> tuple[int, int, int]:
        """How many files are kept, their bytes, and how many bytes may be."""
        return *await asyncio.to_thread(self._disk.measure), self._disk.budget

    async def current_version(self, uri: str) -> str:
        """Ask the store (HEAD)."""
        url = await self._signed("head_object", uri)
        try:
            async with asyncio.timeout(self._deadline_s):
                async with self._session.head(url) as response:
                    raise_for(response.status)
                    size = response.content_length or 0
                    return Head(size, response.headers.get("ETag", "")).version
        except aiohttp.ClientError as error:
            raise SourceError("unreachable", "The object store cannot be reached.") from error
        except TimeoutError as error:
            raise SourceError("timeout", "The object store does not answer in time.") from error

    async def check(self) -> None:
        """Readiness: the store answers, whatever it says to somebody without keys."""
        endpoint = self._client.meta.endpoint_url
        async with self._session.head(endpoint, allow_redirects=False):
            return

    async def open(self, uri: str, version: str | None = None) -> SourceFile:
        """The object, from disk where ``version`` (known to be current) is kept, else fetched."""
        if version is not None:
            kept = self._kept(uri, version)
            if kept is not None:
                return kept
        return await self._flights.join(uri, lambda: self._open(uri))

    def discard(self, uri: str, version: str) -> None:
        """Forget the copy on disk."""
        self._disk.discard(uri, version)

    async def _open(self, uri: str) -> SourceFile:
        try:
            async with asyncio.timeout(self._deadline_s):
                while True:
                    with self._disk.try_lock(uri) as ours:
                        if ours:
                            return await self._current_copy(uri) or await self._fetch(uri)
                    await asyncio.sleep(LOCK_POLL_S)
        except TimeoutError as error:
            raise SourceError("timeout", "The object could not be fetched in time.") from error

    async def _current_copy(self, uri: str) -> SourceFile | None:
        version = self._disk.version_of(uri)
        if version is None or await self.current_version(uri) != version:
            return None
        return self._kept(uri, version)

    def _kept(self, uri: str, version: str) -> SourceFile | None:
        descriptor = self._disk.open(uri, version)
        if descriptor is None:
            return None
        self.kept_objects += 1
        return SourceFile(descriptor, descriptor.size, version)

    async def _fetch(self, uri: str) -> SourceFile:
        url = await self._signed("get_object", uri)
        async with self._slot():
            try:
                return await self._fetch_to_disk(uri, url)
            except SourceError as error:
                if error.fault != "unkept":
                    raise
            # A full or read-only disk makes the service slower, not useless.
            memory = memory_file("source")
            return _source(memory, await self._transfer(url, memory))

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of the ``fetches`` at once; who would wait too long is told to come back."""
        try:
            async with asyncio.timeout(self._deadline_s * WAITING_SHARE):
                await self._slots.acquire()
        except TimeoutError as error:
            raise SourceError("busy", "Too many files are being fetched.") from error
        try:
            yield
        finally:
            self._slots.release()

    async def _fetch_to_disk(self, uri: str, url: str) -> SourceFile:
        try:
            descriptor, part = self._disk.create()
        except OSError as error:
            raise SourceError("unkept", f"The disk cache fails: {error.strerror}.") from error
        try:
            head = await self._transfer(url, descriptor)
            self._disk.publish(part, uri, head.version)
        finally:
            part.unlink(missing_ok=True)
        return _source(descriptor, head)

    async def _transfer(self, url: str, descriptor: Descriptor) -> Head:
        head = await RangedGet(self._session, url, descriptor.number, self._max_bytes).run()
        self.fetched_bytes += head.size
        self.fetched_objects += 1
        return head

    async def _signed(self, method: str, uri: str) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        named = {"Bucket": bucket, "Key": key}
        try:
            url: str = await self._client.generate_presigned_url(
                method, Params=named, ExpiresIn=SIGNED_FOR_S
            )
        except (BotoCoreError, ClientError) as error:
            raise SourceError("forbidden", "There are no keys for the object store.") from error
        return url


def _source(descriptor: Descriptor, head: Head) -> SourceFile:
    return SourceFile(descriptor, head.size, head.version)
