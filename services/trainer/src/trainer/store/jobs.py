"""Jobs as the API makes and finds them, and their artifacts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Float, cast, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from trainer.schemas import Artifact
from trainer.store.common import AnyRow
from trainer.tables import artifact, epoch, job

ALIKE = 20  # as many former jobs tell how long a new one takes


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


async def count_queued(session: AsyncSession, owner_id: str) -> int:
    """How many jobs a person has waiting."""
    mine = select(func.count()).where(job.c.owner_id == owner_id, job.c.state == "queued")
    return int(await session.scalar(mine) or 0)


async def measured_pace(session: AsyncSession, model: str, input_size: int) -> float | None:
    """Seconds of an epoch per image of the source, over the last jobs like it; None: no such."""
    settings = job.c.spec["settings"]
    alike = (
        select(job.c.job_id, cast(job.c.spec["source"]["images"].astext, Float).label("images"))
        .where(
            job.c.state == "succeeded",
            settings["model"].astext == model,
            settings["input_size"].astext == str(input_size),
        )
        .order_by(job.c.created_at.desc())
        .limit(ALIKE)
        .subquery()
    )
    pace = select(func.avg(epoch.c.seconds / alike.c.images)).join_from(
        epoch, alike, epoch.c.job_id == alike.c.job_id
    )
    found = await session.scalar(pace)
    return None if found is None else float(found)


async def find_access(session: AsyncSession, job_id: str) -> AnyRow | None:
    """What decides who may act on a job: owner_id, dataset, restricted, state."""
    columns = (job.c.owner_id, job.c.dataset, job.c.restricted, job.c.state)
    return (await session.execute(select(*columns).where(job.c.job_id == job_id))).first()


def job_filter(
    owner_id: str | None,
    states: Sequence[str],
    experiment: str | None = None,
    cohort_id: str | None = None,
    *,
    model: str | None = None,
    words: str | None = None,
    archived: bool | None = None,
    parent: str | None = None,
) -> list[ColumnElement[bool]]:
    """Conditions of a listing; None and empty mean any. ``words`` stand in the name.

    ``parent`` is whose children are wanted; `none`: jobs that are nobody's child.
    """
    conditions: list[ColumnElement[bool]] = [job.c.state.in_(states)] if states else []
    if parent is not None:
        childless = job.c.parent_id.is_(None)
        conditions.append(childless if parent == "none" else job.c.parent_id == parent)
    for column, value in (
        (job.c.owner_id, owner_id),
        (job.c.experiment, experiment),
        (job.c.cohort_id, cohort_id),
        (job.c.spec["settings"]["model"].astext, model),
        (job.c.archived, archived),
    ):
        if value is not None:
            conditions.append(column == value)
    if words:
        conditions.append(job.c.name.icontains(words, autoescape=True))
    return conditions


async def list_artifacts(session: AsyncSession, job_id: str) -> list[Artifact]:
    """The artifacts of a job by name."""
    statement = select(artifact).where(artifact.c.job_id == job_id).order_by(artifact.c.name)
    rows = await session.execute(statement)
    return [Artifact.model_validate(row, from_attributes=True) for row in rows]


async def find_artifact(session: AsyncSession, job_id: str, name: str) -> AnyRow | None:
    """One artifact with its S3 key."""
    statement = select(artifact).where(artifact.c.job_id == job_id, artifact.c.name == name)
    return (await session.execute(statement)).first()
