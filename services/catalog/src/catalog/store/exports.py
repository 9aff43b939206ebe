"""SQL of exports: rows of a frozen cohort from the revision that it was frozen on."""

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chassis.database import Database, driver
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.store.documents import from_json
from catalog.store.loading import quoted
from catalog.store.revisions import still_there

# Under EMBED's names, but as the ingest repaired them: an id may stand in the file as 123.0.
TYPED_IDS = {"empi_anon": "patient_id", "acc_anon": "exam_id"}
MEMBER_COLUMNS = ("image_id", "sop_instance_uid", "label", "split", "fold", "evidence")


@dataclass(frozen=True)
class Origin:
    """The revision that a cohort was frozen on. ``columns``: table to (name to column)."""

    revision_id: int
    sha256: str
    columns: dict[str, dict[str, str]]
    image_root: str
    sources: list[dict[str, Any]]


async def find_origin(database: Database, cohort_id: uuid.UUID) -> Origin | None:
    """Where the rows of a cohort lie; None where they are gone."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select r.revision_id, r.sha256, r.columns, r.sources, "
                "r.request ->> 'image_root' as image_root "
                "from catalog.cohort c join catalog.revision r using (revision_id) "
                "where c.cohort_id = :id and "
                "to_regclass('catalog.metadata_' || r.revision_id) is not null"
            ),
            {"id": cohort_id},
        )
        row = found.mappings().one_or_none()
        if row is None:
            return None
        names = from_json(row["columns"])
        columns = {
            table: await _in_order(session, f"{table}_{row['revision_id']}", names[table])
            for table in ("clinical", "metadata")
        }
    return Origin(**{**row, "columns": columns, "sources": from_json(row["sources"])})


async def _in_order(
    session: AsyncSession, table: str, columns: Mapping[str, str]
) -> dict[str, str]:
    """Name to column in the order of the file, which a JSON document does not keep."""
    names = {column: name for name, column in columns.items()}
    found = await session.execute(
        text(
            "select attname from pg_attribute where attrelid = to_regclass(:table) "
            "and attnum > 0 and not attisdropped order by attnum"
        ),
        {"table": f"catalog.{table}"},
    )
    return {names[column]: column for column in found.scalars() if column in names}


async def count_members(database: Database, cohort_id: uuid.UUID) -> int:
    """How many members a cohort has."""
    async with database.transaction() as session:
        found = await session.execute(
            text("select count(*) from catalog.cohort_member where cohort_id = :id"),
            {"id": cohort_id},
        )
        return int(found.scalar_one())


async def copy_members(
    database: Database, origin: Origin, cohort_id: uuid.UUID, begin: int, end: int
) -> bytes:
    """Members of positions ``begin`` to ``end`` and their rows of the metadata table, as CSV.

    A set of cohorts of several revisions may hold an image that the newest lacks: it has no row.
    """
    ours = ", ".join(f"m.{name}" for name in MEMBER_COLUMNS)
    query = (
        f"select {ours}, {_cells(origin, 'metadata', 'm')} "  # noqa: S608 - names quoted
        "from catalog.cohort_member m "
        "left join catalog.image t on t.revision_id = $1 and t.image_id = m.image_id "
        f"left join catalog.metadata_{origin.revision_id} x on x.n = t.n "
        "where m.cohort_id = $2 and m.position >= $3 and m.position < $4 order by m.position"
    )
    return await _copy(database, query, origin.revision_id, cohort_id, begin, end)


async def finding_numbers(database: Database, origin: Origin, cohort_id: uuid.UUID) -> list[int]:
    """Numbers of the clinical rows that apply to a member, ascending."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select distinct p.finding_n from catalog.cohort_member m "
                "join catalog.pair p on p.revision_id = :revision and p.image_id = m.image_id "
                "where m.cohort_id = :id and p.finding_n is not null order by p.finding_n"
            ),
            {"revision": origin.revision_id, "id": cohort_id},
        )
        return list(found.scalars())


async def copy_findings(database: Database, origin: Origin, numbers: Sequence[int]) -> bytes:
    """Rows of the clinical table by their numbers, as CSV."""
    query = (
        f"select {_cells(origin, 'clinical', 't')} from catalog.finding t "  # noqa: S608 - names quoted
        f"join catalog.clinical_{origin.revision_id} x on x.n = t.n "
        "where t.revision_id = $1 and t.n = any($2::integer[]) order by t.n"
    )
    return await _copy(database, query, origin.revision_id, list(numbers))


async def member_paths(
    database: Database, origin: Origin, cohort_id: uuid.UUID, begin: int, end: int
) -> list[tuple[str, str | None]]:
    """(SOP Instance UID, path as in the file) of the images at positions ``begin`` to ``end``."""
    path = quoted(origin.columns["metadata"]["anon_dicom_path"])
    query = (
        f"select m.sop_instance_uid, x.{path} from catalog.cohort_member m "  # noqa: S608 - quoted
        "left join catalog.image t on t.revision_id = $1 and t.image_id = m.image_id "
        f"left join catalog.metadata_{origin.revision_id} x on x.n = t.n "
        "where m.cohort_id = $2 and m.position >= $3 and m.position < $4 order by m.position"
    )
    async with database.reading() as connection:
        with still_there():
            found = await connection.fetch(query, origin.revision_id, cohort_id, begin, end)
    return [(uid, cell) for uid, cell in found]


def _cells(origin: Origin, table: Literal["clinical", "metadata"], ids: str) -> str:
    """The file's columns, identifiers from the table ``ids``."""
    return ", ".join(
        f"{ids}.{TYPED_IDS[name]}" if name in TYPED_IDS else f"x.{quoted(column)}"
        for name, column in origin.columns[table].items()
    )


async def _copy(database: Database, query: str, *values: Any) -> bytes:
    out = io.BytesIO()
    async with database.transaction() as session:
        connection = await driver(session)
        with still_there():
            await connection.copy_from_query(query, *values, output=out, format="csv")
    return out.getvalue()
