"""A small HTTP server behind the gateway under test. It stands for any server, not for ours."""

import asyncio
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

MIB = bytes(2**20)
PAGE = json.dumps([{"image_id": n, "ViewPosition": "MLO"} for n in range(200)]).encode()


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    size: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def header(self, name: str) -> str | None:
        """The value of a header; an assertion that it came once."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, values
        return values[0] if values else None


class Upstream:
    """Behaves as the last segment of the path says; echoes otherwise."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        seen = Seen(
            scope["method"],
            scope["raw_path"].decode(),
            scope["query_string"].decode(),
            [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]],
        )
        self.seen.append(seen)
        name = scope["path"].rsplit("/", 1)[-1].replace("-", "_")
        act = getattr(self, f"do_{name}", self.do_echo)
        await act(seen, receive, send)

    async def do_echo(self, seen: Seen, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        seen.size = len(body)
        answer = {"method": seen.method, "path": seen.path, "query": seen.query, "size": len(body)}
        headers = {
            "content-type": "application/json",
            "set-cookie": "evil=1",
            "connection": "x-private",
            "x-private": "hop",
            "x-public": "yes",
            "etag": '"abc"',
        }
        if seen.query.startswith("subject="):
            headers["x-audit-subject"] = seen.query.removeprefix("subject=")
        await _answer(send, 200, headers, json.dumps(answer).encode())

    async def do_swallow(self, seen: Seen, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            seen.size += len(message.get("body", b""))
            more = message.get("more_body", False)
        await _answer(send, 200, {"content-type": "text/plain"}, str(seen.size).encode())

    async def do_refused(self, seen: Seen, receive: Receive, send: Send) -> None:
        await _answer(send, 401, {}, b"who are you")

    async def do_problem(self, seen: Seen, receive: Receive, send: Send) -> None:
        body = b'{"title": "Unknown filter", "status": 422}'
        await _answer(send, 422, {"content-type": "application/problem+json"}, body)

    async def do_report(self, seen: Seen, receive: Receive, send: Send) -> None:
        await _answer(send, 200, {"content-type": "text/html; charset=utf-8"}, b"<h1>report</h1>")

    async def do_page(self, seen: Seen, receive: Receive, send: Send) -> None:
        headers = {"content-type": "application/json", "etag": '"abc"', "vary": "Origin"}
        await _answer(send, 200, headers, PAGE)

    async def do_zipped(self, seen: Seen, receive: Receive, send: Send) -> None:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        await _answer(send, 200, headers, gzip.compress(PAGE))

    async def do_redirect(self, seen: Seen, receive: Receive, send: Send) -> None:
        await _answer(send, 303, {"location": f"{self.url}/iiif/3/7/info.json"}, b"")

    async def do_ranged(self, seen: Seen, receive: Receive, send: Send) -> None:
        assert seen.header("range") == "bytes=2-4"
        headers = {"content-range": "bytes 2-4/10", "accept-ranges": "bytes"}
        await _answer(send, 206, headers, b"234")

    async def do_unchanged(self, seen: Seen, receive: Receive, send: Send) -> None:
        assert seen.header("if-none-match") == '"abc"'
        await _start(send, 304, {"etag": '"abc"', "cache-control": "private, max-age=60"})
        await send({"type": "http.response.body"})

    async def do_slow(self, seen: Seen, receive: Receive, send: Send) -> None:
        await asyncio.sleep(5)
        await _answer(send, 200, {}, b"late")

    async def do_broken(self, seen: Seen, receive: Receive, send: Send) -> None:
        await _start(send, 200, {"content-length": "1000"})
        await send({"type": "http.response.body", "body": b"only this", "more_body": True})
        raise ConnectionAbortedError("the server dies here")

    async def do_events(self, seen: Seen, receive: Receive, send: Send) -> None:
        await _start(send, 200, {"content-type": "text/event-stream", "cache-control": "no-store"})
        leaving = asyncio.create_task(_until_gone(receive))
        for number in range(1000):
            event = f"event: job\ndata: {number}\n\n".encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            done, _ = await asyncio.wait([leaving], timeout=0.2 if number < 3 else 60)
            if done:
                seen.closed.set()
                return

    async def do_large(self, seen: Seen, receive: Receive, send: Send) -> None:
        count = int(seen.query.partition("mib=")[2])
        await _start(send, 200, {"content-length": str(count * len(MIB))})
        for left in range(count - 1, -1, -1):
            await send({"type": "http.response.body", "body": MIB, "more_body": left > 0})

    async def do_datasets(self, seen: Seen, receive: Receive, send: Send) -> None:
        body = b'{"items": [], "total": 0, "next": null}'
        await _answer(send, 200, {"content-type": "application/json"}, body)

    async def do_readyz(self, seen: Seen, receive: Receive, send: Send) -> None:
        await _answer(send, 200, {"content-type": "application/json"}, b'{"state": "ready"}')


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Send, status: int, headers: dict[str, Any]) -> None:
    raw = [(k.encode(), str(v).encode()) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _answer(send: Send, status: int, headers: dict[str, Any], body: bytes) -> None:
    await _start(send, status, {"content-length": len(body), **headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
