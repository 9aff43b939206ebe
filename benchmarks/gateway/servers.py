"""The three servers of the benchmark, each a process of its own: upstream, bare proxy, gateway.

python servers.py upstream|bare|gateway PORT
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

SIZES = {"12k": 12 * 1024, "200k": 200 * 1024}
BODIES = {name: os.urandom(size) for name, size in SIZES.items()}
CHUNK = bytes(256 * 1024)
TOTAL = 2**30


async def upstream(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers from memory as the last segment of the path says; reads what it is sent."""
    if scope["type"] != "http":
        return
    name = scope["path"].rsplit("/", 1)[-1]
    size = 0
    more = True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    if name == "events":
        await _start(send, [(b"content-type", b"text/event-stream")])
        await send({"type": "http.response.body", "body": b": open\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            continue
    elif name == "gigabyte":
        await _start(send, [(b"content-length", str(TOTAL).encode())])
        for done in range(0, TOTAL, len(CHUNK)):
            more = done + len(CHUNK) < TOTAL
            await send({"type": "http.response.body", "body": CHUNK, "more_body": more})
    else:
        body = BODIES.get(name) or str(size).encode()
        headers = [(b"content-type", b"image/jpeg"), (b"content-length", str(len(body)).encode())]
        await _start(send, headers)
        await send({"type": "http.response.body", "body": body})


async def _start(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def bare(target: str) -> FastAPI:
    """The proxy that everybody writes: FastAPI, aiohttp, no identity, no log, no limit."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/{path:path}")
    async def forward(path: str, request: Request) -> StreamingResponse:
        headers = {k: v for k, v in request.headers.items() if k not in ("host", "cookie")}
        answer = await request.app.state.client.get(f"{target}/{path}", headers=headers)

        async def chunks() -> AsyncIterator[bytes]:
            async with answer:
                async for chunk in answer.content.iter_any():
                    yield chunk

        kept = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in ("transfer-encoding", "connection", "server", "date")
        }
        return StreamingResponse(chunks(), status_code=answer.status, headers=kept)

    return app


def make(kind: str) -> Any:
    """The application of a kind."""
    if kind == "upstream":
        return upstream
    if kind == "bare":
        return bare(os.environ["BENCHMARK_UPSTREAM"])
    from gateway.app import app_from_environment

    return app_from_environment()


if __name__ == "__main__":
    uvicorn.run(
        make(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        access_log=False,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=1,
    )
