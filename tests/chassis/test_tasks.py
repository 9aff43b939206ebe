"""Background work ends with what it runs beside."""

import asyncio

import pytest
from chassis import tasks


async def test_work_that_loses_a_cancellation_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "ASK_AGAIN_S", 0.01)
    lost = asyncio.Event()

    async def careless() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            lost.set()
        await asyncio.sleep(60)

    async with asyncio.timeout(5), tasks.beside(careless(), "careless"):
        await asyncio.sleep(0)
    assert lost.is_set()


async def test_an_error_is_logged_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> None:
        raise ValueError("of its own")

    async with tasks.beside(failing(), "failing"):
        await asyncio.sleep(0)
    assert "background work failed" in caplog.text
    assert "of its own" in caplog.text


async def test_ending_nothing_returns() -> None:
    await tasks.end()
