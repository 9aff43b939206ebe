"""The queue and what is done under a lease.

Every write of a worker names its lease: the fence given with the claim. Where another claim came
between, the write changes nothing and raises `LeaseLost`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    String,
    and_,
    case,
    delete,
    extract,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from trainer.schemas import Progress
from trainer.store.common import AnyRow, seconds
from trainer.tables import artifact, epoch, job, queue

_claim_lock = "trainer claim"


class LeaseLost(Exception):
    """The job is no longer this worker's: expired, cancelled by the sweeper, or claimed again."""


@dataclass(frozen=True)
class Lease:
    """A claimed job: writes are accepted only under this fence."""

    job_id: str
    fence: int

    def folder(self, scratch: Path) -> Path:
        """Where the attempt keeps files; another attempt at the job has another folder."""
        return scratch / "jobs" / f"{self.job_id}-{self.fence}"


@dataclass(frozen=True)
class Held:
    """What a heartbeat hears."""

    cancel_requested: bool
    progress: dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """A lease with what the worker needs to know of its job."""

    lease: Lease
    attempts: int
    time_limit_s: int | None


async def claim_job(
    session: AsyncSession, worker_name: str, lease_s: float, max_running: int = 0
) -> Claim | None:
    """Take the fairest due job; None where there is none.

    Whoever has ``max_running`` jobs running waits (0: nobody does).

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
    if max_running:
        fairest = fairest.where(queue.c.running < max_running)
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
            fruitless=job.c.fruitless + 1,
            reason=None,
            waiting=None,
            fence=job.c.fence + 1,
            claimed_at=func.clock_timestamp(),
            started_at=func.coalesce(job.c.started_at, func.now()),
            lease_expires_at=func.now() + seconds(lease_s),
        )
        .returning(job.c.fence, job.c.attempts, job.c.time_limit_s)
    )
    row = (await session.execute(statement)).one()
    return Claim(Lease(job_id, row.fence), row.attempts, row.time_limit_s)


def held(lease: Lease) -> ColumnElement[bool]:
    """Its job, as long as nobody else has it."""
    return and_(job.c.job_id == lease.job_id, job.c.fence == lease.fence, job.c.state == "running")


async def _write(session: AsyncSession, lease: Lease, values: dict[str, Any]) -> AnyRow:
    statement = update(job).where(held(lease)).values(**values).returning(job)
    row: AnyRow | None = (await session.execute(statement)).first()
    if row is None:
        raise LeaseLost(f"job {lease.job_id} is no longer held under fence {lease.fence}")
    return row


async def renew_lease(session: AsyncSession, lease: Lease, lease_s: float) -> Held:
    """Heartbeat; whether somebody asked to cancel, and how far the job is."""
    until = func.now() + seconds(lease_s)
    row = await _write(session, lease, {"lease_expires_at": until})
    return Held(row.cancel_requested, row.progress)


async def read_claimed(session: AsyncSession, lease: Lease) -> AnyRow:
    """The whole row of the job held under a lease."""
    row = (await session.execute(select(job).where(held(lease)))).first()
    if row is None:
        raise LeaseLost(f"job {lease.job_id} is no longer held under fence {lease.fence}")
    return row


async def write_progress(
    session: AsyncSession, lease: Lease, progress: Progress, warnings: Iterable[str] | None = None
) -> None:
    """Show how far the job is."""
    values: dict[str, Any] = {"progress": progress.model_dump(), "waiting": None}
    if warnings is not None:
        values["warnings"] = list(warnings)
    await _write(session, lease, values)


async def write_epoch(
    session: AsyncSession, lease: Lease, values: dict[str, Any], progress: Progress
) -> None:
    """Record an epoch, with its checkpoint once there is one, and the progress that follows.

    Written again, also after a commit whose answer was lost, it is the same epoch.
    """
    shown: dict[str, Any] = {"progress": progress.model_dump(), "waiting": None}
    if values["checkpoint"]:
        shown["fruitless"] = 0
    await _write(session, lease, shown)
    row = {"job_id": lease.job_id, "fence": lease.fence, **values}
    keys = [epoch.c.job_id, epoch.c.epoch]
    statement = pg_insert(epoch).values(**row).on_conflict_do_update(index_elements=keys, set_=row)
    await session.execute(statement)


async def write_waiting(session: AsyncSession, lease: Lease, what: str) -> None:
    """Say what the job waits for; the next progress takes it back."""
    await _write(session, lease, {"waiting": what})


async def tell_waiting(session: AsyncSession, what: str | None) -> None:
    """Say of all queued jobs what they wait for, or that they no longer do."""
    changed = and_(job.c.state == "queued", job.c.waiting.is_distinct_from(what))
    await session.execute(update(job).where(changed).values(waiting=what))


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
    values |= {"fruitless": func.greatest(job.c.fruitless - 1, 0), "waiting": None}
    await _write(session, lease, values | {"reason": "its worker was shut down; goes on elsewhere"})


async def finish_job(
    session: AsyncSession,
    lease: Lease,
    state: str,
    *,
    reason: str | None = None,
    metrics: dict[str, Any] | None = None,
    combined: dict[str, Any] | None = None,
    warnings: list[str] | None = None,
    model: dict[str, Any] | None = None,
    artifacts: Iterable[dict[str, Any]] = (),
) -> None:
    """End a job with what it came to; its artifacts are those given and no others."""
    values: dict[str, Any] = {
        "state": state, "reason": reason, "metrics": metrics, "combined": combined,
        "model": model, "finished_at": func.now(), "lease_expires_at": None,
        "fence": job.c.fence + 1, "waiting": None,
    }  # fmt: skip
    if warnings is not None:
        values["warnings"] = warnings
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


async def count_due(session: AsyncSession) -> int:
    """Jobs that a worker could claim now."""
    statement = select(func.count()).select_from(queue).where(queue.c.due)
    return int(await session.scalar(statement) or 0)


async def count_unfinished(session: AsyncSession) -> AnyRow:
    """queued, running, due, and oldest_s: seconds that the longest waiting due job has waited."""
    due = select(queue.c.job_id).where(queue.c.due)
    first = func.min(job.c.created_at).filter(job.c.job_id.in_(due))
    waited = extract("epoch", func.now() - first)
    statement = select(
        func.count().filter(job.c.state == "queued").label("queued"),
        func.count().filter(job.c.state == "running").label("running"),
        func.count().filter(job.c.job_id.in_(due)).label("due"),
        func.coalesce(waited, 0).label("oldest_s"),
    ).where(job.c.state.in_(("queued", "running")))
    return (await session.execute(statement)).one()


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
    last = job.c.fruitless >= max_attempts
    over = or_(job.c.cancel_requested, last)
    tried = f"{max_attempts} attempts in a row" if max_attempts > 1 else "its attempt"
    spent = f"quarantined: {tried} ended without an epoch; the last: {reason}"
    tries = func.greatest(job.c.fruitless, 1)
    return {
        "state": case((job.c.cancel_requested, "cancelled"), (last, "failed"), else_="queued"),
        "reason": case((job.c.cancel_requested, null()), (last, spent), else_=reason),
        "failures": _failure(reason),
        "quarantined": and_(last, not_(job.c.cancel_requested)),
        "waiting": None,
        "finished_at": case((over, func.now()), else_=null()),
        "not_before": func.now() + seconds(delay_s) * func.power(2, tries - 1),
        "lease_expires_at": None,
        "worker": None,
        "fence": job.c.fence + 1,
    }


def _failure(reason: str) -> ColumnElement[Any]:
    """``failures`` with one entry more."""
    entry = func.jsonb_build_object(
        "attempt", job.c.attempts, "at", func.now(), "worker", job.c.worker,
        "reason", literal(reason, String),
    )  # fmt: skip
    return job.c.failures.op("||", return_type=JSONB())(entry)
