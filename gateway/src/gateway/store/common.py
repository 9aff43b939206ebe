"""What the statements share."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.records import Person

PERSON = "p.person_id::text, p.email, p.name, p.role, p.created_at, p.disabled_at"


async def fetch_all(session: AsyncSession, sql: str, **given: Any) -> Sequence[RowMapping]:
    """Every row."""
    return (await session.execute(text(sql), given)).mappings().all()


async def fetch_one(session: AsyncSession, sql: str, **given: Any) -> RowMapping | None:
    """The only row, if there is one."""
    return (await session.execute(text(sql), given)).mappings().one_or_none()


async def changes(session: AsyncSession, sql: str, **given: Any) -> bool:
    """Whether the statement changed a row."""
    return bool((await session.execute(text(f"{sql} returning 1"), given)).first())


def to_person(row: RowMapping) -> Person:
    """The person of a row with the columns `PERSON`."""
    names = ("person_id", "email", "name", "role", "created_at", "disabled_at")
    return Person(**{name: row[name] for name in names})
