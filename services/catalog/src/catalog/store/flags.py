"""SQL of flags on images."""

from collections.abc import Sequence
from typing import Any

from chassis.database import Database
from chassis.identity import Identity
from sqlalchemy import text

COLUMNS = "flag_id, dataset, image_id, kind, note, author, author_name, created_at"


async def add_flag(
    database: Database, dataset: str, image_id: int, kind: str, note: str | None, author: Identity
) -> dict[str, Any] | None:
    """Put a flag on an image; None where the author has said the same of it before."""
    async with database.transaction() as session:
        added = await session.execute(
            text(
                "insert into catalog.flag (dataset, image_id, kind, note, author, author_name) "  # noqa: S608 - constants
                "values (:dataset, :image_id, :kind, :note, :author, :author_name) "
                f"on conflict do nothing returning {COLUMNS}"
            ),
            {
                "dataset": dataset,
                "image_id": image_id,
                "kind": kind,
                "note": note,
                "author": author.person_id,
                "author_name": author.name,
            },
        )
        row = added.mappings().one_or_none()
    return dict(row) if row else None


async def list_flags(
    database: Database,
    datasets: Sequence[str],
    *,
    image_id: int | None = None,
    kind: str | None = None,
    author: str | None = None,
    before: int | None = None,
    limit: int,
) -> tuple[list[dict[str, Any]], int]:
    """(flags on images of ``datasets``, newest first, below a flag_id; how many there are)."""
    wanted = {"image_id": image_id, "kind": kind, "author": author}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " and ".join(["dataset = any(:datasets)", *(f"{name} = :{name}" for name in given)])
    further = "" if before is None else " and flag_id < :before"
    parameters = {**given, "datasets": list(datasets)}
    async with database.transaction() as session:
        total = await session.execute(
            text(f"select count(*) from catalog.flag where {where}"),  # noqa: S608 - names above
            parameters,
        )
        found = await session.execute(
            text(
                f"select {COLUMNS} from catalog.flag where {where}{further} "  # noqa: S608 - names above
                "order by flag_id desc limit :limit"
            ),
            {**parameters, "limit": limit} | ({} if before is None else {"before": before}),
        )
        return [dict(row) for row in found.mappings()], int(total.scalar_one())


async def find_flag(database: Database, flag_id: int) -> dict[str, Any] | None:
    """One flag."""
    async with database.transaction() as session:
        found = await session.execute(
            text(f"select {COLUMNS} from catalog.flag where flag_id = :id"),  # noqa: S608 - constants
            {"id": flag_id},
        )
        row = found.mappings().one_or_none()
    return dict(row) if row else None


async def delete_flag(database: Database, flag_id: int) -> None:
    """Take a flag away."""
    async with database.transaction() as session:
        await session.execute(text("delete from catalog.flag where flag_id = :id"), {"id": flag_id})


async def flagged_images(database: Database, dataset: str, kinds: Sequence[str]) -> list[int]:
    """Ids of the images of ``dataset`` with a flag of one of ``kinds``, ascending."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select distinct image_id from catalog.flag "
                "where dataset = :dataset and kind = any(:kinds) order by image_id"
            ),
            {"dataset": dataset, "kinds": list(kinds)},
        )
        return list(found.scalars())
