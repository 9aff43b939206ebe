"""The way to a service and back, streamed in both directions with backpressure.

Pure ASGI on the public side, aiohttp's client towards the services. Bodies are never collected:
each chunk is awaited downstream before the next is read. A service that breaks off in the middle
of an answer makes us break off as well, so that nobody takes half a body for a whole one.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

import aiohttp
from chassis.logs import get_logger, request_id
from chassis.problems import Problem, unavailable
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from gateway.bodies import RequestBody, has_body
from gateway.breaker import Breaker
from gateway.compression import SMALLEST, accepts_gzip, compress, may_be_compressed, varying
from gateway.headers import (
    AUDIT_SUBJECT,
    Raw,
    forwarded,
    policy_for,
    returned,
    security_headers,
    value_of,
)
from gateway.routes import SAFE, Route, ServiceName

log = get_logger(__name__)

CONNECT_S = 3.0
RETRIES = 2
RETRY_PAUSE_S = 0.05
READ_BUFFER = 256 * 1024

# Nothing was answered and the connection is at fault, not the request.
_unreachable = (aiohttp.ClientConnectionError, ConnectionError)


class BrokenOff(Exception):
    """The service ended an answer early; the caller's connection is closed to show it."""


@dataclass(frozen=True)
class Answered:
    """What went through: ``size`` in bytes of the body, ``subject`` as the service named it."""

    status: int
    size: int
    subject: str | None


@dataclass
class Head:
    """The head of an answer; ``gzip``: its body may be compressed, if it comes whole."""

    status: int
    headers: list[Raw]
    gzip: bool = False

    def message(self) -> Message:
        """As ASGI says it."""
        return {"type": "http.response.start", "status": self.status, "headers": self.headers}


@dataclass
class Upstream:
    """One service: where it is, whether it can be reached, and how much it is asked now."""

    name: ServiceName
    url: str
    breaker: Breaker = field(default_factory=Breaker)
    in_flight: int = 0


