"""``python -m catalog.migrate``: bring schema ``catalog`` to the newest revision."""

import os
from pathlib import Path

from chassis.migrations import downgrade, upgrade

SCHEMA = "catalog"
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database_url: str) -> None:
    """Create or bring up to date everything the catalog keeps in ``database_url``."""
    upgrade(database_url, SCHEMA, SCRIPTS)


def unmigrate(database_url: str) -> None:
    """Take it all away again."""
    downgrade(database_url, SCHEMA, SCRIPTS, "base")


if __name__ == "__main__":
    migrate(os.environ["CATALOG_DATABASE_URL"])
