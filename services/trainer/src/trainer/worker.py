"""``python -m trainer.worker``: a Celery worker whose one task works off due jobs.

Its pool is threads: a prefork child may not start processes of its own, and each training is one.
"""

import asyncio
import os
import platform
import socket
import threading
from datetime import UTC, datetime
from typing import Any

import psutil
from celery import Celery
from celery.signals import worker_ready, worker_shutting_down
from chassis.database import Database, database_problem
from chassis.logs import configure_logging, get_logger

from trainer import store
from trainer.devices import measure_usage
from trainer.predictor import PredictorHost
from trainer.probe import pulse
from trainer.purging import drop_purged
from trainer.settings import TrainerSettings, settings_from_environment
from trainer.supervisor import Supervisor
from trainer.wakeups import QUEUE, STALE_S, WAKE, celery_app

BEAT_S = 5.0

log = get_logger("trainer.worker")


def main() -> None:
    """Run until SIGTERM or SIGINT; jobs in training go back to the queue."""
    settings = settings_from_environment()
    configure_logging("trainer.worker", settings.log_level)
    name = settings.worker_name or f"{socket.gethostname()}-{os.getpid()}"
    supervisor = Supervisor(settings, name)
    app = worker_app(settings, supervisor)
    # Woken for nothing, each slot makes itself ready: the first job need not wait for imports.
    worker_ready.connect(lambda **_: wake_slots(app, settings.own_slots), weak=False)
    worker_shutting_down.connect(lambda **_: supervisor.closing.set(), weak=False)
    heart = threading.Thread(target=_beat_until, args=(settings, supervisor), daemon=True)
    heart.start()
    predictor = threading.Thread(
        target=PredictorHost(settings, supervisor.closing).run, daemon=True
    )
    predictor.start()
    try:
        app.worker_main(_arguments(settings, name))
    finally:
        supervisor.closing.set()
        heart.join(timeout=BEAT_S)
        predictor.join(timeout=BEAT_S)


def worker_app(settings: TrainerSettings, supervisor: Supervisor) -> Celery:
    """The Celery application with the task that wake-ups name."""
    app = celery_app(settings.broker_url)

    @app.task(name=WAKE)
    def wake() -> None:
        try:
            done = supervisor.work()
        except Exception as error:
            if database_problem(error) is None:
                raise
            # Its jobs are still queued; the sweeper will wake somebody again.
            log.warning("woken without database", extra={"error": type(error).__name__})
        else:
            log.info("woken", extra={"jobs": done})

    return app


def wake_slots(app: Celery, slots: int) -> None:
    """Send as many wake-ups as there are slots."""
    for _ in range(slots):
        app.send_task(WAKE, expires=STALE_S)


def _arguments(settings: TrainerSettings, name: str) -> list[str]:
    return [
        "worker", "--pool", "threads", "--concurrency", str(settings.own_slots),
        "--queues", QUEUE, "--hostname", f"{name}@{socket.gethostname()}",
        "--loglevel", settings.log_level, "--without-gossip", "--without-mingle",
        "--without-heartbeat",
    ]  # fmt: skip


def _beat_until(settings: TrainerSettings, supervisor: Supervisor) -> None:
    asyncio.run(_beat(settings, supervisor))


async def _beat(settings: TrainerSettings, supervisor: Supervisor) -> None:
    """Keep the worker's row and pulse fresh, and hear of purges; take them away at the end."""
    database = Database(settings.database_url, pool_size=1, application_name=store.WORKER)
    values = _about(settings, supervisor.name)
    process = psutil.Process()
    file = pulse(settings.scratch)
    file.parent.mkdir(parents=True, exist_ok=True)
    while not supervisor.closing.is_set():
        try:
            async with database.transaction() as session:
                usage = await asyncio.to_thread(measure_usage, process)
                await store.beat_worker(session, values | {"usage": usage})
                purges = await store.list_purges(session)
            file.write_text(str(os.getpid()))
            await asyncio.to_thread(drop_purged, settings.scratch, purges)
        except Exception as error:
            if database_problem(error) is None:
                raise
            log.warning("worker heartbeat failed", extra={"error": type(error).__name__})
        await asyncio.to_thread(supervisor.closing.wait, BEAT_S)
    file.unlink(missing_ok=True)
    async with database.transaction() as session:
        await store.forget_worker(session, supervisor.name)
    await database.close()


def _about(settings: TrainerSettings, name: str) -> dict[str, Any]:
    about = {
        "threads": settings.own_threads,
        "device": settings.device,
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    return {
        "name": name,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "slots": settings.own_slots,
        "about": about,
        "started_at": datetime.now(UTC),
    }


if __name__ == "__main__":
    main()
