"""What the queue and the workers are like just now, for Prometheus."""

import asyncio

from chassis.database import Database, database_problem
from chassis.logs import get_logger
from prometheus_client import CollectorRegistry, Gauge

from trainer import store
from trainer.worker_schemas import Worker

EVERY_S = 5.0

log = get_logger(__name__)


class QueueGauges:
    """Gauges of one registry; several API processes tell the same."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"trainer_{name}", text, labels, registry=registry)

        self.jobs = gauge("jobs", "Unfinished jobs by state", "state")
        self.due = gauge("queue_due", "Jobs that a worker could claim now")
        self.oldest = gauge("queue_oldest_seconds", "How long the first in the queue has waited")
        self.slots = gauge("worker_slots", "Jobs that living workers train at a time")
        self.workers = gauge("workers", "Workers by state", "state")
        self.gpu = gauge("gpu_utilisation", "Share of time a GPU is busy, 0 to 1", "worker", "gpu")
        self.memory = gauge("gpu_memory_used_bytes", "Memory of a GPU in use", "worker", "gpu")

    async def refresh(self, database: Database) -> None:
        """Look once."""
        async with database.transaction() as session:
            found = await store.count_unfinished(session)
            workers = await store.list_workers(session)
        for state in ("queued", "running"):
            self.jobs.labels(state).set(getattr(found, state))
        self.due.set(found.due)
        self.oldest.set(found.oldest_s)
        self._show(workers)

    def _show(self, workers: list[Worker]) -> None:
        for state in ("idle", "busy", "lost"):
            self.workers.labels(state).set(sum(w.state == state for w in workers))
        alive = [worker for worker in workers if worker.state != "lost"]
        self.slots.set(sum(worker.slots for worker in alive))
        self.gpu.clear()  # those of workers that are gone
        self.memory.clear()
        for worker in alive:
            for gpu in worker.usage.gpus if worker.usage else []:
                self.gpu.labels(worker.name, gpu.uuid).set(gpu.utilisation)
                self.memory.labels(worker.name, gpu.uuid).set(gpu.memory_used)


async def refresh_forever(gauges: QueueGauges, database: Database) -> None:
    """Look every few seconds; a database that is away is waited for."""
    while True:
        try:
            await gauges.refresh(database)
        except Exception as error:
            unexpected = database_problem(error) is None
            log.warning("gauges without database", exc_info=error if unexpected else None)
        await asyncio.sleep(EVERY_S)
