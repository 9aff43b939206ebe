"""Ingests in the test's own process, of files below the mirror root."""

from pathlib import Path
from typing import Any

from catalog.ingest.run import run
from catalog.settings import Settings
from catalog.store import loading

from tests.catalog.tables import Tables

IDENTITIES = "select count(*) from catalog.image_key"
TABLES = "select count(*) from pg_tables where schemaname = 'catalog' and tablename ~ $1"


def put(folder: Path, tables: Tables) -> Path:
    """Write both tables."""
    (folder / "EMBED_OpenData_clinical.csv").write_text(tables.clinical)
    (folder / "EMBED_OpenData_metadata.csv").write_text(tables.metadata)
    return folder


async def ingest_here(settings: Settings, folder: Path) -> dict[str, Any]:
    """Run an ingest in this process; the revision as it was left."""
    async with loading.connect(settings.database_url) as connection:
        await connection.execute(
            "insert into catalog.dataset (name, title) values ('wrong', '') on conflict do nothing"
        )
        request = {
            table: f"file://{folder}/EMBED_OpenData_{table}.csv"
            for table in ("clinical", "metadata")
        }
        revision_id = await connection.fetchval(
            "insert into catalog.revision (dataset, request, requested_by) "
            "values ('wrong', $1, 'me') returning revision_id",
            {**request, "image_root": "s3://images"},
        )
        known = await connection.fetchval(IDENTITIES)
        await run(settings, revision_id)
        row = await connection.fetchrow(
            "select revision_id, state, error, report from catalog.revision where revision_id = $1",
            revision_id,
        )
        if row["state"] != "succeeded":
            assert await connection.fetchval(IDENTITIES) == known
            assert not await connection.fetchval(TABLES, f"_{revision_id}$")
        return dict(row)
