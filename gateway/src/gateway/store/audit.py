"""The audit log."""

# ruff: noqa: S608 - only constants of this package are put into statements; values are bound.

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.records import AuditRow
from gateway.store.common import fetch_all


async def append_audit(session: AsyncSession, rows: Sequence[AuditRow]) -> None:
    """Append to the audit log."""
    sql = """
    insert into gateway.audit
        (at, person_id, action, object, status, times, bytes, address, request_id)
    values (:at, cast(:person_id as uuid), :action, :object, :status, :times, :bytes, :address,
            :request_id)
    """
    await session.execute(text(sql), [asdict(row) for row in rows])


@dataclass(frozen=True)
class AuditFilter:
    """Which rows of the audit log; what is None narrows nothing."""

    person_id: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_audit_where = """
(cast(:person_id as uuid) is null or a.person_id = cast(:person_id as uuid))
and (cast(:action as text) is null or action = :action)
and (cast(:object as text) is null or object = :object)
and (cast(:since as timestamptz) is null or at >= :since)
and (cast(:until as timestamptz) is null or at < :until)
"""


async def list_audit(
    session: AsyncSession, wanted: AuditFilter, before: int | None, limit: int
) -> list[RowMapping]:
    """A page of the audit log, newest first, from row ``before`` on."""
    sql = f"""
    select audit_id, at, a.person_id::text, p.email, action, object, status, times, bytes, address,
           request_id
    from gateway.audit a left join gateway.person p using (person_id)
    where {_audit_where} and (cast(:before as bigint) is null or audit_id < :before)
    order by audit_id desc limit :limit
    """
    return list(await fetch_all(session, sql, before=before, limit=limit, **asdict(wanted)))


async def count_audit(session: AsyncSession, wanted: AuditFilter) -> int:
    """How many rows of the audit log match."""
    sql = f"select count(*) from gateway.audit a where {_audit_where}"
    return int(await session.scalar(text(sql), asdict(wanted)) or 0)


async def forget_audit(session: AsyncSession, age: timedelta) -> int:
    """Delete rows older than ``age``, the one change that the table permits; how many they were."""
    await session.execute(text("set local gateway.retention = 'on'"))
    sql = "delete from gateway.audit where at < now() - cast(:age as interval) returning 1"
    return len((await session.execute(text(sql), {"age": age})).all())
