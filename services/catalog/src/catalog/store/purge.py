"""SQL that forgets a dataset, and what is known of the backups that still hold it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

# Below what the gateway waits for, so that who asks hears how it ended.
TIMEOUT = "set local statement_timeout = '100s'"
# An ingest takes its revision under the same row lock: it finds none, or is found at work.
REVISIONS = "select revision_id, state from catalog.revision where dataset = :name for update"
# In the order of what refers to what; read models, members and partitions go with theirs.
REMOVED = {
    "cohorts": "delete from catalog.cohort where dataset = :name",
    "flags": "delete from catalog.flag where dataset = :name",
    "queries": "delete from catalog.saved_query where dataset = :name",
    "images": "delete from catalog.image_key where dataset = :name",
    "revisions": "delete from catalog.revision where dataset = :name",
    "datasets": "delete from catalog.dataset where name = :name",
}
PARTS = ("clinical", "metadata", "image", "finding")


class IngestAtWorkError(Exception):
    """A revision of the dataset is being made."""


async def purge_dataset(session: AsyncSession, name: str) -> dict[str, int]:
    """Forget everything of a dataset; how many of each kind there were.

    Raises:
        IngestAtWorkError: one of its revisions is being made.
    """
    await session.execute(text(TIMEOUT))
    revisions = (await session.execute(text(REVISIONS), {"name": name})).all()
    if any(row.state == "running" for row in revisions):
        raise IngestAtWorkError(name)
    for row in revisions:
        for part in PARTS:
            await session.execute(text(f"drop table if exists catalog.{part}_{row.revision_id}"))
    released = "update catalog.dataset set active_revision_id = null where name = :name"
    await session.execute(text(released), {"name": name})
    counts = {}
    for kind, statement in REMOVED.items():
        result = await session.execute(text(statement), {"name": name})
        assert isinstance(result, CursorResult)
        counts[kind] = result.rowcount
    return counts


async def list_backups(session: AsyncSession, name: str) -> list[dict[str, Any]]:
    """``{place, written_at}`` of the backups that hold a dataset, the oldest first."""
    found = await session.execute(
        text(
            "select place, written_at from catalog.backup where :name = any(datasets) "
            "order by written_at, place"
        ),
        {"name": name},
    )
    return [dict(row) for row in found.mappings()]


async def note_backup(session: AsyncSession, place: str) -> datetime:
    """A backup is being written to ``place``: it holds every dataset there is now."""
    found = await session.execute(
        text(
            "insert into catalog.backup (place, datasets) "
            "select :place, coalesce(array_agg(name order by name), '{}') from catalog.dataset "
            "on conflict (place) do update set written_at = now(), datasets = excluded.datasets "
            "returning written_at"
        ),
        {"place": place},
    )
    written_at: datetime = found.scalar_one()
    return written_at


async def forget_backup(session: AsyncSession, place: str) -> bool:
    """The backup at ``place`` is gone; False where none was known there."""
    found = await session.execute(
        text("delete from catalog.backup where place = :place returning place"), {"place": place}
    )
    return found.scalar() is not None
