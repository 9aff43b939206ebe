"""Request rates per person and per address, shared between processes through Valkey.

Counting is local and costs a request nothing; every quarter of a second the counts are added to
those of all processes. So a limit holds within a quarter of a second's worth of requests. With
Valkey away each process counts for itself and says so once.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis.asyncio as valkey
from chassis.logs import get_logger
from chassis.problems import Problem
from chassis.tasks import end
from redis.exceptions import RedisError

log = get_logger(__name__)

SYNC_S = 0.25
WINDOW_S = 60


@dataclass
class _Count:
    """Requests in this window: all that were counted together, and ours since then."""

    shared: int = 0
    pending: int = 0


@dataclass
class Limiter:
    """Counts per key and window of a minute."""

    client: "valkey.Redis | None"
    clock: Callable[[], float] = time.time
    _counts: dict[str, _Count] = field(default_factory=dict)
    _window: int = 0
    _away: bool = False
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin sharing counts, where there is a Valkey."""
        if self.client:
            self._task = asyncio.create_task(self._keep_sharing())

    def count(self, key: str, most: int) -> None:
        """Count a request; a 429 problem beyond ``most`` of them in this minute."""
        now = self.clock()
        window = int(now // WINDOW_S)
        if window != self._window:
            self._window, self._counts = window, {}
        known = self._counts.get(key)
        if known is None:
            known = self._counts[key] = _Count()
        known.pending += 1
        if known.shared + known.pending > most:
            wait = max(1, int((window + 1) * WINDOW_S - now))
            raise Problem(
                429,
                "Too many requests",
                detail=f"At most {most} a minute are answered here.",
                headers={"Retry-After": str(wait)},
            )

    async def _keep_sharing(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            try:
                await self.share()
                self._away = False
            except (RedisError, OSError) as error:
                if not self._away:
                    log.warning("limits are per process", extra={"kind": type(error).__name__})
                self._away = True

    async def share(self) -> None:
        """Add our counts to the shared ones and take those over."""
        assert self.client is not None
        window = self._window
        own = {key: count.pending for key, count in self._counts.items() if count.pending}
        if not own:
            return
        async with self.client.pipeline(transaction=False) as pipe:
            for key, number in own.items():
                pipe.incrby(f"limit:{window}:{key}", number)
                pipe.expire(f"limit:{window}:{key}", 2 * WINDOW_S)
            answers = await pipe.execute()
        if window != self._window:
            return
        for (key, number), shared in zip(own.items(), answers[::2], strict=True):
            self._counts[key].shared = shared
            self._counts[key].pending -= number

    async def close(self) -> None:
        """Stop sharing."""
        if self._task:
            await end(self._task)
