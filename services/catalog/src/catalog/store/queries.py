"""SQL of saved queries."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from chassis.database import Database
from chassis.identity import Identity
from sqlalchemy import text

from catalog.store.documents import from_json, to_json

COLUMNS = "query_id, name, dataset, filter, sort, shared, owner, owner_name, created_at, changed_at"
VISIBLE = "dataset = any(:datasets) and (owner = :person or shared)"


async def add_query(
    database: Database, query: Mapping[str, Any], owner: Identity
) -> dict[str, Any] | None:
    """Keep a query (name, dataset, filter, sort, shared); None where the owner has the name."""
    async with database.transaction() as session:
        added = await session.execute(
            text(
                "insert into catalog.saved_query "  # noqa: S608 - constants
                "(name, dataset, filter, sort, shared, owner, owner_name) values "
                "(:name, :dataset, cast(:filter as jsonb), :sort, :shared, :owner, :owner_name) "
                f"on conflict do nothing returning {COLUMNS}"
            ),
            {
                **query,
                "filter": to_json(query["filter"]),
                "owner": owner.person_id,
                "owner_name": owner.name,
            },
        )
        row = added.mappings().one_or_none()
    return _query(row) if row else None


async def list_queries(
    database: Database,
    person: str,
    datasets: Sequence[str],
    after: Sequence[str] | None,
    limit: int,
) -> tuple[list[dict[str, Any]], int]:
    """(queries that ``person`` sees, by name, after a (name, query_id); how many there are)."""
    seen = {"person": person, "datasets": list(datasets)}
    further, position = "", {}
    if after is not None:
        further = 'and (name collate "C", query_id) > (:name, cast(:id as uuid)) '
        position = {"name": after[0], "id": after[1]}
    async with database.transaction() as session:
        total = await session.execute(
            text(f"select count(*) from catalog.saved_query where {VISIBLE}"),  # noqa: S608 - constants
            seen,
        )
        found = await session.execute(
            text(
                f"select {COLUMNS} from catalog.saved_query where {VISIBLE} {further}"  # noqa: S608 - constants
                'order by name collate "C", query_id limit :limit'
            ),
            {**seen, **position, "limit": limit},
        )
        return [_query(row) for row in found.mappings()], int(total.scalar_one())


async def find_query(database: Database, query_id: uuid.UUID, person: str) -> dict[str, Any] | None:
    """One query, if ``person`` made it or it is shared."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                f"select {COLUMNS} from catalog.saved_query "  # noqa: S608 - constants
                "where query_id = :id and (owner = :person or shared)"
            ),
            {"id": query_id, "person": person},
        )
        row = found.mappings().one_or_none()
    return _query(row) if row else None


async def change_query(
    database: Database, query_id: uuid.UUID, name: str | None, shared: bool | None
) -> dict[str, Any] | None:
    """Rename, share or hide a query; None where it is gone, IntegrityError for a taken name."""
    async with database.transaction() as session:
        changed = await session.execute(
            text(
                "update catalog.saved_query set name = coalesce(cast(:name as text), name), "  # noqa: S608 - constants
                "shared = coalesce(cast(:shared as boolean), shared), changed_at = now() "
                f"where query_id = :id returning {COLUMNS}"
            ),
            {"id": query_id, "name": name, "shared": shared},
        )
        row = changed.mappings().one_or_none()
    return _query(row) if row else None


async def delete_query(database: Database, query_id: uuid.UUID) -> None:
    """Forget a query."""
    async with database.transaction() as session:
        await session.execute(
            text("delete from catalog.saved_query where query_id = :id"), {"id": query_id}
        )


def _query(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {**row, "query_id": str(row["query_id"]), "filter": from_json(row["filter"])}
