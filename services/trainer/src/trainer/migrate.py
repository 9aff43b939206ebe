"""``python -m trainer.migrate``: bring schema `trainer` to the newest revision."""

from pathlib import Path

from chassis.migrations import upgrade
from chassis.settings import settings_config
from pydantic import Field
from pydantic_settings import BaseSettings

from trainer.tables import SCHEMA

SCRIPTS = Path(__file__).parent / "migrations"


class MigrationSettings(BaseSettings):
    """The one setting a migration needs."""

    model_config = settings_config("TRAINER_")

    database_url: str = Field(description="PostgreSQL of the schema `trainer`")


def migrate(database_url: str) -> None:
    """Create or upgrade the schema; waits for another migration to end."""
    upgrade(database_url, SCHEMA, SCRIPTS)


if __name__ == "__main__":
    migrate(MigrationSettings().database_url)  # type: ignore[call-arg]
