"""Who trains."""

from typing import Any

from chassis.health import Degraded
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from trainer.store.common import LOST_WORKER_S, AnyRow, seconds
from trainer.tables import job, worker
from trainer.worker_schemas import Worker

WORKER = "embedlab worker"  # how its connection is called in pg_stat_activity


async def list_workers(session: AsyncSession) -> list[Worker]:
    """Workers seen within a day, the latest first."""
    busy = select(job.c.worker, job.c.job_id).where(job.c.state == "running")
    running: dict[str, list[str]] = {}
    for row in await session.execute(busy):
        running.setdefault(row.worker, []).append(row.job_id)
    lost = worker.c.heartbeat_at < func.now() - seconds(LOST_WORKER_S)
    recent = worker.c.heartbeat_at > func.now() - seconds(86_400)
    rows = await session.execute(
        select(worker, lost.label("lost")).where(recent).order_by(worker.c.heartbeat_at.desc())
    )
    return [_worker(row, running.get(row.name, [])) for row in rows]


def _worker(row: AnyRow, jobs: list[str]) -> Worker:
    values = {k: v for k, v in row._mapping.items() if k in Worker.model_fields}
    values["usage"] = row.usage or None
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
