"""Request bodies on their way through: chunk by chunk, up to a limit, and not for ever."""

import asyncio
import time
from collections.abc import AsyncIterator

from chassis.problems import Problem
from starlette.types import Message, Receive

from gateway.headers import Raw

SLOW_BODY_S = 30.0


class CallerGone(Exception):
    """The caller went away; nobody is left to answer."""


class RequestBody:
    """The chunks of a request body, read as the service takes them."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self.fault: Problem | CallerGone | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Each chunk; a 413 beyond the limit and a 408 where it stalls are kept in ``fault``."""
        size = 0
        more = True
        while more:
            message = await self._next_message()
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._most:
                raise self._failed(body_too_large(self._most))
            if chunk:
                yield chunk
            more = message.get("more_body", False)

    async def _next_message(self) -> Message:
        try:
            message = await next_message(self._receive, SLOW_BODY_S)
        except Problem as problem:
            raise self._failed(problem) from None
        if message["type"] == "http.disconnect":
            raise self._failed(CallerGone())
        return message

    def _failed(self, fault: Problem | CallerGone) -> Exception:
        # aiohttp wraps what a body raises; here it keeps its name.
        self.fault = fault
        return fault


def limited(receive: Receive, most: int) -> Receive:
    """``receive`` for our own routes, which read a body whole: a 413 beyond ``most`` bytes.

    Their bodies are short: all of one has to come in the time that a part of another may take.
    """
    size = 0
    more = True
    left = SLOW_BODY_S

    async def receive_limited() -> Message:
        nonlocal size, more, left
        if not more:
            return await receive()
        asked = time.monotonic()
        message = await next_message(receive, left)
        left -= time.monotonic() - asked
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
        if size > most:
            raise body_too_large(most)
        return message

    return receive_limited


async def next_message(receive: Receive, seconds: float) -> Message:
    """The next part of a body; a 408 problem where it does not come in time."""
    try:
        return await asyncio.wait_for(receive(), seconds)
    except TimeoutError:
        raise Problem(408, "The request body stalled") from None


def has_body(headers: list[Raw]) -> bool:
    """Whether a request announces a body."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False


def body_too_large(most: int) -> Problem:
    """A 413 that says the limit."""
    return Problem(413, "Request body too large", detail=f"At most {most} bytes are accepted.")
