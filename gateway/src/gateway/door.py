"""The front door: what happens to each request before anything else sees it.

One ASGI middleware, so that the way to a service stays clear of the web framework. It decides
whether a request is for a service, for the gateway's own API or for the web app; identifies the
caller; checks CSRF, scope and rates; and gives every response its security headers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.identity import Signer
from chassis.logs import get_logger, request_id
from chassis.problems import Problem, problem_response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access import Access, AccessCache, check_csrf, credentials_of, unknown_credentials
from gateway.audit import AuditLog
from gateway.bodies import CallerGone, body_too_large, limited
from gateway.cors import is_preflight, preflight_response, readable
from gateway.credentials import Scope as TokenScope
from gateway.headers import Raw, policy_for, security_headers, value_of
from gateway.limits import Limiter
from gateway.proxy import Answered, BrokenOff, Proxy
from gateway.records import AuditRow
from gateway.routes import Route, RouteTable
from gateway.settings import Settings
from gateway.web import WebApp

log = get_logger(__name__)

# The parts of the gateway's own API that nobody needs to be signed in for.
OPEN = frozenset(
    {
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("POST", "/api/v1/session"),
        ("POST", "/api/v1/setup"),
        ("PUT", "/api/v1/password"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/docs"),
        ("GET", "/api/docs/docs.js"),
        ("GET", "/api/docs/docs.css"),
    }
)
HEALTH = ("/livez", "/readyz")
SERVED_PREFIXES = ("/api", "/iiif", "/dicomweb", "/compat", "/internal", "/metrics")
MOST_HEADER_BYTES = 32 * 1024
MOST_OWN_BODY = 64 * 1024


@dataclass
class Hall:
    """What stands behind the door; opened by the application's lifespan."""

    settings: Settings
    table: RouteTable
    cache: AccessCache
    signer: Signer
    proxy: Proxy
    limiter: Limiter
    audit: AuditLog
    web: WebApp


class FrontDoor:
    """Outermost but for request ids and logs."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self._secured = security_headers(secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        hall: Hall = scope["app"].state.hall
        route = hall.table.find(scope["path"])
        try:
            check_request(scope, hall.settings.max_body_bytes)
            if is_preflight(route, scope["method"]):
                await preflight_response()(scope, receive, self._securing(send))
            elif route:
                scope["route"] = route
                await _to_service(hall, route, scope, receive, send)
            else:
                await self._to_us(hall, scope, receive, send)
        except Problem as problem:
            answer = problem_response(readable(problem, route), scope["path"])
            await answer(scope, receive, self._securing(send))
        except CallerGone:
            return
        except BrokenOff as broken:
            # Left unfinished, the answer makes the server close the connection: that is the sign.
            log.warning("a service broke off", extra={"kind": str(broken)})

    async def _to_us(self, hall: Hall, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        secured = self._securing(send)
        receive = limited(receive, MOST_OWN_BODY)
        if (scope["method"], path) in OPEN:
            if path not in HEALTH:
                _limit_address(hall, scope)
            await self.app(scope, receive, secured)
        elif path.startswith(SERVED_PREFIXES):
            access = await _identify_or_refuse(hall, scope)
            scope["state"]["access"] = access
            if path == "/metrics":
                require_admin(access)
            await self.app(scope, receive, secured)
        else:
            await hall.web(scope, receive, secured)

    def _securing(self, send: Send) -> Send:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[Raw] = list(message.get("headers", ()))
                policy = policy_for(headers)
                message["headers"] = [*headers, *self._secured, *([policy] if policy else [])]
            await send(message)

        return secured


async def _to_service(hall: Hall, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
    access = await _identify_or_refuse(hall, scope)
    method: str = scope["method"]
    require_scope(access, route.scope(method))
    kind = route.audited(method)
    if kind == "row":
        hall.audit.require_room()
    bearer = access.bearer(hall.signer, hall.cache.clock())
    answered = await hall.proxy.forward(route, bearer, scope, receive, send)
    if kind:
        _note(hall, route, access, scope, answered)


def _note(hall: Hall, route: Route, access: Access, scope: Scope, answered: Answered) -> None:
    method: str = scope["method"]
    action = route.action_of(method)
    path: str = scope["path"]
    if route.audited(method) == "sum":
        if answered.status < 400:
            hall.audit.add(access.identity.person_id, action, answered.subject, answered.size)
        return
    hall.audit.record(
        AuditRow(
            at=datetime.now(UTC),
            person_id=access.identity.person_id,
            action=action,
            object=(path if action == route.action else f"{method} {path}")[:500],
            status=answered.status,
            bytes=answered.size,
            address=client_address(scope),
            request_id=request_id(),
        )
    )


async def _identify_or_refuse(hall: Hall, scope: Scope) -> Access:
    try:
        credentials = credentials_of(scope["headers"])
        access = await hall.cache.find(credentials)
        if access is None:
            raise unknown_credentials("Sign in with POST /api/v1/session, or send an API token.")
    except Problem:
        _limit_address(hall, scope)
        raise
    scope.setdefault("state", {})["identity"] = access.identity
    given = value_of(scope["headers"], b"x-csrf-token")
    check_csrf(scope["method"], credentials, given.decode("latin-1") if given else None)
    hall.limiter.count(access.identity.person_id, hall.settings.person_requests_per_minute)
    return access


def require_admin(access: Access) -> None:
    """Refuse (403) everybody but an admin, and an admin's token without the scope for it."""
    if not access.identity.has_role("admin"):
        raise Problem(403, "Not permitted", detail="This needs the role admin.")
    require_scope(access, "admin")


def require_scope(access: Access, needed: TokenScope) -> None:
    """Refuse (403) an API token that lacks a scope."""
    if needed not in access.identity.scopes:
        raise Problem(
            403, "Scope missing", detail=f"This needs an API token with the scope {needed!r}."
        )


def refuse_other_sites(scope: Scope) -> None:
    """A form on another site must not sign somebody in as somebody else."""
    if value_of(scope["headers"], b"sec-fetch-site") == b"cross-site":
        raise Problem(403, "Not from another site", detail="Sign in on this server's own page.")


def client_address(scope: Scope) -> str:
    """The caller's address, as the server (or a proxy it trusts) sees it."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _limit_address(hall: Hall, scope: Scope) -> None:
    address = client_address(scope)
    hall.limiter.count(f"address {address}", hall.settings.address_requests_per_minute)


def check_request(scope: Scope, most_body: int) -> None:
    """Refuse what no honest client sends, and bodies that announce to be too large."""
    path: str = scope["path"]
    if "/." in path and any(part in (".", "..") for part in path.split("/")):
        raise Problem(400, "Bad path", detail="A path has no segments '.' and '..'.")
    if "\\" in path or "\x00" in path or "//" in path:
        raise Problem(400, "Bad path", detail="A path has no backslash, NUL or empty segment.")
    size = 0
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if name == b"content-length" and int(value) > most_body:
            raise body_too_large(most_body)
    if size > MOST_HEADER_BYTES:
        raise Problem(431, "Request headers too large")
