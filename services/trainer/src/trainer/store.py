"""All SQL of the trainer. Functions take a session; whoever opened its transaction commits.

Every write of a worker names its lease: the fence given with the claim. Where another claim came
between, the write changes nothing and raises `LeaseLost`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from chassis.health import Degraded
from sqlalchemy import (
    Row,
    Select,
    String,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from trainer.schemas import Artifact, Epoch, Job, Progress, Worker
from trainer.tables import artifact, epoch, job, queue, worker

LOST_WORKER_S = 30
WORKER = "embedlab worker"  # how its connection is called in pg_stat_activity
AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_claim_lock = "trainer claim"


class LeaseLost(Exception):
    """The job is no longer this worker's: expired, cancelled by the sweeper, or claimed again."""


@dataclass(frozen=True)
class Lease:
    """A claimed job: writes are accepted only under this fence."""

    job_id: str
    fence: int


@dataclass(frozen=True)
class Claim:
    """A lease with what the worker needs to know of its job."""

    lease: Lease
    attempts: int


def _seconds(value: float) -> ColumnElement[Any]:
    return func.make_interval(0, 0, 0, 0, 0, 0, value)


def _failure(reason: str) -> ColumnElement[Any]:
    """``failures`` with one entry more."""
    entry = func.jsonb_build_object(
        "attempt", job.c.attempts, "at", func.now(), "worker", job.c.worker,
        "reason", literal(reason, String),
    )  # fmt: skip
    return job.c.failures.op("||", return_type=JSONB())(entry)


# Jobs, for the API


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
            reason=None,
            cancel_requested=False,
            not_before=func.now(),
            finished_at=None,
            worker=None,
            metrics=None,
        )
        .returning(job.c.job_id)
    )
    return (await session.execute(statement)).scalar() is not None


# Artifacts and workers


async def list_artifacts(session: AsyncSession, job_id: str) -> list[Artifact]:
    """The artifacts of a job by name."""
    statement = select(artifact).where(artifact.c.job_id == job_id).order_by(artifact.c.name)
    rows = await session.execute(statement)
    return [Artifact.model_validate(row, from_attributes=True) for row in rows]


async def find_artifact(session: AsyncSession, job_id: str, name: str) -> AnyRow | None:
    """One artifact with its S3 key."""
    statement = select(artifact).where(artifact.c.job_id == job_id, artifact.c.name == name)
    return (await session.execute(statement)).first()


async def list_workers(session: AsyncSession) -> list[Worker]:
    """Workers seen within a day, the latest first."""
    busy = select(job.c.worker, job.c.job_id).where(job.c.state == "running")
    running: dict[str, list[str]] = {}
    for row in await session.execute(busy):
        running.setdefault(row.worker, []).append(row.job_id)
    lost = worker.c.heartbeat_at < func.now() - _seconds(LOST_WORKER_S)
    recent = worker.c.heartbeat_at > func.now() - _seconds(86_400)
    rows = await session.execute(
        select(worker, lost.label("lost")).where(recent).order_by(worker.c.heartbeat_at.desc())
    )
    return [_worker(row, running.get(row.name, [])) for row in rows]


def _worker(row: AnyRow, jobs: list[str]) -> Worker:
    values = {k: v for k, v in row._mapping.items() if k in Worker.model_fields}
    state = "lost" if row.lost else "busy" if jobs else "idle"
    return Worker.model_validate({**values, "state": state, "jobs": jobs})


async def beat_worker(session: AsyncSession, values: dict[str, Any]) -> None:
    """Say that a worker lives."""
    statement = pg_insert(worker).values(**values, heartbeat_at=func.now())
    changed = {name: statement.excluded[name] for name in (*values, "heartbeat_at")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=[worker.c.name], set_=changed)
    )


