"""Webhooks of jobs that have ended: which are due, and what came of them."""

from typing import Any

from sqlalchemy import Float, Integer, cast, extract, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trainer.tables import JSONB, job

MOST = 20


async def take_webhooks(session: AsyncSession, hold_s: float) -> dict[str, dict[str, Any]]:
    """{job_id: webhook} of due calls, each counted as tried; nobody else takes them for a while."""
    now = extract("epoch", func.now())
    due = (
        select(job.c.job_id)
        .where(
            job.c.webhook["state"].astext == "pending",
            job.c.finished_at.is_not(None),
            cast(job.c.webhook["again_at"].astext, Float) <= now,
        )
        .order_by(job.c.finished_at)
        .limit(MOST)
        .with_for_update(skip_locked=True)
    )
    tried = func.jsonb_build_object(
        "attempts", cast(job.c.webhook["attempts"].astext, Integer) + 1, "again_at", now + hold_s
    )
    statement = (
        update(job)
        .where(job.c.job_id.in_(due.scalar_subquery()))
        .values(webhook=job.c.webhook.op("||", return_type=JSONB)(tried))
        .returning(job.c.job_id, job.c.webhook)
    )
    return {row.job_id: row.webhook for row in await session.execute(statement)}


async def write_webhook(session: AsyncSession, job_id: str, values: dict[str, Any]) -> None:
    """Keep what came of a call."""
    merged = job.c.webhook.op("||", return_type=JSONB)(cast(values, JSONB))
    await session.execute(update(job).where(job.c.job_id == job_id).values(webhook=merged))
