"""Transactions, migrations, and what driver errors mean to a caller, on a real PostgreSQL."""

import asyncio
from pathlib import Path

import pytest
from chassis.database import Database, database_problem
from chassis.migrations import downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

ENVIRONMENT = "from chassis.migrations import run_environment\n\nrun_environment()\n"
REVISION = """
from alembic import op

revision = {revision!r}
down_revision = {former!r}


def upgrade() -> None:
    op.execute("create table things.{table} (n integer primary key)")


def downgrade() -> None:
    op.execute("drop table things.{table}")
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text(ENVIRONMENT)
    for revision, former, table in (("1", None, "a"), ("2", "1", "b")):
        code = REVISION.format(revision=revision, former=former, table=table)
        (versions / f"{revision}.py").write_text(code)
    return versions.parent


async def tables(database: Database) -> set[str]:
    async with database.transaction() as session:
        query = "select table_name from information_schema.tables where table_schema = 'things'"
        return set((await session.execute(text(query))).scalars())


def test_migrations_go_up_and_down(database_url: str, scripts: Path) -> None:
    async def present() -> set[str]:
        database = Database(database_url)
        try:
            return await tables(database)
        finally:
            await database.close()

    upgrade(database_url, "things", scripts)
    upgrade(database_url, "things", scripts)
    assert asyncio.run(present()) == {"a", "b", "alembic_version"}
    downgrade(database_url, "things", scripts, "1")
    assert asyncio.run(present()) == {"a", "alembic_version"}


async def insert_twice(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("insert into t values (1)"))
        await session.execute(text("insert into t values (1)"))


async def test_a_failed_transaction_leaves_nothing(database_url: str) -> None:
    database = Database(database_url)
    async with database.transaction() as session:
        await session.execute(text("create table t (n integer primary key)"))
    with pytest.raises(IntegrityError):
        await insert_twice(database)
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from t"))).scalar_one() == 0
    await database.close()


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("select pg_sleep(5)", 503),
        ("select cast(:x as integer)", 422),
        ("select cast('9999999999' as integer) where :x <> ''", 422),
    ],
)
async def test_driver_errors_have_a_meaning(database_url: str, statement: str, status: int) -> None:
    database = Database(database_url, statement_timeout_ms=200)
    parameters = {"x": "not a number"} if ":x" in statement else {}
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as session:
            await session.execute(text(statement), parameters)
    problem = database_problem(caught.value)
    assert problem is not None
    assert problem.status == status
    await database.close()


async def test_a_fault_of_ours_is_not_called_the_database_s(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as session:
            await session.execute(text("select * from no_such_table"))
    assert database_problem(caught.value) is None
    await database.close()


async def test_an_absent_server_is_a_503() -> None:
    database = Database("postgresql+asyncpg://nobody:x@127.0.0.1:1/none")
    with pytest.raises(OSError, match=r"(?i)connect") as caught:
        await database.check()
    problem = database_problem(caught.value)
    assert problem is not None
    assert problem.status == 503
    await database.close()
