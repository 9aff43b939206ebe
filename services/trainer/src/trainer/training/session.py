"""A job's connections: database, object store, catalog, imagery. The training loop is synchronous;
they run on an event loop of their own in a thread, under the job's lease."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError
from chassis.database import Database, database_problem
from chassis.identity import Signer
from chassis.logs import get_logger
from chassis.s3 import s3_client
from sqlalchemy.ext.asyncio import AsyncSession

from trainer import store
from trainer.catalog import open_http
from trainer.identity import job_identity, renewing_token
from trainer.objects import Objects
from trainer.outcome import Stopped, TryLater
from trainer.schemas import Progress
from trainer.settings import TrainerSettings

T = TypeVar("T")

RETRY_S = 1.0
PROGRESS_S = 0.5
_poll_s = 0.1

log = get_logger(__name__)


@dataclass
class Session:
    """Open connections of one job. Use as a context manager."""

    settings: TrainerSettings
    lease: store.Lease
    stopping: threading.Event
    database: Database = field(init=False)
    objects: Objects = field(init=False)
    http: aiohttp.ClientSession = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _shown_at: float = 0.0
    _showing: "Future[None] | None" = None
    _notes: "list[store.Line]" = field(default_factory=list)

    def __enter__(self) -> Self:
        threading.Thread(target=self._loop.run_forever, name="session", daemon=True).start()
        self.wait(self._open())
        return self

    def __exit__(self, *error: object) -> None:
        self._submit(self._stack.aclose()).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` to its end; Stopped as soon as somebody asks the job to stop."""
        future = self._submit(work)
        while not wait([future], timeout=_poll_s).done:
            if self.stopping.is_set():
                future.cancel()
                raise Stopped
        return future.result()

    def write(self, statement: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """One transaction under the lease; waits while the database is away."""

        async def transact() -> T:
            async with self._transaction() as session:
                return await statement(session)

        return self.insist("the database", transact)

    def insist(self, what: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Repeat ``work`` while ``what`` is away, and say so; TryLater after `patience_s`."""
        patience_s = self.settings.patience_s
        deadline = time.monotonic() + patience_s
        while True:
            try:
                return self.wait(work())
            except Exception as error:
                if not _is_away(error):
                    raise
                log.warning("waiting", extra={"what": what, "error": type(error).__name__})
                if time.monotonic() > deadline:
                    raise TryLater(f"{what} was away for {patience_s:.0f} s") from error
                self._tell_waiting(f"{what} cannot be reached ({type(error).__name__})")
            if self.stopping.wait(RETRY_S):
                raise Stopped

    def show(self, progress: Progress) -> None:
        """Show progress soon, at most twice a second, without waiting for it."""
        if self._showing is not None and self._showing.done():
            error, self._showing = self._showing.exception(), None
            if isinstance(error, store.LeaseLost):
                raise error
        if self._showing is None and time.monotonic() - self._shown_at >= PROGRESS_S:
            self._shown_at = time.monotonic()
            self._showing = self._submit(self._show(progress))

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """Say something in the job's log, with whatever is written next."""
        self._notes.append((level, text))

    def check_stop(self) -> None:
        """Raise Stopped where somebody asked for it."""
        if self.stopping.is_set():
            raise Stopped

    def token_source(self, owner: dict[str, Any], cohort_id: str | None) -> Callable[[], str]:
        """Gives the job's identity, renewed as long as the job runs."""
        signer = Signer(self.settings.signing_key, "trainer")
        identity = job_identity(owner, self.lease.job_id, cohort_id)
        return renewing_token(signer, identity, self.settings.token_lifetime_s)

    async def _open(self) -> None:
        self.database = Database(self.settings.database_url, pool_size=2)
        self._stack.push_async_callback(self.database.close)
        client = await self._stack.enter_async_context(
            s3_client(self.settings, connections=4, read_timeout_s=60)
        )
        self.objects = Objects(client, self.settings.artifact_bucket)
        http = open_http(self.settings.fetch_concurrency)
        self.http = await self._stack.enter_async_context(http)

    def _tell_waiting(self, what: str) -> None:
        """Write down what the job waits for, if the database can be reached."""
        if self._showing is None or self._showing.done():
            self._showing = self._submit(self._write_waiting(what))

    async def _write_waiting(self, what: str) -> None:
        async with self._transaction() as session:
            await store.write_waiting(session, self.lease, what)

    async def _show(self, progress: Progress) -> None:
        async with self._transaction() as session:
            await store.write_progress(session, self.lease, progress)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction that takes along what was noted; what was rolled back is not lost."""
        notes, self._notes = self._notes, []
        try:
            async with self.database.transaction() as session:
                await store.add_lines(session, self.lease, notes)
                yield session
        except BaseException:
            self._notes[:0] = notes
            raise

    def _submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def _is_away(error: Exception) -> bool:
    """Whether the same work may succeed later: the database or the store cannot be reached."""
    if isinstance(error, ClientError):
        return int(error.response["ResponseMetadata"].get("HTTPStatusCode", 500)) >= 500
    if isinstance(error, (BotoCoreError, aiohttp.ClientError)):  # the latter within a body
        return True
    if isinstance(error, FileNotFoundError):  # a file of ours, not a server's absence
        return False
    problem = database_problem(error)
    return problem is not None and problem.status == 503
