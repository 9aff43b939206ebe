"""``python -m catalog.backups note|forget PLACE``: which backups there are.

Whoever writes a backup notes it, whoever destroys one says so: a purge lists what still holds data.
"""

import asyncio
import sys

from chassis.database import Database

from catalog.migrate import MigrationSettings
from catalog.store import purge

USAGE = "usage: python -m catalog.backups note|forget PLACE"


async def _run(action: str, place: str) -> str:
    database = Database(MigrationSettings().database_url)  # type: ignore[call-arg]
    try:
        async with database.transaction() as session:
            if action == "note":
                await purge.note_backup(session, place)
                return f"noted: {place}"
            known = await purge.forget_backup(session, place)
            return f"forgotten: {place}" if known else f"no backup is known at {place}"
    finally:
        await database.close()


def main(arguments: list[str]) -> int:
    """Run the command; its exit status."""
    if len(arguments) != 2 or arguments[0] not in ("note", "forget"):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    sys.stdout.write(asyncio.run(_run(*arguments)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