async def require_worker(session: AsyncSession) -> None:
    """Degraded where no worker is connected: jobs wait. A killed worker is gone at once."""
    connected = await session.scalar(
        text(
            "select exists (select from pg_stat_activity "
            "where datname = current_database() and application_name = :name)"
        ),
        {"name": WORKER},
    )
    if not connected:
        raise Degraded("no worker is connected; jobs wait in the queue")


async def forget_worker(session: AsyncSession, name: str) -> None:
    """Take an orderly ended worker off the list."""
    await session.execute(delete(worker).where(worker.c.name == name))


# The sweeper


async def count_due(session: AsyncSession) -> int:
    """Jobs that a worker could claim now."""
    statement = select(func.count()).select_from(job)
    due = and_(job.c.state == "queued", job.c.not_before <= func.now())
    return int(await session.scalar(statement.where(due)) or 0)


async def take_back_expired(
    session: AsyncSession, max_attempts: int, delay_s: float
) -> list[tuple[str, str]]:
    """Return jobs of silent workers to the queue, or end them; [(job_id, state)]."""
    expired = (
        select(job.c.job_id)
        .where(job.c.state == "running", job.c.lease_expires_at < func.now())
        .with_for_update(skip_locked=True)
    )
    reason = "its worker was lost: no heartbeat within the lease"
    statement = (
        update(job)
        .where(job.c.job_id.in_(expired.scalar_subquery()))
        .values(**_back_to_queue(reason, max_attempts, delay_s))
        .returning(job.c.job_id, job.c.state)
    )
    return [(row.job_id, row.state) for row in await session.execute(statement)]


def _back_to_queue(reason: str, max_attempts: int, delay_s: float) -> dict[str, Any]:
    """Column values that end an attempt: cancelled if asked for, failed if it was the last."""
    last = job.c.attempts >= max_attempts
    over = or_(job.c.cancel_requested, last)
    spent = f"failed after {max_attempts} attempts; the last: {reason}"
    return {
        "state": case((job.c.cancel_requested, "cancelled"), (last, "failed"), else_="queued"),
        "reason": case((job.c.cancel_requested, null()), (last, spent), else_=reason),
        "failures": _failure(reason),
        "finished_at": case((over, func.now()), else_=null()),
        "not_before": func.now() + _seconds(delay_s) * func.power(2, job.c.attempts - 1),
        "lease_expires_at": None,
        "worker": None,
        "fence": job.c.fence + 1,
    }


# The worker, under a lease


async def claim_job(session: AsyncSession, worker_name: str, lease_s: float) -> Claim | None:
    """Take the fairest due job; None where there is none.

    One claim at a time (advisory lock): two workers would otherwise both see the same person as
    least served. SKIP LOCKED passes over a job that is just being cancelled.
    """
    await session.execute(text("select pg_advisory_xact_lock(hashtext(:n))"), {"n": _claim_lock})
    fairest = (
        select(job.c.job_id)
        .join_from(job, queue, job.c.job_id == queue.c.job_id)
        .where(queue.c.due, job.c.state == "queued")
        .order_by(queue.c.position)
        .limit(1)
        .with_for_update(of=job, skip_locked=True)
    )
    job_id = await session.scalar(fairest)
    if job_id is None:
        return None
    statement = (
        update(job)
        .where(job.c.job_id == job_id)
        .values(
            state="running",
            worker=worker_name,
            attempts=job.c.attempts + 1,
            reason=None,
            fence=job.c.fence + 1,
            claimed_at=func.clock_timestamp(),
            started_at=func.coalesce(job.c.started_at, func.now()),
            lease_expires_at=func.now() + _seconds(lease_s),
        )
        .returning(job.c.fence, job.c.attempts)
    )
    row = (await session.execute(statement)).one()
    return Claim(Lease(job_id, row.fence), row.attempts)


def _held(lease: Lease) -> ColumnElement[bool]:
    return and_(job.c.job_id == lease.job_id, job.c.fence == lease.fence, job.c.state == "running")


