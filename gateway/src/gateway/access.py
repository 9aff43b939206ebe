"""Who is asking: the grant behind a cookie or an API token, looked up at most every few seconds.

A revocation clears the cache of the process that answers it, so it holds there at once; other
processes of the gateway notice within `access_cache_seconds`.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from asyncpg import PostgresError
from chassis.database import Database, database_problem
from chassis.identity import LIFETIME_S, Identity, Signer
from chassis.problems import Problem
from sqlalchemy.exc import SQLAlchemyError

from gateway import store
from gateway.credentials import SCOPES, TOKEN_PREFIX, cookie_value, csrf_matches, digest
from gateway.records import Grant

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_most_entries = 10_000


@dataclass
class Access:
    """A grant in use: its identity, and the signed form of it for the services."""

    grant: Grant
    identity: Identity
    valid_until: float
    fresh_until: float
    _bearer: str = ""
    _bearer_until: float = 0.0

    def bearer(self, signer: Signer, now: float) -> str:
        """`Bearer <internal identity>`, signed anew when half of its life is over."""
        if now >= self._bearer_until:
            self._bearer = f"Bearer {signer.sign(self.identity)}"
            self._bearer_until = now + LIFETIME_S / 2
        return self._bearer


def to_access(grant: Grant, now: float, fresh_s: float) -> Access:
    """``grant`` as of the wall-clock time ``now``."""
    person = grant.person
    identity = Identity(
        person_id=person.person_id,
        name=person.name,
        role=person.role,
        scopes=frozenset(SCOPES) if grant.scopes is None else grant.scopes,
        agreements=grant.agreements,
    )
    return Access(grant, identity, grant.expires_at.timestamp(), now + fresh_s)


@dataclass(frozen=True)
class Credentials:
    """What a request carries: the value of its session cookie or its API token."""

    session: str | None = None
    token: str | None = None


def credentials_of(headers: Iterable[tuple[bytes, bytes]]) -> Credentials:
    """The credentials among raw request headers. An API token counts before a cookie."""
    cookie: str | None = None
    for name, value in headers:
        if name == b"authorization":
            scheme, _, secret = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer" or not secret.startswith(TOKEN_PREFIX):
                raise unknown_credentials("Send `Authorization: Bearer elab_...`.")
            return Credentials(token=secret)
        if name == b"cookie" and cookie is None:
            cookie = cookie_value(value.decode("latin-1"))
    return Credentials(session=cookie)


def unknown_credentials(detail: str) -> Problem:
    """A 401 that says how to sign in."""
    return Problem(401, "Not signed in", detail=detail, headers={"WWW-Authenticate": "Bearer"})


def check_csrf(method: str, credentials: Credentials, given: str | None) -> None:
    """Refuse (403) a change that a cookie alone asks for."""
    if method in SAFE_METHODS or credentials.session is None:
        return
    if not csrf_matches(credentials.session, given):
        raise Problem(
            403,
            "CSRF token missing or wrong",
            detail="Send the csrf_token of your session as the header X-CSRF-Token.",
        )


@dataclass
class AccessCache:
    """Looks grants up, and remembers them for ``fresh_s`` seconds."""

    database: Database
    idle: timedelta
    fresh_s: float
    clock: Callable[[], float] = time.time
    _known: dict[str, Access] = field(default_factory=dict)

    async def find(self, credentials: Credentials) -> Access | None:
        """The access behind ``credentials``; None without any, a 401 where they are not valid."""
        secret = credentials.token or credentials.session
        if secret is None:
            return None
        known = self._known.get(secret)
        now = self.clock()
        if known and now < known.fresh_until and now < known.valid_until:
            return known
        return await self._look_up(credentials, secret, known)

    async def _look_up(
        self, credentials: Credentials, secret: str, former: Access | None
    ) -> Access:
        try:
            grant = await self._read(credentials, digest(secret))
        except (SQLAlchemyError, PostgresError, OSError, TimeoutError) as error:
            # The front door stands before the handlers of the application.
            problem = database_problem(error)
            if problem is None:
                raise
            raise problem from error
        if grant is None:
            self._known.pop(secret, None)
            what = "API token" if credentials.token else "session"
            raise unknown_credentials(f"The {what} is unknown, expired or revoked. Sign in again.")
        return self._remember(secret, grant, former)

    async def _read(self, credentials: Credentials, key: bytes) -> Grant | None:
        async with self.database.transaction() as session:
            if credentials.token:
                return await store.find_token(session, key)
            return await store.find_session(session, key, self.idle)

    def _remember(self, secret: str, grant: Grant, former: Access | None) -> Access:
        access = to_access(grant, self.clock(), self.fresh_s)
        if former and former.identity == access.identity:
            former.grant, former.valid_until = access.grant, access.valid_until
            former.fresh_until = access.fresh_until
            access = former
        if len(self._known) >= _most_entries:
            self._known.clear()
        self._known[secret] = access
        return access

    def forget(self) -> None:
        """Look everybody up again: something was revoked or changed."""
        self._known.clear()
