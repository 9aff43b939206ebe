"""Valkey, shared by all processes of the service: a cache of bytes, and turns at making them.

Nothing here is needed for a right answer. Where Valkey is gone, slow, full or flushed, every
operation behaves as a miss, and for a moment it is not asked again, so that its absence does not
cost a timeout a request.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import redis.asyncio as redis
from chassis.logs import get_logger
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = get_logger(__name__)

TIMEOUT_S = 2.5
PAUSE_S = 5.0
TURN_MS = 15_000
TURN_PATIENCE_S = 15.0
SCANNED = 1000
POLL_S = (0.005, 0.1)

_release = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"
GONE = (RedisError, OSError, TimeoutError)


class SharedCache:
    """Bytes by key, with a life in seconds."""

    def __init__(self, url: str) -> None:
        self._client: redis.Redis = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=256,
        )
        self._paused_until = 0.0

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def check(self) -> None:
        """Readiness: one round trip."""
        await self._client.ping()

    async def get(self, key: str) -> bytes | None:
        """The bytes under ``key``; None where there are none, or no Valkey."""
        if self._paused:
            return None
        try:
            found = await self._client.get(key)
        except GONE as error:
            self._pause(error)
            return None
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, value: bytes | Sequence[bytes], ttl_s: int) -> None:
        """Keep ``value`` for at most ``ttl_s`` seconds."""
        if self._paused:
            return
        whole = value if isinstance(value, bytes) else b"".join(value)
        try:
            await self._client.set(key, whole, ex=ttl_s)
        except GONE as error:
            self._pause(error)

    async def drop(self, key: str) -> None:
        """Forget ``key``."""
        if self._paused:
            return
        try:
            await self._client.delete(key)
        except GONE as error:
            self._pause(error)

    async def measure(self) -> tuple[int, int, int]:
        """How many keys Valkey has, its bytes, and how many bytes it may use (0: any number).

        Raises where there is no Valkey.
        """
        memory = await self._client.info("memory")
        keys = int(await self._client.dbsize())
        return keys, int(memory["used_memory"]), int(memory["maxmemory"])

    async def drop_all(self, pattern: str, unwanted: Callable[[str], bool]) -> int:
        """Forget every ``unwanted`` key like ``pattern`` (a glob); how many.

        Raises where there is no Valkey.
        """
        gone, batch = 0, []
        async for key in self._client.scan_iter(match=pattern, count=SCANNED):
            if unwanted(key.decode()):
                batch.append(key)
            if len(batch) >= SCANNED:
                gone += int(await self._client.unlink(*batch))
                batch.clear()
        return gone + (int(await self._client.unlink(*batch)) if batch else 0)

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """One process at a time does the work named ``key``, as long as all are patient.

        Whoever gets in looks first whether another has done the work meanwhile. It is no lock:
        after ``TURN_PATIENCE_S``, or without Valkey, the work is simply done twice.
        """
        token = secrets.token_bytes(16)
        taken = await self._take(key, token)
        try:
            yield
        finally:
            if taken:
                await self._give_back(key, token)

    async def _take(self, key: str, token: bytes) -> bool:
        until, pause = time.monotonic() + TURN_PATIENCE_S, POLL_S[0]
        while not self._paused and time.monotonic() < until:
            try:
                if await self._client.set(key, token, nx=True, px=TURN_MS):
                    return True
            except GONE as error:
                self._pause(error)
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, POLL_S[1])
        return False

    async def _give_back(self, key: str, token: bytes) -> None:
        try:
            await self._client.eval(_release, 1, key, token)
        except GONE as error:
            self._pause(error)

    @property
    def _paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def _pause(self, error: Exception) -> None:
        log.warning("cache unavailable", extra={"kind": type(error).__name__})
        self._paused_until = time.monotonic() + PAUSE_S
