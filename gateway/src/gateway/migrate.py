"""`python -m gateway.migrate`: bring the schema `gateway` up to date."""

from pathlib import Path

from chassis.migrations import upgrade

from gateway.settings import StoreSettings

SCHEMA = "gateway"
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade to ``revision`` under a lock, so that two starts do not race."""
    upgrade(database_url, SCHEMA, SCRIPTS, revision)


if __name__ == "__main__":
    migrate(StoreSettings().database_url)  # type: ignore[call-arg] # from the environment
