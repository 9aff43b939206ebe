"""The sweeper: jobs of silent workers go back to the queue, due jobs are waked again, and objects
that only a resumed attempt would need are deleted once their job has succeeded.

It runs in every API process; its statements lock what they change, so several do no harm.
"""

import asyncio

from botocore.exceptions import BotoCoreError, ClientError
from chassis.database import Database, database_problem
from chassis.logs import get_logger
from redis.exceptions import RedisError

from trainer import store
from trainer.objects import Objects, artifact_key, job_key
from trainer.settings import TrainerSettings
from trainer.wakeups import Wakeups

MAX_WAKEUPS = 16
MAX_CLEARED = 16
NO_BROKER = "the broker cannot be reached; workers will hear of it when it is back"

log = get_logger(__name__)


async def sweep(database: Database, wakeups: Wakeups, settings: TrainerSettings) -> None:
    """Once: take back expired leases, then send as many wake-ups as due jobs lack."""
    async with database.transaction() as session:
        taken = await store.take_back_expired(
            session, settings.max_attempts, settings.retry_delay_s
        )
        due = await store.count_due(session)
    for job_id, state in taken:
        log.warning("lease expired", extra={"job_id": job_id, "state": state})
    try:
        missing = min(due, MAX_WAKEUPS) - await wakeups.pending()
    except (RedisError, OSError) as error:
        log.warning("sweep without broker", extra={"error": type(error).__name__})
        await _tell(database, NO_BROKER)
    else:
        await _tell(database, None)
        await wakeups.send(max(0, missing))


async def _tell(database: Database, waiting: str | None) -> None:
    async with database.transaction() as session:
        await store.tell_waiting(session, waiting)


async def clear_up(database: Database, objects: Objects) -> None:
    """Delete what succeeded jobs no longer need.

    Not the training process's work: its worker may die or stop it once the job has ended.
    """
    async with database.transaction() as session:
        ended = await store.find_uncleared(session, MAX_CLEARED)
    for lease in ended:
        try:
            kept = artifact_key(lease.job_id, lease.fence, "")
            await objects.delete_under(job_key(lease.job_id, ""), kept)
        except (BotoCoreError, ClientError) as error:
            log.warning("not cleared up", extra={"error": type(error).__name__})
            return
        async with database.transaction() as session:
            await store.note_cleared(session, lease.job_id)


async def let_go(database: Database, objects: Objects, days: int) -> None:
    """Delete what is older than it may be; reports stay."""
    async with database.transaction() as session:
        outdated = await store.find_outdated(session, days, MAX_CLEARED) if days else []
    for job_id in outdated:
        async with database.transaction() as session:
            large = await store.find_large(session, job_id)
        try:
            await objects.delete(large)
            await objects.delete_under(job_key(job_id, "checkpoints/"))
        except (BotoCoreError, ClientError) as error:
            log.warning("not let go", extra={"error": type(error).__name__})
            return
        async with database.transaction() as session:
            await store.note_expired(session, job_id)
        log.info("artifacts let go", extra={"job_id": job_id})


async def sweep_forever(
    database: Database, wakeups: Wakeups, objects: Objects, settings: TrainerSettings
) -> None:
    """Sweep every `sweep_s`; a database that is away is waited for."""
    while True:
        try:
            await sweep(database, wakeups, settings)
            await clear_up(database, objects)
            await let_go(database, objects, settings.retention_days)
        except Exception as error:
            unexpected = database_problem(error) is None
            log.warning("sweep without database", exc_info=error if unexpected else None)
        await asyncio.sleep(settings.sweep_s)
