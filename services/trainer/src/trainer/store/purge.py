"""A purge: jobs are stopped, and forgotten once they have ended; workers hear of it."""

from sqlalchemy import case, delete, func, null, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from trainer.schemas import FINISHED
from trainer.tables import job, purge


async def note_purge(session: AsyncSession, dataset: str) -> None:
    """Remember that a dataset was purged now, for as long as some worker may not know it."""
    now = {"purged_at": func.clock_timestamp()}
    statement = pg_insert(purge).values(dataset=dataset, **now)
    await session.execute(
        statement.on_conflict_do_update(index_elements=[purge.c.dataset], set_=now)
    )


async def list_purges(session: AsyncSession) -> dict[str, str]:
    """{dataset: when it was last purged} of all that ever were."""
    rows = await session.execute(select(purge.c.dataset, purge.c.purged_at))
    return {row.dataset: row.purged_at.isoformat() for row in rows}


async def cancel_jobs_of(session: AsyncSession, dataset: str) -> int:
    """Cancel what waits, ask workers to stop what runs; how many jobs still run."""
    waits = job.c.state == "queued"
    stopping = (
        update(job)
        .where(job.c.dataset == dataset, job.c.state.not_in(FINISHED))
        .values(
            cancel_requested=True,
            state=case((waits, "cancelled"), else_=job.c.state),
            finished_at=case((waits, func.now()), else_=null()),
        )
        .returning(job.c.state)
    )
    return list(await session.scalars(stopping)).count("running")


async def list_ended_jobs_of(session: AsyncSession, dataset: str, limit: int) -> list[str]:
    """Ids of jobs on a dataset that have ended, children before what they are parts of."""
    statement = (
        select(job.c.job_id)
        .where(job.c.dataset == dataset, job.c.state.in_(FINISHED))
        .order_by(job.c.parent_id.is_(None), job.c.job_id)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def forget_ended_jobs(session: AsyncSession, job_ids: list[str]) -> int:
    """Forget jobs that have ended, with epochs and artifacts; how many."""
    statement = delete(job).where(job.c.job_id.in_(job_ids), job.c.state.in_(FINISHED))
    return len(list(await session.scalars(statement.returning(job.c.job_id))))
