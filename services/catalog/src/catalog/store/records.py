"""SQL of single records: images, and rows of the files as they came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal

from chassis.database import Database
from chassis.problems import unavailable
from sqlalchemy import text

from catalog.store.loading import quoted
from catalog.store.revisions import still_there

Table = Literal["clinical", "metadata"]
Cells = dict[int, dict[str, str | None]]
Columns = Mapping[str, Mapping[str, str]]  # by table EMBED's name to column

# The parts differ by their first column; each round trip less is worth more than a plain query.
EXAM = """
select 0, image_id, array[sop_instance_uid], rois
from catalog.image where revision_id = $1 and image_id = any($3)
union all
select 1, n, {metadata}, null from catalog.metadata_{revision} where n = $4
union all
select 2, n, {clinical}, null from catalog.clinical_{revision}
where n = any(array(select n from catalog.finding where revision_id = $1 and exam_id = $2))
"""
BATCH = 50_000
UIDS = """
select image_id, sop_instance_uid from catalog.image
where revision_id = $1 and image_id = any($2)
"""
FINDINGS = "select n from catalog.finding where revision_id = $1 and patient_id = $2"


@dataclass(frozen=True)
class ExamRows:
    """What the tables have of an exam; cells under EMBED's names."""

    uids: dict[int, str]  # SOP Instance UIDs by image_id
    rois: dict[int, Sequence[int] | None]  # boxes by image_id, four numbers each
    metadata: dict[str, str | None]
    clinical: Cells


async def exam_rows(
    database: Database,
    revision_id: int,
    columns: Columns,
    exam_id: str,
    image_ids: Sequence[int],
    row: int | None = None,
) -> ExamRows:
    """An exam's images and clinical rows, and one metadata row, in one round trip."""
    names = columns["metadata"], columns["clinical"]
    metadata, clinical = (_cells(tuple(table.values())) for table in names)
    query = EXAM.format(revision=int(revision_id), metadata=metadata, clinical=clinical)
    async with database.reading() as connection:
        with still_there():
            found = await connection.fetch(query, revision_id, exam_id, list(image_ids), row)
    rows = ExamRows({}, {}, {}, {})
    for part, n, texts, rois in sorted(found, key=itemgetter(0, 1)):
        if part == 0:
            (rows.uids[n],) = texts
            rows.rois[n] = rois
        elif part == 1:
            rows.metadata.update(zip(names[0], texts, strict=True))
        else:
            rows.clinical[n] = dict(zip(names[1], texts, strict=True))
    return rows


async def patient_rows(
    database: Database, revision_id: int, columns: Columns, patient_id: str
) -> Cells:
    """The clinical rows of a patient by their number, in the order of the file."""
    wanted = f"any(array({FINDINGS}))"
    return await _rows(
        database, revision_id, "clinical", columns["clinical"], wanted, revision_id, patient_id
    )


async def file_rows(
    database: Database,
    revision_id: int,
    table: Table,
    columns: Mapping[str, str],
    numbers: Sequence[int],
) -> Cells:
    """Rows of a file by their number, under EMBED's names. ``columns``: name to column."""
    return await _rows(database, revision_id, table, columns, "any($1)", list(numbers))


async def _rows(
    database: Database,
    revision_id: int,
    table: Table,
    columns: Mapping[str, str],
    wanted: str,
    *given: Any,
) -> Cells:
    cells = _cells(tuple(columns.values()))
    query = f"select n, {cells} from catalog.{table}_{int(revision_id)}"  # noqa: S608 - quoted
    async with database.reading() as connection:
        with still_there():
            found = await connection.fetch(f"{query} where n = {wanted} order by n", *given)
    return {n: dict(zip(columns, texts, strict=True)) for n, texts in found}


@lru_cache(maxsize=256)
def _cells(columns: tuple[str, ...]) -> str:
    """Cells of a row as one array: to describe 165 columns takes longer than to read them."""
    return f"array[{', '.join(map(quoted, columns))}]::text[]"


async def image_uids(
    database: Database, revision_id: int, image_ids: Sequence[int]
) -> dict[int, str]:
    """The SOP Instance UIDs of images of one revision, by image_id; a 503 where it is going."""
    found: dict[int, str] = {}
    async with database.reading() as connection:
        for begin in range(0, len(image_ids), BATCH):
            batch = list(image_ids[begin : begin + BATCH])
            found.update(await connection.fetch(UIDS, revision_id, batch))
    if len(found) < len(set(image_ids)):
        raise unavailable("The images are just being removed")
    return found


SOURCES = """
select distinct on (i.image_id) i.image_id, i.revision_id, i.n, i.patient_id, i.exam_id,
    i.sop_instance_uid, i.laterality, i.view_position, i.rois,
    r.dataset, r.request ->> 'image_root' as image_root, r.columns
from catalog.image i join catalog.revision r using (revision_id)
where i.image_id = any(:ids) and r.state = 'succeeded'
order by i.image_id, i.revision_id desc
"""


async def image_sources(database: Database, image_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Images of the newest revision that has each: frozen cohorts outlive their revision."""
    async with database.transaction() as session:
        found = await session.execute(text(SOURCES), {"ids": list(image_ids)})
        return [dict(row) for row in found.mappings()]
