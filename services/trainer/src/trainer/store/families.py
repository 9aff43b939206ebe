"""What is done to a job is done to its children."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, cast, delete, func, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from trainer.schemas import FINISHED
from trainer.tables import JSONB, job

_told_again = cast({"state": "pending", "attempts": 0, "again_at": 0}, JSONB)
_again: dict[str, Any] = {
    "state": "queued",
    "attempts": 0,
    "fruitless": 0,
    "quarantined": False,
    "reason": None,
    "waiting": None,
    "cancel_requested": False,
    "not_before": func.now(),
    "finished_at": None,
    "worker": None,
    "metrics": None,
    "combined": None,
    "expired_at": None,
    "webhook": job.c.webhook.op("||", return_type=JSONB)(_told_again),
}


def _family(job_id: str) -> ColumnElement[bool]:
    return or_(job.c.job_id == job_id, job.c.parent_id == job_id)


async def insert_children(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Add the queued children of a job that was inserted before."""
    if rows:
        await session.execute(insert(job), list(rows))


async def list_children(session: AsyncSession, job_id: str) -> list[str]:
    """Ids of a job's children in their order."""
    statement = select(job.c.job_id).where(job.c.parent_id == job_id).order_by(job.c.place)
    return list(await session.scalars(statement))


async def change_job(session: AsyncSession, job_id: str, values: dict[str, Any]) -> None:
    """Rename, put away or re-order a job; its children follow, but for the name."""
    shared = {name: value for name, value in values.items() if name != "name"}
    await session.execute(update(job).where(job.c.job_id == job_id).values(**values))
    if shared:
        await session.execute(update(job).where(job.c.parent_id == job_id).values(**shared))


async def delete_job(session: AsyncSession, job_id: str) -> bool:
    """Forget a job that has ended, with epochs, artifacts and children; False where one has not"""
    at_work = select(job.c.job_id).where(_family(job_id), job.c.state.not_in(FINISHED)).exists()
    statement = delete(job).where(job.c.job_id == job_id, ~at_work).returning(job.c.job_id)
    return (await session.execute(statement)).scalar() is not None


async def cancel_job(session: AsyncSession, job_id: str) -> bool:
    """Cancel at once what waits; ask workers to stop what runs. False where all had ended."""
    waits = job.c.state == "queued"
    statement = (
        update(job)
        .where(_family(job_id), job.c.state.in_(("queued", "running")))
        .values(
            cancel_requested=True,
            state=case((waits, "cancelled"), else_=job.c.state),
            finished_at=case((waits, func.now()), else_=null()),
        )
        .returning(job.c.job_id)
    )
    return bool((await session.scalars(statement)).all())


async def retry_job(session: AsyncSession, job_id: str) -> bool:
    """Queue a failed or cancelled job again, to go on from its checkpoint; False: it was neither.

    Its children that failed or were cancelled are queued with it.
    """
    ended = job.c.state.in_(("failed", "cancelled"))
    itself = update(job).where(job.c.job_id == job_id, ended).values(**_again)
    if (await session.execute(itself.returning(job.c.job_id))).scalar() is None:
        return False
    children = update(job).where(job.c.parent_id == job_id, ended)
    await session.execute(children.values(**_again))
    return True
