"""Answers on their way to slow clients stay within their budget."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from imagery.sending import SendingBudget
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message

MIB = 2**20


async def large() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield bytes(MIB)


async def ask(
    app: ASGIApp, taken: asyncio.Event, offered: asyncio.Event | None = None
) -> list[Message]:
    """What is sent to a client that takes what it is ``offered`` once ``taken`` is set."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            if offered is not None:
                offered.set()
            await taken.wait()

    await app({"type": "http", "path": "/", "method": "GET", "headers": []}, receive, send)
    return sent


def status(sent: list[Message]) -> int:
    return int(sent[0]["status"])


@pytest.mark.parametrize("make", [lambda: Response(bytes(MIB)), lambda: StreamingResponse(large())])
async def test_a_large_answer_beyond_the_budget_is_not_begun(make: Callable[[], Any]) -> None:
    small = Response(b"small")

    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await (small if asks.pop(0) == "small" else make())(scope, receive, send)

    app, taken, at_once = SendingBudget(answers, 2 * MIB), asyncio.Event(), asyncio.Event()
    at_once.set()
    asks = ["large", "large", "large", "small", "large"]
    offered = asyncio.Event(), asyncio.Event()
    slow = [asyncio.create_task(ask(app, taken, one)) for one in offered]
    await asyncio.gather(*(one.wait() for one in offered))
    refused = await ask(app, at_once)
    assert status(refused) == 503
    assert (b"retry-after", b"2") in refused[0]["headers"]
    assert status(await ask(app, at_once)) == 200  # a small one
    taken.set()
    whole = await asyncio.gather(*slow)
    assert [status(one) for one in whole] == [200, 200]
    assert app._held == 0
    assert status(await ask(app, at_once)) == 200


async def test_one_answer_may_be_larger_than_the_budget() -> None:
    app, taken = SendingBudget(Response(bytes(4 * MIB)), MIB), asyncio.Event()
    taken.set()
    assert status(await ask(app, taken)) == 200


async def test_who_leaves_gives_back_what_was_held() -> None:
    app, offered = SendingBudget(Response(bytes(MIB)), MIB), asyncio.Event()
    leaving = asyncio.create_task(ask(app, asyncio.Event(), offered))
    await offered.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert app._held == 0
