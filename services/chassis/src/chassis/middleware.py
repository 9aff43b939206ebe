"""What happens to every request: an id, a log line, a measurement, and the caller's identity."""

import asyncio
import time
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.identity import Verifier
from chassis.logs import HEADER, get_logger, set_request_id
from chassis.problems import Problem, problem_response

log = get_logger("request")

LOOK_S = 0.5
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def header(scope: Scope, name: bytes) -> str | None:
    """A request header by its lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


class HttpMetrics:
    """Traffic, errors, latency and saturation of one application."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["method", "route"]
        self.requests = Counter(
            "http_requests", "Requests answered", [*labels, "status"], registry=registry
        )
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Time to the last byte",
            labels,
            registry=registry,
            buckets=BUCKETS,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight", "Requests being answered", registry=registry
        )


class LoopLag:
    """How late the event loop comes to what is due: what holds it up holds up everybody."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram(
            "event_loop_lag_seconds",
            "Delay of a callback that was due, looked at twice a second",
            registry=registry,
            buckets=BUCKETS,
        )

    async def watch(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.seconds.observe(max(0.0, loop.time() - due))


class RequestMiddleware:
    """Outermost: request id in and out, one log line, HTTP metrics by route template."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics, quiet: Collection[str] = ()) -> None:
        self.app = app
        self.metrics = metrics
        self.quiet = frozenset(quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identifier = set_request_id(header(scope, HEADER.lower().encode()))
        status, sent = 500, 0

        async def send_with_id(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (HEADER.lower().encode(), identifier.encode()),
                ]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        started = time.perf_counter()
        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            self.metrics.in_flight.dec()
            self._record(scope, status, sent, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, sent: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"]
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.seconds.labels(method, route).observe(seconds)
        if route in self.quiet:
            return
        identity = scope.get("state", {}).get("identity")
        log.info(
            "request",
            extra={
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "bytes": sent,
                "person_id": identity.person_id if identity else None,
            },
        )


class IdentityMiddleware:
    """Refuses (401) every request without a valid internal identity, health apart."""

    def __init__(self, app: ASGIApp, verifier: Verifier, open_paths: Collection[str]) -> None:
        self.app = app
        self.verifier = verifier
        self.open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Identify the caller, then pass the request on."""
        if scope["type"] != "http" or scope["path"] in self.open_paths:
            await self.app(scope, receive, send)
            return
        _, _, token = (header(scope, b"authorization") or "").partition(" ")
        try:
            scope.setdefault("state", {})["identity"] = self.verifier.verify(token)
        except Problem as problem:
            problem.headers.setdefault("WWW-Authenticate", "Bearer")
            await problem_response(problem, scope["path"])(scope, receive, send)
            return
        await self.app(scope, receive, send)
