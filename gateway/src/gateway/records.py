"""Rows of the schema `gateway`, as the rest of the gateway sees them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chassis.identity import Role


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    person_id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True)
class Grant:
    """A valid session or token: whose it is and what it may do. ``scopes`` None: all."""

    via: Literal["session", "token"]
    person: Person
    agreements: frozenset[str]
    scopes: frozenset[str] | None
    expires_at: datetime
    token_id: str | None = None


@dataclass(frozen=True)
class Token:
    """An API token without its secret; ``hint`` is its last four characters."""

    token_id: str
    person_id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class Agreement:
    """A person's own record of their registration for a dataset, and an admin's confirmation."""

    dataset: str
    registration: str
    recorded_at: datetime
    confirmed_at: datetime | None
    confirmed_by: str | None


@dataclass(frozen=True)
class AuditRow:
    """One access, or ``times`` like accesses within a minute."""

    at: datetime
    person_id: str | None
    action: str
    object: str | None
    status: int
    times: int = 1
    bytes: int = 0
    address: str | None = None
    request_id: str | None = None