async def _write(session: AsyncSession, lease: Lease, values: dict[str, Any]) -> AnyRow:
    statement = update(job).where(_held(lease)).values(**values).returning(job)
    row: AnyRow | None = (await session.execute(statement)).first()
    if row is None:
        raise LeaseLost(f"job {lease.job_id} is no longer held under fence {lease.fence}")
    return row


async def renew_lease(session: AsyncSession, lease: Lease, lease_s: float) -> bool:
    """Heartbeat; whether somebody asked to cancel."""
    until = func.now() + _seconds(lease_s)
    return bool((await _write(session, lease, {"lease_expires_at": until})).cancel_requested)


async def read_claimed(session: AsyncSession, lease: Lease) -> AnyRow:
    """The whole row of the job held under a lease."""
    row = (await session.execute(select(job).where(_held(lease)))).first()
    if row is None:
        raise LeaseLost(f"job {lease.job_id} is no longer held under fence {lease.fence}")
    return row


async def write_progress(
    session: AsyncSession, lease: Lease, progress: Progress, warnings: Iterable[str] | None = None
) -> None:
    """Show how far the job is."""
    values: dict[str, Any] = {"progress": progress.model_dump()}
    if warnings is not None:
        values["warnings"] = list(warnings)
    await _write(session, lease, values)


async def write_epoch(
    session: AsyncSession, lease: Lease, values: dict[str, Any], progress: Progress
) -> None:
    """Record an epoch with its checkpoint, and the progress that follows from it."""
    await write_progress(session, lease, progress)
    await session.execute(insert(epoch).values(job_id=lease.job_id, fence=lease.fence, **values))


async def read_epochs(session: AsyncSession, job_id: str) -> list[AnyRow]:
    """Recorded epochs in order, with their checkpoints."""
    statement = select(epoch).where(epoch.c.job_id == job_id).order_by(epoch.c.epoch)
    return list((await session.execute(statement)).all())


async def drop_epochs(session: AsyncSession, lease: Lease, after: int) -> None:
    """Forget epochs later than ``after``: their checkpoint is gone or broken."""
    await _write(session, lease, {"reason": None})
    await session.execute(
        delete(epoch).where(epoch.c.job_id == lease.job_id, epoch.c.epoch > after)
    )


async def give_back(
    session: AsyncSession, lease: Lease, reason: str, max_attempts: int, delay_s: float
) -> None:
    """End an attempt that another may follow."""
    await _write(session, lease, _back_to_queue(reason, max_attempts, delay_s))


async def hand_over(session: AsyncSession, lease: Lease) -> None:
    """Return a job because its worker shuts down; the attempt does not count."""
    values: dict[str, Any] = {"state": "queued", "lease_expires_at": None, "worker": None}
    values |= {"attempts": job.c.attempts - 1, "fence": job.c.fence + 1, "not_before": func.now()}
    await _write(session, lease, values | {"reason": "its worker was shut down; goes on elsewhere"})


async def finish_job(
    session: AsyncSession,
    lease: Lease,
    state: str,
    *,
    reason: str | None = None,
    metrics: dict[str, Any] | None = None,
    artifacts: Iterable[dict[str, Any]] = (),
) -> None:
    """End a job with what it came to; its artifacts are those given and no others."""
    values: dict[str, Any] = {
        "state": state, "reason": reason, "metrics": metrics, "finished_at": func.now(),
        "lease_expires_at": None, "fence": job.c.fence + 1,
    }  # fmt: skip
    if state == "failed":
        values["failures"] = _failure(reason or "")
    if state == "succeeded":
        done = Progress(phase="done", epoch=0, epochs=0, fraction=1.0)
        epochs = job.c.progress["epochs"]
        values["progress"] = func.jsonb_build_object(
            "phase", done.phase, "epoch", epochs, "epochs", epochs, "fraction", done.fraction
        )
    await _write(session, lease, values)
    await session.execute(delete(artifact).where(artifact.c.job_id == lease.job_id))
    for row in artifacts:
        await session.execute(insert(artifact).values(job_id=lease.job_id, **row))
