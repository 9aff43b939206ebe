"""A job's log. Its turns and epochs are told by triggers; here is what its process says besides."""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trainer.schemas import LogLine
from trainer.store.leases import Lease, held
from trainer.tables import job, line

Line = tuple[Literal["info", "warning", "error"], str]


async def add_lines(session: AsyncSession, lease: Lease, lines: Iterable[Line]) -> None:
    """Add to the log; nothing where the lease is no longer held. The oldest lines make way."""
    for level, text in lines:
        add = func.trainer.add_line(lease.job_id, level, text)
        await session.execute(select(add).select_from(job).where(held(lease)))


async def read_lines(session: AsyncSession, job_id: str, tail: int) -> tuple[list[LogLine], int]:
    """(the last ``tail`` lines in order, how many are kept)."""
    mine = line.c.job_id == job_id
    last = select(line).where(mine).order_by(line.c.line_id.desc()).limit(tail)
    rows = (await session.execute(last)).all()
    kept = await session.scalar(select(func.count()).where(mine))
    lines = [LogLine.model_validate(row, from_attributes=True) for row in reversed(rows)]
    return lines, int(kept or 0)
