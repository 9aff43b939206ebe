"""Alembic, one tree and one schema per service, run under a lock so that two starts do not race."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "10min"


def upgrade(database_url: str, schema: str, scripts: Path, revision: str = "head") -> None:
    """Bring ``schema`` to ``revision`` with the scripts in ``scripts`` (an Alembic folder)."""
    asyncio.run(_migrate(database_url, schema, scripts, revision, down=False))


def downgrade(database_url: str, schema: str, scripts: Path, revision: str) -> None:
    """Take ``schema`` back to ``revision``."""
    asyncio.run(_migrate(database_url, schema, scripts, revision, down=True))


async def _migrate(url: str, schema: str, scripts: Path, revision: str, *, down: bool) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    config = Config(attributes={"schema": schema})
    config.set_main_option("script_location", str(scripts))

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)

    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"set local statement_timeout = '{STATEMENT_TIMEOUT}'"))
            await connection.execute(
                text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"migrate {schema}"}
            )
            await connection.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT}'"))
            await connection.execute(text(f'create schema if not exists "{schema}"'))
            await connection.run_sync(run)
    finally:
        await engine.dispose()


def run_environment() -> None:
    """The whole of a service's ``env.py``: run in the connection that ``upgrade`` opened."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        version_table_schema=attributes["schema"],
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
