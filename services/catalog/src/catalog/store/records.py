"""SQL of single records: images, and rows of the files as they came."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import asyncpg
from chassis.database import Database
from sqlalchemy import text

from catalog.store.loading import quoted

Table = Literal["clinical", "metadata"]
Cells = dict[int, dict[str, str | None]]

IMAGES = """
select image_id, n, patient_id, exam_id, sop_instance_uid, laterality, view_position,
    final_image_type, num_roi, rois
from catalog.image where revision_id = $1 and image_id = any($2)
"""
UIDS = """
select image_id, sop_instance_uid from catalog.image
where revision_id = $1 and image_id = any($2)
"""
FINDINGS = {
    "exam_id": "select n from catalog.finding where revision_id = $1 and exam_id = $2",
    "patient_id": "select n from catalog.finding where revision_id = $1 and patient_id = $2",
}


@dataclass(frozen=True)
class RevisionReader:
    """Reads of one revision on one connection. ``columns``: by table EMBED's name to column."""

    connection: asyncpg.Connection
    revision_id: int
    columns: Mapping[str, Mapping[str, str]]

    async def images(self, image_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
        """The typed rows of images, by image_id."""
        found = await self.connection.fetch(IMAGES, self.revision_id, list(image_ids))
        return {row["image_id"]: dict(row) for row in found}

    async def rows(self, table: Table, numbers: Sequence[int]) -> Cells:
        """Rows of a file by their number, under EMBED's names."""
        return await self._rows(table, "any($1)", list(numbers))

    async def clinical_rows(self, of: Literal["exam_id", "patient_id"], value: str) -> Cells:
        """The clinical rows of an exam or a patient by their number, in the order of the file."""
        return await self._rows("clinical", f"any(array({FINDINGS[of]}))", self.revision_id, value)

    async def _rows(self, table: Table, wanted: str, *given: Any) -> Cells:
        names = self.columns[table]
        cells = _select_cells(f"catalog.{table}_{int(self.revision_id)}", tuple(names.values()))
        found = await self.connection.fetch(f"{cells} where n = {wanted} order by n", *given)
        return {n: dict(zip(names, texts, strict=True)) for n, texts in found}


@lru_cache(maxsize=256)
def _select_cells(table: str, columns: tuple[str, ...]) -> str:
    """Cells of a row as one array: to describe 165 columns takes longer than to read them."""
    listed = ", ".join(map(quoted, columns))
    return f"select n, array[{listed}]::text[] from {table}"  # noqa: S608 - quoted


@asynccontextmanager
async def read_revision(
    database: Database, revision_id: int, columns: Mapping[str, Mapping[str, str]]
) -> AsyncIterator[RevisionReader]:
    """Reads of one revision, each statement by itself."""
    async with database.reading() as connection:
        yield RevisionReader(connection, revision_id, columns)


async def image_uids(
    database: Database, revision_id: int, image_ids: Sequence[int]
) -> dict[int, str]:
    """The SOP Instance UIDs of images of one revision, by image_id."""
    async with database.reading() as connection:
        return dict(await connection.fetch(UIDS, revision_id, list(image_ids)))


async def file_rows(
    database: Database,
    revision_id: int,
    table: Table,
    columns: Mapping[str, str],
    numbers: Sequence[int],
) -> Cells:
    """Rows of a file by their number, under EMBED's names. ``columns``: name to column."""
    async with read_revision(database, revision_id, {table: columns}) as reader:
        return await reader.rows(table, numbers)


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
