"""The service that everybody would write for a record: FastAPI, the driver, one row as JSON.

`uvicorn --factory benchmarks.catalog.bare:app` with `BENCHMARK_DATABASE` and `BENCHMARK_REVISION`.
No identity, no log, no join, no types: the floor of one record through the same hops.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response


def app() -> FastAPI:
    """The application."""
    query = f"select * from catalog.metadata_{int(os.environ['BENCHMARK_REVISION'])} where n = $1"

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["BENCHMARK_DATABASE"], min_size=1) as pool:
            app.state.pool = pool
            yield

    made = FastAPI(lifespan=lifespan)

    @made.get("/{path:path}")
    async def row(path: str, request: Request) -> Response:
        n = int(path.rpartition("/")[2]) if path[-1:].isdigit() else 0
        async with request.app.state.pool.acquire() as connection:
            found = await connection.fetchrow(query, n)
        return Response(orjson.dumps(dict(found or {})), media_type="application/json")

    return made
