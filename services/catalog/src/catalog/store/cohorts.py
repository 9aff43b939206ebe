"""SQL of frozen cohorts."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import asyncpg
from chassis.database import Database
from sqlalchemy import text

from catalog.store.documents import from_json, to_json

COLUMNS = "cohort_id, name, dataset, owner, sha256, result, created_at"
BATCH = 50_000
PART = 2_000


async def image_uids(
    database: Database, revision_id: int, image_ids: Sequence[int]
) -> dict[int, str]:
    """SOP Instance UIDs of images of a revision."""
    found: dict[int, str] = {}
    async with database.transaction() as session:
        for begin in range(0, len(image_ids), BATCH):
            rows = await session.execute(
                text(
                    "select image_id, sop_instance_uid from catalog.image "
                    "where revision_id = :revision and image_id = any(:ids)"
                ),
                {"revision": revision_id, "ids": list(image_ids[begin : begin + BATCH])},
            )
            found.update({row.image_id: row.sop_instance_uid for row in rows})
    return found


async def save_cohort(
    database: Database, cohort: Mapping[str, Any], members: Iterable[Sequence[Any]]
) -> tuple[uuid.UUID, datetime]:
    """Keep a cohort and its members, both or neither; its id and time."""
    async with database.transaction() as session:
        await session.execute(text("set local statement_timeout = '5min'"))
        created = await session.execute(
            text(
                "insert into catalog.cohort "
                "(name, dataset, revision_id, owner, sha256, definition, result) values "
                "(:name, :dataset, :revision_id, :owner, :sha256, cast(:definition as jsonb), "
                "cast(:result as jsonb)) returning cohort_id, created_at"
            ),
            {
                **{k: cohort[k] for k in ("name", "dataset", "revision_id", "owner", "sha256")},
                "definition": to_json(cohort["definition"]),
                "result": to_json(cohort["result"]),
            },
        )
        cohort_id, created_at = created.one()
        connection = await session.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)
        await driver.copy_records_to_table(
            "cohort_member",
            schema_name="catalog",
            records=_rows(cohort_id, members),
            columns=[
                "cohort_id",
                "position",
                "image_id",
                "sop_instance_uid",
                "patient_id",
                "exam_id",
                "label",
                "split",
                "attributes",
            ],
        )
    return cohort_id, created_at


async def _rows(
    cohort_id: uuid.UUID, members: Iterable[Sequence[Any]]
) -> AsyncIterator[tuple[Any, ...]]:
    """Rows to copy; they are made some at a time, beside the event loop."""
    numbered = enumerate(members)
    while part := await asyncio.to_thread(_some, cohort_id, numbered):
        for row in part:
            yield row


def _some(
    cohort_id: uuid.UUID, numbered: Iterator[tuple[int, Sequence[Any]]]
) -> list[tuple[Any, ...]]:
    return [
        (cohort_id, position, *plain, to_json(attributes))
        for position, (*plain, attributes) in islice(numbered, PART)
    ]


async def list_cohorts(
    database: Database, datasets: Sequence[str], after: Sequence[Any] | None, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """(cohorts of ``datasets``, newest first, after a position; how many there are)."""
    where = "where dataset = any(:datasets)"
    position: dict[str, Any] = {}
    if after is not None:
        created, cohort_id = after
        position = {"created": created, "id": cohort_id}
    async with database.transaction() as session:
        total = await session.execute(
            text(f"select count(*) from catalog.cohort {where}"),  # noqa: S608 - constants
            {"datasets": list(datasets)},
        )
        further = " and (created_at, cohort_id) < (:created, :id)" if position else ""
        found = await session.execute(
            text(
                f"select {COLUMNS} from catalog.cohort {where}{further} "  # noqa: S608 - constants
                "order by created_at desc, cohort_id desc limit :limit"
            ),
            {"datasets": list(datasets), "limit": limit, **position},
        )
        return [_cohort(row) for row in found.mappings()], int(total.scalar_one())


async def find_cohort(database: Database, cohort_id: uuid.UUID) -> dict[str, Any] | None:
    """One cohort."""
    async with database.transaction() as session:
        found = await session.execute(
            text(f"select {COLUMNS} from catalog.cohort where cohort_id = :id"),  # noqa: S608
            {"id": cohort_id},
        )
        row = found.mappings().one_or_none()
    return _cohort(row) if row else None


def _cohort(row: Mapping[Any, Any]) -> dict[str, Any]:
    plain = {name: row[name] for name in ("name", "dataset", "owner", "sha256", "created_at")}
    return {**from_json(row["result"]), **plain, "cohort_id": str(row["cohort_id"])}


async def list_members(
    database: Database, cohort_id: uuid.UUID, begin: int, limit: int
) -> list[dict[str, Any]]:
    """Members from a position on."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select image_id, sop_instance_uid, patient_id, exam_id, label, split, attributes "
                "from catalog.cohort_member where cohort_id = :id and position >= :begin "
                "order by position limit :limit"
            ),
            {"id": cohort_id, "begin": begin, "limit": limit},
        )
        return [{**row, "attributes": from_json(row["attributes"])} for row in found.mappings()]
