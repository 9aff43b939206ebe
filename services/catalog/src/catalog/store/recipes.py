"""SQL of what the recipes read: rows of the clinical file, and boxes of images."""

import io
from collections.abc import Mapping

import asyncpg
from chassis.database import Database
from sqlalchemy import text

from catalog.store.loading import quoted


async def clinical_csv(database: Database, revision_id: int, columns: Mapping[str, str]) -> bytes:
    """Columns of the clinical file in its order, as CSV without a header.

    ``columns``: EMBED's name to the table's column.
    """
    listed = ", ".join(quoted(column) for column in columns.values())
    out = io.BytesIO()
    async with database.transaction() as session:
        connection = await session.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)
        await driver.copy_from_query(
            f"select {listed} from catalog.clinical_{int(revision_id)} order by n",  # noqa: S608
            output=out,
            format="csv",
        )
    return out.getvalue()


async def box_counts(database: Database, revision_id: int) -> dict[int, int]:
    """How many ROI boxes the images have that have any."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select image_id, cardinality(rois) / 4 as boxes from catalog.image "
                "where revision_id = :revision and rois is not null"
            ),
            {"revision": revision_id},
        )
        return {row.image_id: row.boxes for row in found}
