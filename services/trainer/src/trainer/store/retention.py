"""How much people keep, and what is let go when it is old."""

from sqlalchemy import delete, func, not_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trainer.schemas import FINISHED
from trainer.store.common import seconds
from trainer.tables import artifact, epoch, job

KEPT = ("report.json", "report.html")
"""What a job was stays readable; weights, predictions and checkpoints take the room."""
DAY_S = 86_400


async def count_kept(session: AsyncSession, owner_id: str) -> int:
    """Bytes of the artifacts of a person's jobs."""
    statement = select(func.coalesce(func.sum(artifact.c.bytes), 0)).join_from(
        artifact, job, artifact.c.job_id == job.c.job_id
    )
    return int(await session.scalar(statement.where(job.c.owner_id == owner_id)) or 0)


async def find_outdated(session: AsyncSession, days: int, limit: int) -> list[str]:
    """Jobs that ended more than ``days`` ago and are not to be kept, the oldest first.

    A child stays as long as its parent has not ended: what it left is still to be combined.
    """
    parent = job.alias("parent")
    awaited = select(parent.c.job_id).where(
        parent.c.job_id == job.c.parent_id, parent.c.state.not_in(FINISHED)
    )
    statement = (
        select(job.c.job_id)
        .where(
            job.c.finished_at < func.now() - seconds(days * DAY_S),
            job.c.expired_at.is_(None),
            not_(job.c.keep),
            not_(awaited.exists()),
        )
        .order_by(job.c.finished_at)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def find_large(session: AsyncSession, job_id: str) -> list[str]:
    """Keys of a job's artifacts that are let go."""
    statement = select(artifact.c.key).where(
        artifact.c.job_id == job_id, artifact.c.name.not_in(KEPT)
    )
    return list(await session.scalars(statement))


async def note_expired(session: AsyncSession, job_id: str) -> None:
    """Only the report is left of a job; what had a checkpoint starts over where it is retried."""
    large = artifact.c.name.not_in(KEPT)
    await session.execute(delete(artifact).where(artifact.c.job_id == job_id, large))
    await session.execute(update(epoch).where(epoch.c.job_id == job_id).values(checkpoint={}))
    gone = {"expired_at": func.now(), "model": None}
    await session.execute(update(job).where(job.c.job_id == job_id).values(**gone))
