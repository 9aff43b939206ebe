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
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.store.documents import from_json, to_json

COLUMNS = "cohort_id, name, dataset, owner, sha256, result, created_at, deleted_at"
MEMBER_COLUMNS = (
    "cohort_id",
    "position",
    "image_id",
    "sop_instance_uid",
    "patient_id",
    "exam_id",
    "label",
    "split",
    "fold",
    "attributes",
    "evidence",
)
PART = 2_000


async def save_cohort(
    database: Database, cohort: Mapping[str, Any], members: Iterable[Sequence[Any]]
) -> tuple[uuid.UUID, datetime]:
    """Keep a cohort and its members, both or neither; its id and time."""
    async with database.transaction() as session:
        cohort_id, created_at = await insert_cohort(session, cohort)
        driver = await raw_connection(session)
        await driver.copy_records_to_table(
            "cohort_member",
            schema_name="catalog",
            records=_rows(cohort_id, members),
            columns=list(MEMBER_COLUMNS),
        )
    return cohort_id, created_at


async def insert_cohort(
    session: AsyncSession, cohort: Mapping[str, Any]
) -> tuple[uuid.UUID, datetime]:
    """The cohort without its members; its id and time."""
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
    return cohort_id, created_at


async def raw_connection(session: AsyncSession) -> asyncpg.Connection:
    """The driver's connection of a session, for COPY."""
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


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
        (cohort_id, position, *plain, to_json(attributes), evidence and to_json(evidence))
        for position, (*plain, attributes, evidence) in islice(numbered, PART)
    ]


async def list_cohorts(
    database: Database, datasets: Sequence[str], after: Sequence[Any] | None, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """(cohorts of ``datasets``, newest first, after a position; how many there are)."""
    where = "where dataset = any(:datasets) and deleted_at is null"
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
    """One cohort; ``deleted_at`` says whether its members are gone."""
    async with database.transaction() as session:
        found = await session.execute(
            text(f"select {COLUMNS} from catalog.cohort where cohort_id = :id"),  # noqa: S608
            {"id": cohort_id},
        )
        row = found.mappings().one_or_none()
    return _cohort(row) if row else None


def _cohort(row: Mapping[Any, Any]) -> dict[str, Any]:
    names = ("name", "dataset", "owner", "sha256", "created_at", "deleted_at")
    plain = {name: row[name] for name in names if row[name] is not None}
    return {**from_json(row["result"]), **plain, "cohort_id": str(row["cohort_id"])}


async def delete_cohort(database: Database, cohort_id: uuid.UUID, person_id: str) -> bool:
    """Delete the members; the cohort's name, definition and hash stay. False where it was gone."""
    async with database.transaction() as session:
        await session.execute(text("set local statement_timeout = '5min'"))
        gone = await session.execute(
            text(
                "update catalog.cohort set deleted_at = now(), deleted_by = :person "
                "where cohort_id = :id and deleted_at is null returning 1"
            ),
            {"id": cohort_id, "person": person_id},
        )
        await session.execute(
            text("delete from catalog.cohort_member where cohort_id = :id"), {"id": cohort_id}
        )
        return gone.first() is not None


async def member_images(
    database: Database, cohort_id: uuid.UUID, begin: int, limit: int
) -> list[int]:
    """The images of a part of the members, in their order."""
    async with database.transaction() as session:
        found = await session.scalars(
            text(
                "select image_id from catalog.cohort_member "
                "where cohort_id = :id and position >= :begin order by position limit :limit"
            ),
            {"id": cohort_id, "begin": begin, "limit": limit},
        )
        return list(found)


async def list_members(
    database: Database, cohort_id: uuid.UUID, begin: int, limit: int
) -> list[dict[str, Any]]:
    """Members from a position on."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select image_id, sop_instance_uid, patient_id, exam_id, label, split, fold, "
                "attributes, evidence from catalog.cohort_member "
                "where cohort_id = :id and position >= :begin order by position limit :limit"
            ),
            {"id": cohort_id, "begin": begin, "limit": limit},
        )
        return [_member(row) for row in found.mappings()]


async def list_members_of(
    database: Database, cohort_id: uuid.UUID, patient_id: str
) -> list[dict[str, Any]]:
    """All members that are images of one patient."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select image_id, sop_instance_uid, patient_id, exam_id, label, split, fold, "
                "attributes, evidence from catalog.cohort_member "
                "where cohort_id = :id and patient_id = :patient order by position"
            ),
            {"id": cohort_id, "patient": patient_id},
        )
        return [_member(row) for row in found.mappings()]


def _member(row: Mapping[Any, Any]) -> dict[str, Any]:
    documents = {name: from_json(row[name]) for name in ("attributes", "evidence") if row[name]}
    return {name: value for name, value in {**row, **documents}.items() if value is not None}


PARTS = """
select {part}, label, count(*) as images, count(distinct patient_id) as patients
from catalog.cohort_member where cohort_id = :id and {part} is not null
group by grouping sets (({part}, label), ({part})) order by {part}, label
"""
SEVERAL = """
select count(*) from (
    select from catalog.cohort_member where cohort_id = :id
    group by patient_id having count(distinct split) > 1
) as several
"""

BALANCED = ("race", "ethnicity", "age_band", "tissueden", "Manufacturer", "ViewPosition",
            "FinalImageType")  # fmt: skip
"""Attributes whose values are counted by split, so that one sees whether splits are alike."""
SUBGROUPS = """
select name, value, split, sum(images)::bigint, count(*) from (
    select asked.name, attributes ->> asked.name as value, split, patient_id, count(*) as images
    from catalog.cohort_member cross join unnest(cast(:names as text[])) as asked(name)
    where cohort_id = :id group by asked.name, value, split, patient_id
) as by_patient
group by name, value, split
order by array_position(cast(:names as text[]), name), value nulls last
"""


async def count_subgroups(database: Database, cohort_id: uuid.UUID) -> list[dict[str, Any]]:
    """Images and patients by split of each value of each attribute in `BALANCED`."""
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    async with database.transaction() as session:
        names = {"id": cohort_id, "names": list(BALANCED)}
        for name, value, split, images, patients in await session.execute(text(SUBGROUPS), names):
            counts = found.setdefault(
                (name, value), {"attribute": name, "value": value, "images": {}, "patients": {}}
            )
            counts["images"][split] = images
            counts["patients"][split] = patients
    return list(found.values())


async def count_parts(database: Database, cohort_id: uuid.UUID) -> dict[str, Any]:
    """Splits and folds with images, patients and classes; patients who are in several splits."""
    found: dict[str, Any] = {}
    async with database.transaction() as session:
        for name, part in (("splits", "split"), ("folds", "fold")):
            rows = await session.execute(text(PARTS.format(part=part)), {"id": cohort_id})
            parts: dict[str, dict[str, Any]] = {}
            for value, label, images, patients in rows:
                counts = parts.setdefault(str(value), {"name": str(value), "classes": {}})
                if label is None:
                    counts |= {"images": images, "patients": patients}
                else:
                    counts["classes"][label] = images
            found[name] = list(parts.values())
        several = await session.execute(text(SEVERAL), {"id": cohort_id})
        return {**found, "patients_in_several": int(several.scalar_one())}
