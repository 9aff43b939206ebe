"""Jobs as the API reads and changes them, and their artifacts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Float,
    Select,
    cast,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from trainer.schemas import Artifact, Children, Epoch, Job
from trainer.store.common import LOST_WORKER_S, AnyRow, one_of, seconds
from trainer.store.families import count_children
from trainer.tables import artifact, epoch, job, queue, worker

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


def _jobs() -> Select[Any]:
    columns = [column for column in job.c if column.name in Job.model_fields]
    return select(*columns, func.now().label("now"))


async def _turns(session: AsyncSession, job_ids: Sequence[str]) -> dict[str, AnyRow]:
    """{queued job: its place in the queue, and what decides when it is its turn}.

    A question of its own: joined to jobs, the planner works the whole queue out for each of them.
    """
    fraction = cast(job.c.progress["fraction"].astext, Float)
    minutes = cast(job.c.estimate["minutes"].astext, Float)
    left = select(func.coalesce(func.sum(minutes * (1 - fraction)), 0.0))
    slots = select(func.coalesce(func.sum(worker.c.slots), 0))
    alive = worker.c.heartbeat_at > func.now() - seconds(LOST_WORKER_S)
    statement = select(
        queue.c.job_id,
        queue.c.position,
        queue.c.minutes_before,
        left.where(job.c.state == "running").scalar_subquery().label("minutes_left"),
        slots.where(alive).scalar_subquery().label("slots"),
    ).where(queue.c.job_id == one_of(job_ids))
    return {row.job_id: row for row in await session.execute(statement)}


async def find_job(session: AsyncSession, job_id: str) -> Job | None:
    """One job with its epochs."""
    row = (await session.execute(_jobs().where(job.c.job_id == job_id))).first()
    return (await _whole(session, [row]))[0] if row else None


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
    count = select(func.count()).select_from(job).where(*where)
    page = _jobs().add_columns(count.correlate(None).scalar_subquery().label("total")).where(*where)
    page = page.order_by(job.c.created_at.desc(), job.c.job_id.desc()).limit(limit)
    if after is not None:
        page = page.where(tuple_(job.c.created_at, job.c.job_id) < tuple_(*map(literal, after)))
    rows = (await session.execute(page)).all()
    total = rows[0].total if rows else await session.scalar(count)
    return await _whole(session, rows), int(total or 0)


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


async def _whole(session: AsyncSession, rows: Sequence[AnyRow]) -> list[Job]:
    """Jobs with their epochs and how their children are."""
    ids = [row.job_id for row in rows]
    found: dict[str, list[Epoch]] = {job_id: [] for job_id in ids}
    statement = select(epoch).where(epoch.c.job_id == one_of(ids)).order_by(epoch.c.epoch)
    for row in await session.execute(statement):
        found[row.job_id].append(Epoch.model_validate(row, from_attributes=True))
    parents = [row.job_id for row in rows if row.spec.get("composition")]
    children = await count_children(session, parents) if parents else {}
    queued = [row.job_id for row in rows if row.state == "queued"]
    turns = await _turns(session, queued) if queued else {}
    return [
        _job(row, found[row.job_id], children.get(row.job_id), turns.get(row.job_id))
        for row in rows
    ]


def _job(row: AnyRow, epochs: list[Epoch], children: Children | None, turn: AnyRow | None) -> Job:
    values = dict(row._mapping)
    permuted = values["spec"]["settings"]["permute_labels"] is not None
    if children and children.ended < children.total and values["state"] == "queued":
        values["progress"] = {"phase": "children", "fraction": children.ended / children.total}
    return Job(
        **(values | _expected(values, epochs, turn)),
        epochs=epochs,
        children=children,
        queue_position=turn.position if turn else None,
        control="labels permuted: this job can learn nothing" if permuted else None,
    )


def _expected(
    values: dict[str, Any], epochs: list[Epoch], turn: AnyRow | None
) -> dict[str, datetime | None]:
    """When it starts and ends, if all goes as history says; nothing where no worker lives."""
    start = end = None
    minutes = values["estimate"]["minutes"]
    if turn is not None and turn.slots:
        before = (turn.minutes_before + turn.minutes_left) / turn.slots
        start = values["now"] + timedelta(minutes=before)
        end = start + timedelta(minutes=minutes)
    if values["state"] == "running":
        left_s = minutes * 60 * (1 - values["progress"]["fraction"])
        if epochs:
            todo = values["progress"]["epochs"] - len(epochs)
            left_s = todo * sum(e.seconds for e in epochs) / len(epochs)
        end = values["now"] + timedelta(seconds=left_s)
    return {"expected_start_at": start, "expected_end_at": end}


async def find_jobs(session: AsyncSession, job_ids: Sequence[str]) -> list[Job]:
    """Jobs in the order of their ids; unknown ones are left out."""
    rows = (await session.execute(_jobs().where(job.c.job_id.in_(job_ids)))).all()
    found = {one.job_id: one for one in await _whole(session, rows)}
    return [found[job_id] for job_id in job_ids if job_id in found]


async def list_artifacts(session: AsyncSession, job_id: str) -> list[Artifact]:
    """The artifacts of a job by name."""
    statement = select(artifact).where(artifact.c.job_id == job_id).order_by(artifact.c.name)
    rows = await session.execute(statement)
    return [Artifact.model_validate(row, from_attributes=True) for row in rows]


async def find_artifact(session: AsyncSession, job_id: str, name: str) -> AnyRow | None:
    """One artifact with its S3 key."""
    statement = select(artifact).where(artifact.c.job_id == job_id, artifact.c.name == name)
    return (await session.execute(statement)).first()
