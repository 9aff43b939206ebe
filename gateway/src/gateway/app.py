"""The gateway's application: what stands behind the door, opened and closed with the process."""

import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import aiohttp
import redis.asyncio as valkey
from chassis.app import create_service_app
from chassis.database import Database, install_database_handlers
from chassis.health import Check, Degraded
from chassis.identity import Signer
from chassis.logs import configure_logging, get_logger
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.middleware import Middleware

from gateway import store
from gateway.access import AccessCache
from gateway.api import audit as audit_api
from gateway.api import documents, me, passwords, people, session
from gateway.audit import AuditLog
from gateway.credentials import digest, mint_session
from gateway.door import FrontDoor, Hall
from gateway.limits import Limiter
from gateway.passwords import PasswordPool
from gateway.proxy import CONNECT_S, READ_BUFFER, Proxy, Upstream
from gateway.routes import RouteTable, ServiceName
from gateway.settings import Settings
from gateway.web import WebApp

log = get_logger(__name__)

SETUP_LIFE = timedelta(hours=24)
KEEP_ALIVE_S = 4.0


def create_app(settings: Settings) -> FastAPI:
    """The public application. It opens nothing before its lifespan begins."""
    checks: dict[str, Check] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.hall = hall = await _open_hall(stack, settings, checks)
            _measure(app.state.registry, hall)
            app.state.description = documents.Description()
            app.state.passwords = PasswordPool()
            stack.callback(app.state.passwords.close)
            await _invite_first_admin(hall)
            yield

    app = create_service_app(
        title="EMBED Lab gateway",
        description="Sign-in, people, tokens, agreements and the audit log.",
        routers=[
            documents.router,
            session.router,
            me.router,
            people.router,
            passwords.router,
            audit_api.router,
        ],
        lifespan=lifespan,
        checks=checks,
        identity_jwks=None,
    )
    install_database_handlers(app)
    app.router.redirect_slashes = False  # its redirects go wherever the Host header says
    # Inside the chassis's request middleware, so that forwarded requests are logged like our own.
    app.user_middleware.append(Middleware(FrontDoor, secure=settings.secure))
    return app


def app_from_environment() -> FastAPI:
    """For `uvicorn --factory gateway.app:app_from_environment`."""
    settings = Settings()  # type: ignore[call-arg] # from the environment
    configure_logging("gateway", settings.log_level)
    return create_app(settings)


async def _open_hall(stack: AsyncExitStack, settings: Settings, checks: dict[str, Check]) -> Hall:
    database = Database(settings.database_url)
    stack.push_async_callback(database.close)
    client = _open_cache(settings)
    if client:
        stack.push_async_callback(client.aclose)
        checks["cache"] = client.ping
    limiter = Limiter(client)
    limiter.start()
    stack.push_async_callback(limiter.close)
    keep = timedelta(days=settings.audit_days) if settings.audit_days else None
    audit = AuditLog(database, keep)
    audit.start()
    stack.push_async_callback(audit.close)
    http = await stack.enter_async_context(_open_client())
    upstreams = _upstreams(settings)
    checks["database"] = database.check
    for name, upstream in upstreams.items():
        checks[name] = _readiness_of(http, upstream)
    return Hall(
        settings=settings,
        table=RouteTable(),
        cache=AccessCache(
            database,
            timedelta(minutes=settings.session_idle_minutes),
            settings.access_cache_seconds,
        ),
        signer=Signer(settings.signing_key, "gateway"),
        proxy=Proxy(
            http,
            upstreams,
            settings.secure,
            settings.public_host,
            settings.max_body_bytes,
            settings.max_requests_per_service,
        ),
        limiter=limiter,
        audit=audit,
        web=WebApp(settings.web_root),
    )


def _measure(registry: CollectorRegistry, hall: Hall) -> None:
    """How full the gateway is, beside what every service measures of itself."""
    waiting = Gauge("audit_rows_waiting", "Rows of the audit log to be written", registry=registry)
    waiting.set_function(lambda: hall.audit.waiting)
    labels = ["service"]
    asked = Gauge("service_requests_in_flight", "Requests at a service", labels, registry=registry)
    cut = Gauge("service_cut_off", "1 while a service counts as away", labels, registry=registry)
    for name, upstream in hall.proxy.upstreams.items():
        asked.labels(name).set_function(functools.partial(getattr, upstream, "in_flight"))
        cut.labels(name).set_function(functools.partial(_is_cut_off, upstream))


def _is_cut_off(upstream: Upstream) -> float:
    return float(upstream.breaker.is_open)


def _upstreams(settings: Settings) -> Mapping[ServiceName, Upstream]:
    return {
        "catalog": Upstream("catalog", settings.catalog_url.rstrip("/")),
        "imagery": Upstream("imagery", settings.imagery_url.rstrip("/")),
        "trainer": Upstream("trainer", settings.trainer_url.rstrip("/")),
    }


def _open_cache(settings: Settings) -> "valkey.Redis | None":
    if settings.cache_url is None:
        return None
    # No retries: limits fail open at once, and the next round is a quarter of a second away.
    return valkey.Redis.from_url(
        settings.cache_url,
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
    )


def _open_client() -> aiohttp.ClientSession:
    # Idle connections end before the services' own five seconds, so that none is used too late.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S)
    client = aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=READ_BUFFER,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
    )
    # aiohttp repeats PUT and DELETE by itself where a connection is lost; the proxy decides that.
    client._retry_connection = False
    return client


def _readiness_of(client: aiohttp.ClientSession, upstream: Upstream) -> Check:
    async def check() -> None:
        async with client.get(f"{upstream.url}/readyz") as response:
            found = await response.json()
        failed = [
            name
            for name, dependency in found.get("dependencies", {}).items()
            if dependency.get("state") != "ok"
        ]
        if response.status != 200:
            raise RuntimeError(f"not ready: {', '.join(failed)}")
        if failed:
            raise Degraded(f"degraded: {', '.join(failed)}")

    return check


async def _invite_first_admin(hall: Hall) -> None:
    """Where nobody has an account, write a one-time token to the log."""
    token = mint_session()
    async with hall.cache.database.transaction() as transaction:
        invited = await store.invite_first_admin(transaction, digest(token), SETUP_LIFE)
    if invited:
        log.warning(
            "nobody has an account yet: create the first admin with this one-time token",
            extra={"setup_token": token, "page": f"/setup#{token}"},
        )
