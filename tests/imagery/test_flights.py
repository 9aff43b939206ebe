"""Single flight, and dictionaries that stay small."""

import asyncio

import pytest
from imagery.bounded import ExpiringCache, LruCache
from imagery.flights import Flights


async def test_many_join_one_flight() -> None:
    flights: Flights[int] = Flights()
    started = 0

    async def work() -> int:
        nonlocal started
        started += 1
        await asyncio.sleep(0.01)
        return 7

    assert await asyncio.gather(*(flights.join("key", work) for _ in range(50))) == [7] * 50
    assert started == 1
    assert await flights.join("key", work) == 7
    assert started == 2


async def test_everyone_gets_the_error() -> None:
    flights: Flights[int] = Flights()

    async def work() -> int:
        await asyncio.sleep(0)
        raise ValueError("broken")

    joined = (flights.join("key", work) for _ in range(3))
    found = await asyncio.gather(*joined, return_exceptions=True)
    assert [type(error) for error in found] == [ValueError] * 3


async def test_work_goes_on_while_one_waits_and_stops_with_the_last() -> None:
    flights: Flights[int] = Flights()
    stopped = asyncio.Event()

    async def work() -> int:
        try:
            await asyncio.sleep(10)
        finally:
            stopped.set()
        return 1

    waiting = [asyncio.create_task(flights.join("key", work)) for _ in range(2)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    await asyncio.sleep(0.01)
    assert not stopped.is_set()
    waiting[1].cancel()
    await asyncio.wait_for(stopped.wait(), 1)
    for one in waiting:
        with pytest.raises(asyncio.CancelledError):
            await one


def test_lru_keeps_its_budget() -> None:
    cache: LruCache[str, bytes] = LruCache(10, len)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    assert cache.get("a") == b"1234"
    cache.put("c", b"1234")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"1234", None, b"1234")
    cache.put("d", bytes(11))
    assert cache.get("d") is None
    cache.put("a", b"1")
    assert cache.weight == 5


def test_expiring_values_expire() -> None:
    now = 0.0
    cache: ExpiringCache[str, int] = ExpiringCache(10, 5, lambda: now)
    cache.put("a", 1)
    cache.put("b", 2, ttl_s=1)
    now = 4
    assert (cache.get("a"), cache.get("b")) == (1, None)
    now = 5
    assert cache.get("a") is None
