"""Watchers hear of every change, and of what was there before they came."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.trainer.running import submit


@asynccontextmanager
async def watching(api: httpx.AsyncClient, query: str = "") -> AsyncIterator[Callable[[], Any]]:
    """Gives a function that waits for the next job event."""
    async with api.stream("GET", f"/api/v1/jobs/events{query}") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()

        async def following() -> dict[str, Any]:
            kind = ""
            while True:
                line = await asyncio.wait_for(anext(lines), 20)
                if line.startswith("event:"):
                    kind = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    assert kind == "job"
                    found: dict[str, Any] = json.loads(line.removeprefix("data:"))
                    return found

        yield following


async def test_a_watcher_sees_a_job_from_queue_to_end(
    api: httpx.AsyncClient, start_worker: Callable[..., Any], blobs: str
) -> None:
    waiting = await submit(api, blobs, epochs=3)
    async with watching(api) as following:
        assert (await following())["job_id"] == waiting["job_id"]
        start_worker()
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1]["finished_at"] is None:
            seen.append(await following())
    states = [job["state"] for job in seen]
    assert states[-1] == "succeeded"
    assert states == sorted(states, key=["queued", "running", "succeeded"].index)
    grown = [len(job["epochs"]) for job in seen]
    assert grown == sorted(grown)
    assert any(job["epochs"] for job in seen if job["state"] == "running")
    fractions = [job["progress"]["fraction"] for job in seen]
    assert fractions == sorted(fractions)
    assert seen[-1]["metrics"]["test"]["n"] > 0


async def test_a_watcher_of_their_own_jobs_hears_no_others(
    api: httpx.AsyncClient, blobs: str, sign_identity: Callable[..., str]
) -> None:
    async with watching(api, "?owner=me") as following:
        mine = api.headers["Authorization"]
        api.headers["Authorization"] = sign_identity("researcher", person_id="another")
        await submit(api, blobs)
        api.headers["Authorization"] = mine
        job = await submit(api, blobs)
        assert (await following())["job_id"] == job["job_id"]


async def test_a_watcher_hears_again_after_the_connection_was_lost(
    api: httpx.AsyncClient, blobs: str, settings: Any
) -> None:
    import asyncpg
    from chassis.database import asyncpg_url

    async with watching(api) as following:
        connection = await asyncpg.connect(asyncpg_url(settings.database_url))
        try:
            ended = await connection.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where query ilike 'listen%' and datname = current_database()"
            )
        finally:
            await connection.close()
        assert len(ended) == 1
        job = await submit(api, blobs)
        assert (await following())["job_id"] == job["job_id"]
