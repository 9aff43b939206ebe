"""``python -m trainer.probe``: exit 0 where a worker of this host lives (a health check)."""

import asyncio
import socket
import sys

from chassis.database import Database, database_problem

from trainer import store
from trainer.settings import settings_from_environment


async def find_worker() -> bool:
    """Whether a worker of this host has reported lately."""
    database = Database(settings_from_environment().database_url, pool_size=1)
    try:
        async with database.transaction() as session:
            workers = await store.list_workers(session)
    except Exception as error:
        if database_problem(error) is None:
            raise
        return False
    finally:
        await database.close()
    here = socket.gethostname()
    return any(worker.host == here and worker.state != "lost" for worker in workers)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(find_worker()) else 1)
