"""SQL of single records: images, and rows of the files as they came."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from chassis.database import Database
from sqlalchemy import text

from catalog.store.loading import quoted


async def image_rows(
    database: Database, revision_id: int, image_ids: Sequence[int]
) -> dict[int, Mapping[str, Any]]:
    """The typed rows of images of one revision, by image_id."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select image_id, n, patient_id, exam_id, sop_instance_uid, laterality, "
                "view_position, final_image_type, num_roi, rois from catalog.image "
                "where revision_id = :revision and image_id = any(:ids)"
            ),
            {"revision": revision_id, "ids": list(image_ids)},
        )
        return {row["image_id"]: dict(row) for row in found.mappings()}


async def file_rows(
    database: Database,
    revision_id: int,
    table: Literal["clinical", "metadata"],
    columns: Mapping[str, str],
    numbers: Sequence[int],
) -> dict[int, dict[str, str | None]]:
    """Rows of a file by their number, under EMBED's names. ``columns``: name to column."""
    names = {column: name for name, column in columns.items()}
    listed = ", ".join(quoted(column).replace(":", r"\:") for column in columns.values())
    query = (
        f"select n, {listed} from catalog.{table}_{int(revision_id)} "  # noqa: S608 - quoted above
        "where n = any(:numbers) order by n"
    )
    async with database.transaction() as session:
        found = await session.execute(text(query), {"numbers": list(numbers)})
        return {
            row["n"]: {names[key]: value for key, value in row.items() if key != "n"}
            for row in found.mappings()
        }


async def finding_rows(
    database: Database, revision_id: int, of: Literal["exam_id", "patient_id"], value: str
) -> list[int]:
    """Numbers of the clinical rows of an exam or a patient, in the order of the file."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                f"select n from catalog.finding "  # noqa: S608 - ``of`` is one of two literals
                f"where revision_id = :revision and {of} = :value order by n"
            ),
            {"revision": revision_id, "value": value},
        )
        return list(found.scalars())


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
