"""Runs queued ingests one after another, each in a process of its own."""

import asyncio
import contextlib
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from chassis.database import Database
from chassis.logs import get_logger
from chassis.tasks import beside
from sqlalchemy.exc import SQLAlchemyError

from catalog.holder import ModelHolder
from catalog.settings import Settings
from catalog.store import revisions

log = get_logger(__name__)

IDLE_S = 2.0

# Each thread that allocates gets an arena of its own, which keeps what it once had: two of them
# take an eighth off an ingest's peak, and no time.
CHILD_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment in which the child builds the same settings."""
    own = {
        f"CATALOG_{name.upper()}": str(value)
        for name, value in settings.model_dump(exclude_none=True).items()
    }
    return {**os.environ, **own, **CHILD_ENVIRONMENT}


class IngestSupervisor:
    """Starts ``python -m catalog.ingest`` for each queued revision."""

    def __init__(self, settings: Settings, database: Database, holder: ModelHolder) -> None:
        self._settings = settings
        self._database = database
        self._holder = holder
        self._wake = asyncio.Event()
        self._failures: Counter[int] = Counter()

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    async def run(self) -> None:
        """Work for ever; the database may be away for a while."""
        while True:
            try:
                if not await self._step():
                    await self._idle()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("no look at the queue", extra={"kind": type(error).__name__})
                await asyncio.sleep(IDLE_S)

    async def _step(self) -> bool:
        await revisions.requeue_abandoned(self._database, self._settings.ingest_attempts)
        revision_id = await revisions.next_queued(self._database)
        if revision_id is None:
            return False
        await self._ingest(revision_id)
        await self._holder.refresh()
        return True

    async def _idle(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), IDLE_S)
        self._wake.clear()

    async def _ingest(self, revision_id: int) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "catalog.ingest",
            str(revision_id),
            env=child_environment(self._settings),
            cwd=Path(sys.prefix),
        )
        try:
            status = await child.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
            raise
        log.info("ingest ended", extra={"revision_id": revision_id, "status": status})
        if status != 0:
            self._failures[revision_id] += 1
            if self._failures[revision_id] >= self._settings.ingest_attempts:
                error = f"the ingest process ended with status {status}"
                await revisions.give_up(self._database, revision_id, error)
            await asyncio.sleep(IDLE_S)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At work meanwhile."""
        async with beside(self.run(), "ingests"):
            yield
