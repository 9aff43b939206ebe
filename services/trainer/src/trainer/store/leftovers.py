"""Succeeded jobs whose checkpoints, and whose dead attempts' uploads, are still there."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trainer.store.leases import Lease
from trainer.tables import job


async def find_uncleared(session: AsyncSession, limit: int) -> list[Lease]:
    """Jobs with the fence they succeeded under, those that ended first first.

    Their end was one fence more (`finish_job`): the objects to keep are under the one before.
    """
    statement = (
        select(job.c.job_id, (job.c.fence - 1).label("fence"))
        .where(job.c.state == "succeeded", ~job.c.cleared)
        .order_by(job.c.finished_at)
        .limit(limit)
    )
    return [Lease(row.job_id, row.fence) for row in await session.execute(statement)]


async def note_cleared(session: AsyncSession, job_id: str) -> None:
    """Nothing of the job is left but its artifacts."""
    await session.execute(update(job).where(job.c.job_id == job_id).values(cleared=True))
