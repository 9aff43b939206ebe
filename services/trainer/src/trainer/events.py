"""Changes of jobs as they happen: one LISTEN connection per process, fanned out to its watchers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
from chassis.database import Database, asyncpg_url, database_problem
from chassis.logs import get_logger

from trainer import store
from trainer.schemas import Job

CHANNEL = "trainer_job"
GATHER_S = 0.05
RECONNECT_S = 1.0
WATCHER_QUEUE = 1000

log = get_logger(__name__)


class JobEvents:
    """Reads each changed job once and hands it to every watcher."""

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self._url = asyncpg_url(url)
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._watchers: set[asyncio.Queue[Job | None]] = set()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[asyncio.Queue[Job | None]]:
        """A queue of changed jobs; None says that changes may have been missed."""
        watcher: asyncio.Queue[Job | None] = asyncio.Queue(WATCHER_QUEUE)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def run(self) -> None:
        """Listen for ever; after a break watchers are told to read again."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                unexpected = database_problem(error) is None
                log.warning("events interrupted", exc_info=error if unexpected else None)
            await asyncio.sleep(RECONNECT_S)
            self._put(None)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url, timeout=5)
        lost = asyncio.Event()

        def end(_: object) -> None:
            lost.set()
            self._wake.set()

        connection.add_termination_listener(end)
        try:
            await connection.add_listener(CHANNEL, self._note)
            self._put(None)
            while not lost.is_set():
                await self._wake.wait()
                await asyncio.sleep(GATHER_S)
                self._wake.clear()
                await self._publish()
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=1)

    def _note(self, _connection: object, _pid: int, _channel: str, job_id: object) -> None:
        self._changed.add(str(job_id))
        self._wake.set()

    async def _publish(self) -> None:
        changed, self._changed = self._changed, set()
        if not self._watchers:
            return
        for job_id in sorted(changed):
            async with self._database.reading() as connection:
                found = await store.find_job(connection, job_id)
            if found is not None:
                self._put(found)

    def _put(self, changed: Job | None) -> None:
        for watcher in self._watchers:
            # A watcher that reads too slowly starts over: it is told to read everything again.
            if watcher.full():
                while not watcher.empty():
                    watcher.get_nowait()
                watcher.put_nowait(None)
            else:
                watcher.put_nowait(changed)
