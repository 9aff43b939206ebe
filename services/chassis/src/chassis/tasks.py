"""Work beside an application that ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from chassis.logs import get_logger

ASK_AGAIN_S = 2.0

log = get_logger(__name__)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` and return when all have ended; an error one ended with is logged.

    One request is not always enough: a driver that is told to stop while its connection is being
    made may raise its own error instead, which a loop that survives errors takes for an outage.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=ASK_AGAIN_S)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            log.error("background work failed", extra={"task": task.get_name()}, exc_info=error)


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """``work`` runs meanwhile."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await end(task)
