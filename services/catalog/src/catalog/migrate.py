"""``python -m catalog.migrate``: bring schema ``catalog`` to the newest revision."""

from pathlib import Path

from chassis.migrations import downgrade, upgrade
from chassis.settings import settings_config
from pydantic import Field
from pydantic_settings import BaseSettings

SCHEMA = "catalog"
SCRIPTS = Path(__file__).parent / "migrations"


class MigrationSettings(BaseSettings):
    """The one setting a migration needs."""

    model_config = settings_config("CATALOG_")

    database_url: str = Field(description="PostgreSQL of the schema `catalog`")


def migrate(database_url: str) -> None:
    """Create or bring up to date everything the catalog keeps in ``database_url``."""
    upgrade(database_url, SCHEMA, SCRIPTS)


def unmigrate(database_url: str) -> None:
    """Take it all away again."""
    downgrade(database_url, SCHEMA, SCRIPTS, "base")


if __name__ == "__main__":
    migrate(MigrationSettings().database_url)  # type: ignore[call-arg]
