"""Jobs as the API reads and changes them, and their artifacts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, literal, null, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from trainer.schemas import Artifact, Epoch, Job
from trainer.store.common import AnyRow
from trainer.tables import artifact, epoch, job, queue


async def insert_job(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Add a queued job; False where its owner used the idempotency key before."""
    statement = (
        pg_insert(job)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["owner_id", "idempotency_key"])
        .returning(job.c.job_id)
    )
    return (await session.execute(statement)).scalar() is not None


async def find_submitted(session: AsyncSession, owner_id: str, key: str) -> tuple[str, str] | None:
    """(job_id, spec_sha256) of what a person submitted under an idempotency key."""
    statement = select(job.c.job_id, job.c.spec_sha256).where(
        job.c.owner_id == owner_id, job.c.idempotency_key == key
    )
    row = (await session.execute(statement)).first()
    return (row.job_id, row.spec_sha256) if row else None


def _jobs() -> Select[Any]:
    return select(job, queue.c.position).join_from(
        job, queue, job.c.job_id == queue.c.job_id, isouter=True
    )


async def find_job(session: AsyncSession, job_id: str) -> Job | None:
    """One job with its epochs."""
    row = (await session.execute(_jobs().where(job.c.job_id == job_id))).first()
    return (await _with_epochs(session, [row]))[0] if row else None


async def find_access(session: AsyncSession, job_id: str) -> AnyRow | None:
    """What decides who may act on a job: owner_id, dataset, restricted, state."""
    columns = (job.c.owner_id, job.c.dataset, job.c.restricted, job.c.state)
    return (await session.execute(select(*columns).where(job.c.job_id == job_id))).first()


async def list_jobs(
    session: AsyncSession,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> tuple[list[Job], int]:
    """A page, newest first, and how many there are in all."""
    total = await session.scalar(select(func.count()).select_from(job).where(*where))
    page = _jobs().where(*where).order_by(job.c.created_at.desc(), job.c.job_id.desc()).limit(limit)
    if after is not None:
        page = page.where(tuple_(job.c.created_at, job.c.job_id) < tuple_(*map(literal, after)))
    rows = (await session.execute(page)).all()
    return await _with_epochs(session, rows), int(total or 0)


def job_filter(
    owner_id: str | None, states: Sequence[str], experiment: str | None, cohort_id: str | None
) -> list[ColumnElement[bool]]:
    """Conditions of a listing; None and empty mean any."""
    conditions: list[ColumnElement[bool]] = [job.c.state.in_(states)] if states else []
    for column, value in (
        (job.c.owner_id, owner_id),
        (job.c.experiment, experiment),
        (job.c.cohort_id, cohort_id),
    ):
        if value is not None:
            conditions.append(column == value)
    return conditions


async def _with_epochs(session: AsyncSession, rows: Sequence[AnyRow]) -> list[Job]:
    ids = [row.job_id for row in rows]
    found: dict[str, list[Epoch]] = {job_id: [] for job_id in ids}
    statement = select(epoch).where(epoch.c.job_id.in_(ids)).order_by(epoch.c.epoch)
    for row in await session.execute(statement):
        found[row.job_id].append(Epoch.model_validate(row, from_attributes=True))
    return [_job(row, found[row.job_id]) for row in rows]


def _job(row: AnyRow, epochs: list[Epoch]) -> Job:
    values = dict(row._mapping)
    permuted = values["spec"]["settings"]["permute_labels"] is not None
    return Job(
        **{name: values[name] for name in Job.model_fields if name in values},
        epochs=epochs,
        queue_position=values["position"],
        control="labels permuted: this job can learn nothing" if permuted else None,
    )


async def cancel_job(session: AsyncSession, job_id: str) -> bool:
    """Cancel at once what waits; ask a worker to stop what runs. False where it had ended."""
    waits = job.c.state == "queued"
    statement = (
        update(job)
        .where(job.c.job_id == job_id, job.c.state.in_(("queued", "running")))
        .values(
            cancel_requested=True,
            state=case((waits, "cancelled"), else_=job.c.state),
            finished_at=case((waits, func.now()), else_=null()),
        )
        .returning(job.c.job_id)
    )
    return (await session.execute(statement)).scalar() is not None


async def retry_job(session: AsyncSession, job_id: str) -> bool:
    """Queue a failed or cancelled job again, to go on from its checkpoint; False: it was neither"""
    statement = (
        update(job)
        .where(job.c.job_id == job_id, job.c.state.in_(("failed", "cancelled")))
        .values(
            state="queued",
            attempts=0,
            fruitless=0,
            quarantined=False,
            reason=None,
            waiting=None,
            cancel_requested=False,
            not_before=func.now(),
            finished_at=None,
            worker=None,
            metrics=None,
        )
        .returning(job.c.job_id)
    )
    return (await session.execute(statement)).scalar() is not None


async def list_artifacts(session: AsyncSession, job_id: str) -> list[Artifact]:
    """The artifacts of a job by name."""
    statement = select(artifact).where(artifact.c.job_id == job_id).order_by(artifact.c.name)
    rows = await session.execute(statement)
    return [Artifact.model_validate(row, from_attributes=True) for row in rows]


async def find_artifact(session: AsyncSession, job_id: str, name: str) -> AnyRow | None:
    """One artifact with its S3 key."""
    statement = select(artifact).where(artifact.c.job_id == job_id, artifact.c.name == name)
    return (await session.execute(statement)).first()
