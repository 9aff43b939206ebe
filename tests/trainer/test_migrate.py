"""The schema comes and goes as a whole."""

import asyncio

import asyncpg
from chassis.database import asyncpg_url
from chassis.migrations import downgrade
from trainer.migrate import SCRIPTS, migrate
from trainer.tables import SCHEMA, metadata


async def columns(url: str) -> dict[str, set[str]]:
    """{relation: its columns} of the schema."""
    connection = await asyncpg.connect(asyncpg_url(url))
    try:
        rows = await connection.fetch(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = $1 and table_name <> 'alembic_version'",
            SCHEMA,
        )
    finally:
        await connection.close()
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    return found


def test_the_migrated_schema_is_the_one_that_the_code_knows(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    known = {table.name: {c.name for c in table.columns} for table in metadata.tables.values()}
    assert asyncio.run(columns(database_url)) == known


def test_it_can_be_taken_back(database_url: str) -> None:
    migrate(database_url)
    downgrade(database_url, SCHEMA, SCRIPTS, "base")
    assert asyncio.run(columns(database_url)) == {}
    migrate(database_url)
