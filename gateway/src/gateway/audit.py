"""The audit log: rows are collected and written in batches, off the path of the request.

Originals, exports, sign-ins and changes are one row each; what is looked at is summed per person,
subject (the patient, where a service names one) and minute. What waits is bounded: when the
database is away for so long that rows would be lost, what needs a row is refused instead (503).
"""

import asyncio
import time
from collections import deque
from datetime import UTC, datetime, timedelta

from chassis.database import Database
from chassis.logs import get_logger
from chassis.problems import unavailable
from chassis.tasks import end
from sqlalchemy.exc import SQLAlchemyError

from gateway import store
from gateway.records import AuditRow

log = get_logger(__name__)

FLUSH_S = 1.0
BATCH = 500
MOST_ROWS = 10_000
MOST_SUMS = 10_000
FORGET_S = 3600.0

_Key = tuple[str, str, str | None, int]  # person, action, subject, minute


class AuditLog:
    """Collects accesses and writes them once a second."""

    def __init__(self, database: Database, keep: timedelta | None = None) -> None:
        self._database = database
        self._keep = keep
        self._rows: deque[AuditRow] = deque()
        self._sums: dict[_Key, list[int]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin writing in the background."""
        self._task = asyncio.create_task(self._keep_writing())

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return len(self._rows)

    def require_room(self) -> None:
        """Refuse (503) what must be recorded when nothing more can be."""
        if len(self._rows) >= MOST_ROWS:
            raise unavailable("The audit log cannot be written", detail="Try again later.")

    def record(self, row: AuditRow) -> None:
        """One access."""
        self._rows.append(row)

    def add(self, person_id: str, action: str, subject: str | None, size: int) -> None:
        """One of many like accesses, counted in the sum of its minute."""
        key = (person_id, action, subject, int(time.time() // 60))
        known = self._sums.get(key)
        if known:
            known[0] += 1
            known[1] += size
        elif len(self._sums) < MOST_SUMS:
            self._sums[key] = [1, size]
        else:
            log.error("audit sums lost: the database has been away for too long")

    async def _keep_writing(self) -> None:
        forgotten = -FORGET_S
        while True:
            await asyncio.sleep(FLUSH_S)
            self._close_minutes(before=int(time.time() // 60))
            await self._write_safely()
            if self._keep and time.monotonic() - forgotten >= FORGET_S:
                forgotten = time.monotonic()
                await self._forget_safely(self._keep)

    def _close_minutes(self, before: int) -> None:
        for key in [key for key in self._sums if key[-1] < before]:
            person_id, action, subject, minute = key
            times, size = self._sums.pop(key)
            at = datetime.fromtimestamp(minute * 60, UTC)
            self.record(AuditRow(at, person_id, action, subject, 200, times=times, bytes=size))

    async def _write_safely(self) -> None:
        try:
            await self.write()
        except (SQLAlchemyError, OSError) as error:
            waiting = {"kind": type(error).__name__, "waiting": len(self._rows)}
            # The kind says it; a traceback every second would bury the rest of the log.
            log.error("audit not written yet", extra=waiting)  # noqa: TRY400

    async def _forget_safely(self, keep: timedelta) -> None:
        try:
            async with self._database.transaction() as session:
                gone = await store.forget_audit(session, keep)
        except (SQLAlchemyError, OSError) as error:
            log.warning("old audit rows not deleted", extra={"kind": type(error).__name__})
        else:
            log.info("audit retention", extra={"deleted": gone})

    async def write(self) -> None:
        """Write everything that waits; what fails stays."""
        while self._rows:
            batch = [self._rows[i] for i in range(min(BATCH, len(self._rows)))]
            async with self._database.transaction() as session:
                await store.append_audit(session, batch)
            for _ in batch:
                self._rows.popleft()

    async def close(self) -> None:
        """Write what waits, the current minute too, and stop."""
        if self._task:
            await end(self._task)
        self._close_minutes(before=2**62)
        await self._write_safely()
