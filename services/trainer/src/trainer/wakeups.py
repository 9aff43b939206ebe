"""Wake-ups: Celery messages that say "a job is due". They carry no job: PostgreSQL has the truth.

A message is acknowledged before the work (`acks_late` off): it may be lost, sent twice or stale,
and nothing depends on it. Late acknowledgement is no option: past the broker's visibility timeout
a long job would be delivered, and started, again.
"""

import asyncio
from contextlib import suppress

from celery import Celery
from chassis.logs import get_logger
from kombu.exceptions import OperationalError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

QUEUE = "trainer"
WAKE = "trainer.wake"
STALE_S = 60

log = get_logger(__name__)


def celery_app(broker_url: str) -> Celery:
    """The Celery application that API and worker share: one queue, no results."""
    app = Celery("trainer", broker=broker_url)
    app.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_connect_timeout": 3,
            "socket_timeout": 30,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


class Wakeups:
    """Sends wake-ups and knows how many wait. A broker that is away costs a delay, never a job."""

    def __init__(self, broker_url: str) -> None:
        self._celery = celery_app(broker_url)
        self._celery.conf.broker_transport_options["socket_timeout"] = 3
        self._redis: Redis = Redis.from_url(
            broker_url, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        self._sending: set[asyncio.Task[None]] = set()

    def send_soon(self) -> None:
        """Send one wake-up without making the caller wait."""
        task = asyncio.get_running_loop().create_task(self.send())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def send(self, count: int = 1) -> None:
        """Send wake-ups; a broker that cannot be reached is logged, the sweeper will try again."""
        try:
            for _ in range(count):
                await asyncio.to_thread(self._celery.send_task, WAKE, expires=STALE_S)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("wake-up not sent", extra={"error": type(error).__name__})

    async def pending(self) -> int:
        """Wake-ups that no worker has taken yet. Raises RedisError without a broker."""
        found = self._redis.llen(QUEUE)
        return int(found if isinstance(found, int) else await found)

    async def check(self) -> None:
        """Readiness: the broker answers."""
        await self.pending()

    async def close(self) -> None:
        """Finish sending and close the connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.gather(*self._sending)
        await self._redis.aclose()
        await asyncio.to_thread(self._celery.close)
