"""Work for a client that has left is given up."""

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Most answers are there sooner; nobody is watched for them.
WATCHED_AFTER_S = 0.05
CLIENT_CLOSED_REQUEST = 499


class LeavingClients:
    """Cancels a GET whose client closes the connection before its answer begins.

    What others wait for as well goes on (``flights.py``); a task that a worker has begun has
    a moment to end (``pool.py``). The log has such requests as 499.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        watch = _Watch(receive)
        try:
            await self.app(scope, receive, watch.of(send))
        except asyncio.CancelledError:
            if not watch.ended():
                raise
            await Response(status_code=CLIENT_CLOSED_REQUEST)(scope, receive, send)
        finally:
            watch.stop()


class _Watch:
    """Cancels the task that made it when the client leaves, until the answer begins."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._work = asyncio.current_task()
        self._left = False
        self._watcher: asyncio.Task[None] | None = None
        self._later = asyncio.get_running_loop().call_later(WATCHED_AFTER_S, self._start)

    def of(self, send: Send) -> Send:
        """``send`` that ends the watch with its first message."""

        async def begun(message: Message) -> None:
            self.stop()
            await send(message)

        return begun

    def stop(self) -> None:
        """Watch no longer."""
        self._later.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    def ended(self) -> bool:
        """Whether the client's leaving is why the work was cancelled; it is then not any more."""
        if self._left and self._work is not None:
            self._work.uncancel()
        return self._left

    def _start(self) -> None:
        self._watcher = asyncio.create_task(self._until_left())

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        if self._work is not None:
            self._work.cancel()
