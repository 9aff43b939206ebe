"""The schema's steps, up and down."""

import threading

import pytest
from chassis.migrations import downgrade
from devstack.throwaway import psql
from gateway.migrate import SCHEMA, SCRIPTS, migrate

TABLES = "select count(*) from information_schema.tables where table_schema = 'gateway'"


def test_down_and_up_again(database_url: str) -> None:
    before = psql(database_url, TABLES)
    downgrade(database_url, SCHEMA, SCRIPTS, "base")
    assert int(psql(database_url, TABLES)) == 1, "only Alembic's own table is left"
    migrate(database_url)
    assert psql(database_url, TABLES) == before


def test_a_step_back_and_forth_keeps_people(database_url: str) -> None:
    psql(
        database_url,
        "insert into gateway.person (email, name, role, password_hash) values "
        "('ada@lab.example', 'Ada', 'admin', 'kept'), ('new@lab.example', 'New', 'reader', null)",
    )
    downgrade(database_url, SCHEMA, SCRIPTS, "2026_11_21_people")
    former = psql(database_url, "select name, password_hash from gateway.person order by name")
    assert former.split() == ["Ada|kept", "New|!"]
    migrate(database_url)
    assert psql(database_url, "select count(*) from gateway.person").strip() == "2"


def test_a_second_time_changes_nothing(database_url: str) -> None:
    before = psql(database_url, TABLES)
    migrate(database_url)
    assert psql(database_url, TABLES) == before


def test_two_starts_at_once_do_not_race(database_url: str) -> None:
    downgrade(database_url, SCHEMA, SCRIPTS, "base")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate(database_url)
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        pytest.fail(f"{failures}")
