"""SQL of cohorts beside each other: their members as sets, and a cohort made of others."""

import io
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from chassis.database import Database
from sqlalchemy import text

from catalog.store.cohorts import insert_cohort, raw_connection

SCHEMA: Mapping[str, type[pl.DataType]] = {
    "position": pl.Int32,
    "image_id": pl.Int64,
    "uid": pl.String,
    "patient": pl.String,
    "exam": pl.String,
    "label": pl.String,
}
MEMBERS = """
select position, image_id, sop_instance_uid, patient_id, exam_id, label
from catalog.cohort_member where cohort_id = $1 order by position
"""
CHOSEN = """
create temporary table chosen
    (position integer, source uuid, at integer, split text, fold integer) on commit drop
"""
TAKE = """
insert into catalog.cohort_member (cohort_id, position, image_id, sop_instance_uid, patient_id,
    exam_id, label, split, fold, attributes, evidence)
select :id, c.position, m.image_id, m.sop_instance_uid, m.patient_id, m.exam_id, m.label,
    c.split, c.fold, m.attributes - 'matched_set', m.evidence
from chosen c join catalog.cohort_member m on m.cohort_id = c.source and m.position = c.at
"""
TOGETHER = """
select a.label as label_a, b.label as label_b, a.split as split_a, b.split as split_b,
    count(*) as images
from (select * from catalog.cohort_member where cohort_id = :a) a
join (select * from catalog.cohort_member where cohort_id = :b) b using (image_id)
group by 1, 2, 3, 4
"""
ALONE = """
select image_id, patient_id from catalog.cohort_member m where cohort_id = :of and not exists (
    select from catalog.cohort_member o where o.cohort_id = :other and o.image_id = m.image_id)
"""


async def members_frame(database: Database, cohort_id: uuid.UUID) -> pl.DataFrame:
    """A cohort's members in columns, in their order."""
    out = io.BytesIO()
    async with database.transaction() as session:
        driver = await raw_connection(session)
        await driver.copy_from_query(MEMBERS, cohort_id, output=out, format="csv")
    if out.tell() == 0:
        return pl.DataFrame(schema=SCHEMA)
    return pl.read_csv(out.getvalue(), has_header=False, schema=SCHEMA)


async def save_combined(
    database: Database, cohort: Mapping[str, Any], chosen: pl.DataFrame
) -> tuple[uuid.UUID, datetime]:
    """Keep a cohort whose members are those of others; its id and time.

    ``chosen``: position, source (a cohort's id), at (the position there), split, fold.
    """
    out = io.BytesIO()
    chosen.select("position", "source", "at", "split", "fold").write_csv(out, include_header=False)
    out.seek(0)
    async with database.transaction() as session:
        cohort_id, created_at = await insert_cohort(session, cohort)
        await session.execute(text(CHOSEN))
        driver = await raw_connection(session)
        await driver.copy_to_table("chosen", source=out, format="csv")
        await session.execute(text(TAKE), {"id": cohort_id})
    return cohort_id, created_at


async def compare_members(
    database: Database, a: uuid.UUID, b: uuid.UUID
) -> Sequence[Mapping[str, Any]]:
    """How many images both have, by label and split in each."""
    async with database.transaction() as session:
        found = await session.execute(text(TOGETHER), {"a": a, "b": b})
        return [dict(row) for row in found.mappings()]


async def members_alone(
    database: Database, of: uuid.UUID, other: uuid.UUID
) -> tuple[list[int], int]:
    """(image_ids that ``other`` has not, how many patients they are of)."""
    async with database.transaction() as session:
        rows = await session.execute(text(ALONE), {"of": of, "other": other})
        found = rows.all()
    return [row.image_id for row in found], len({row.patient_id for row in found})
