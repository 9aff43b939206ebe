"""Secrets that people carry: session cookies, API tokens, CSRF tokens. Only digests are stored."""

import hashlib
import hmac
import secrets
from typing import Literal, get_args

COOKIE = "embedlab_session"
TOKEN_PREFIX = "elab_"  # noqa: S105 - the public mark of our tokens, for secret scanners

Scope = Literal["read", "write", "export", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
SCOPE_MEANINGS: dict[Scope, str] = {
    "read": "look at records, pictures, cohorts and jobs",
    "write": "create cohorts, queries and flags; submit and cancel jobs",
    "export": "take away originals, exports and weights",
    "admin": "ingest, people, audit log and metrics, where the role permits",
}


def mint_session() -> str:
    """The value of a new session cookie (256 bits)."""
    return secrets.token_urlsafe(32)


def mint_token() -> str:
    """A new API token (256 bits)."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored of a secret. Plain SHA-256: the secrets are random, not chosen by people."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_token(session: str) -> str:
    """The CSRF token of a session: derived from it, so that it needs no place of its own."""
    return hmac.new(session.encode(), b"embedlab csrf", hashlib.sha256).hexdigest()


def csrf_matches(session: str, given: str | None) -> bool:
    """Whether ``given`` is the session's CSRF token; takes the same time either way."""
    return hmac.compare_digest(csrf_token(session).encode(), (given or "").encode())


def cookie_value(header: str | None) -> str | None:
    """The session in a `Cookie` header, if there is one."""
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value or None
    return None


def set_cookie(session: str, max_age_s: int, *, secure: bool) -> str:
    """`Set-Cookie` for a session; ``max_age_s`` 0 removes it."""
    flags = "; Secure" if secure else ""
    return f"{COOKIE}={session}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{flags}"