@dataclass
class Proxy:
    """Forwards requests to the services."""

    client: aiohttp.ClientSession
    upstreams: Mapping[ServiceName, Upstream]
    secure: bool
    public_host: bytes | None  # None: as the caller names us
    max_body: int
    max_in_flight: int

    def __post_init__(self) -> None:
        self._secured = security_headers(secure=self.secure)
        self._scheme = "https" if self.secure else "http"

    async def forward(
        self, route: Route, bearer: str, scope: Scope, receive: Receive, send: Send
    ) -> Answered:
        """Answer ``scope`` with what ``route``'s service says.

        Raises Problem (503, 504, 413) before the first byte, `BrokenOff` after it.
        """
        upstream = self.upstreams[route.service]
        if upstream.in_flight >= self.max_in_flight:
            raise unavailable(f"The {upstream.name} service has too much to do")
        upstream.in_flight += 1
        try:
            response = await self._ask(upstream, route, bearer, scope, receive)
            async with response:
                return await self._relay(upstream, response, scope, receive, send)
        finally:
            upstream.in_flight -= 1

    async def _ask(
        self, upstream: Upstream, route: Route, bearer: str, scope: Scope, receive: Receive
    ) -> aiohttp.ClientResponse:
        """The head of the answer. Safe methods are tried again if no connection came about."""
        headers = self._headers_to(scope, bearer)
        body = RequestBody(receive, self.max_body) if has_body(scope["headers"]) else None
        tries = 1 + RETRIES if scope["method"] in SAFE and body is None else 1
        while True:
            if not upstream.breaker.allows():
                raise unreachable(upstream.name)
            tries -= 1
            try:
                response = await self._request(upstream, route, scope, headers, body)
            except _unreachable as error:
                if body and body.fault:
                    raise body.fault from error
                _note_failure(upstream, error)
                if tries == 0:
                    raise unreachable(upstream.name) from error
                await asyncio.sleep(RETRY_PAUSE_S)
            else:
                upstream.breaker.succeeded()
                return response

    async def _request(
        self,
        upstream: Upstream,
        route: Route,
        scope: Scope,
        headers: list[tuple[str, str]],
        body: RequestBody | None,
    ) -> aiohttp.ClientResponse:
        target = upstream.url + _ascii(scope["raw_path"])
        query = scope["query_string"]
        if query:
            target = f"{target}?{_ascii(query)}"
        try:
            async with asyncio.timeout(route.deadline_s):
                return await self.client.request(
                    scope["method"],
                    URL(target, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    timeout=_timeout(route.idle_s, route.deadline_s),
                )
        except aiohttp.ConnectionTimeoutError:
            raise
        except TimeoutError as error:
            raise too_slow(upstream.name, route.deadline_s) from error

    def _headers_to(self, scope: Scope, bearer: str) -> list[tuple[str, str]]:
        headers = forwarded(scope["headers"])
        headers.append(("Authorization", bearer))
        headers.append(("X-Request-ID", request_id() or ""))
        headers.append(("X-Forwarded-Proto", self._scheme))
        host = self.public_host or value_of(scope["headers"], b"host")
        if host:
            headers.append(("X-Forwarded-Host", host.decode("latin-1")))
        return headers

    async def _relay(
        self,
        upstream: Upstream,
        response: aiohttp.ClientResponse,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> Answered:
        if response.status == 401:
            log.error("identity refused", extra={"upstream": upstream.name})
            raise unavailable(
                f"The {upstream.name} service does not accept the gateway's identity",
                detail="Its key set may be out of date. An administrator has to look at it.",
            )
        headers = returned(response.raw_headers)
        headers = _relocate(headers, response.status, upstream.url)
        policy = policy_for(headers)
        headers += self._secured if policy is None else [*self._secured, policy]
        head = Head(response.status, headers)
        if may_be_compressed(head.status, headers):
            head.headers = varying(headers)
            head.gzip = accepts_gzip(scope["headers"])
        size = await _relay_body(response, head, receive, send)
        return Answered(response.status, size, response.headers.get(AUDIT_SUBJECT))


@cache
def _timeout(idle_s: float | None, deadline_s: float) -> aiohttp.ClientTimeout:
    """aiohttp's read timeout counts before the first byte too, where the deadline rules."""
    read = None if idle_s is None else max(idle_s, deadline_s)
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=read)


def _note_failure(upstream: Upstream, error: Exception) -> None:
    upstream.breaker.failed()
    extra = {"upstream": upstream.name, "kind": type(error).__name__}
    log.warning("service unreachable", extra=extra)


async def _relay_body(
    response: aiohttp.ClientResponse, head: Head, receive: Receive, send: Send
) -> int:
    """Send head and body on; how many bytes the body had."""
    content = response.content
    length = response.headers.get("Content-Length")
    try:
        if not head.gzip:  # an event stream's head must not wait for its first event
            await send(head.message())
        first = await content.readany()
        # Most answers arrive whole: one message, and no watcher for a caller who leaves.
        whole = content.at_eof() or (length is not None and len(first) == int(length))
        body = first
        if head.gzip:
            if whole and len(first) >= SMALLEST:
                head.headers, body = compress(head.headers, first)
            await send(head.message())
        if whole:
            await send({"type": "http.response.body", "body": body})
            return len(first)
        return await _relay_stream(response, first, receive, send)
    except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        raise BrokenOff(type(error).__name__) from error


async def _relay_stream(
    response: aiohttp.ClientResponse, chunk: bytes, receive: Receive, send: Send
) -> int:
    gone = asyncio.create_task(_close_when_gone(response, receive))
    sent = 0
    try:
        while chunk:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            sent += len(chunk)
            chunk = await response.content.readany()
        await send({"type": "http.response.body", "body": b""})
    except aiohttp.ClientError:
        if not gone.done():
            raise
    finally:
        gone.cancel()
    return sent


async def _close_when_gone(response: aiohttp.ClientResponse, receive: Receive) -> None:
    """End a stream (an event stream may be silent for minutes) when its reader leaves."""
    while (await receive())["type"] != "http.disconnect":
        continue
    response.close()


def _ascii(raw: bytes) -> str:
    """A request target as it stands, with bytes that may not stand there percent-encoded."""
    return raw.decode() if raw.isascii() else quote(raw, safe="%/:=&?~+!$,;'@()*[]")


def _relocate(headers: list[Raw], status: int, base: str) -> list[Raw]:
    """A redirect to the service's own address becomes one on ours."""
    if not 300 <= status < 400:
        return headers
    prefix = base.encode()
    return [
        (name, value[len(prefix) :] or b"/")
        if name == b"location" and value.startswith(prefix)
        else (name, value)
        for name, value in headers
    ]


def unreachable(name: str) -> Problem:
    """A 503 that names the service."""
    return unavailable(
        f"The {name} service cannot be reached",
        detail=f"Requests to {name} will work again when it is back; /readyz shows its state.",
    )


def too_slow(name: str, deadline_s: float) -> Problem:
    """A 504 that names the service."""
    return Problem(
        504,
        f"The {name} service did not answer in time",
        detail=f"It was given {deadline_s:g} s. Narrow the request and try again.",
    )
