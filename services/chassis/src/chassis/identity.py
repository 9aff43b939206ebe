"""Who is asking: short-lived tokens that the gateway (or the trainer, for a job) signs.

A service holds only public keys, as a JWKS file that may change while it runs (rotation): an
unknown key id makes it read the file again. The key set says whose each key is (its issuer).
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import Depends, Request

from chassis.problems import Problem

Role = Literal["reader", "researcher", "admin"]

AUDIENCE = "embedlab-internal"
LIFETIME_S = 60
LEEWAY_S = 5
_ranks: dict[str, int] = {role: rank for rank, role in enumerate(get_args(Role))}
_cached_tokens = 4096


@dataclass(frozen=True)
class Identity:
    """A person, as the signed token names them; ``job_id`` is set where a job acts for them."""

    person_id: str
    name: str
    role: Role
    scopes: frozenset[str] = frozenset()
    agreements: frozenset[str] = frozenset()
    job_id: str | None = None
    cohort_id: str | None = None

    def has_role(self, least: Role) -> bool:
        """Whether the person's role is ``least`` or a higher one."""
        return _ranks[self.role] >= _ranks[least]


def _thumbprint(key: Ed25519PublicKey) -> tuple[str, str]:
    """(x, kid) of a public key: RFC 8037 coordinates and RFC 7638 thumbprint."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    canonical = json.dumps(
        {"crv": "Ed25519", "kty": "OKP", "x": x}, sort_keys=True, separators=(",", ":")
    )
    digest = hashlib.sha256(canonical.encode()).digest()
    return x, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Signer:
    """Signs identities with one private key (Ed25519, PEM)."""

    def __init__(self, key_path: Path, issuer: str) -> None:
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{key_path} holds no Ed25519 private key")
        self._key = key
        self._kid = _thumbprint(key.public_key())[1]
        self.issuer = issuer

    def sign(self, identity: Identity, lifetime_s: int = LIFETIME_S) -> str:
        """A token for ``identity``, valid for ``lifetime_s`` seconds from now."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + lifetime_s,
            "jti": uuid.uuid4().hex,
            "sub": identity.person_id,
            "name": identity.name,
            "role": identity.role,
            "scopes": sorted(identity.scopes),
            "agreements": sorted(identity.agreements),
            "job_id": identity.job_id,
            "cohort_id": identity.cohort_id,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._kid})


@dataclass
class Verifier:
    """Checks tokens against a key set file."""

    jwks_path: Path
    _keys: dict[str, tuple[Ed25519PublicKey, str]] = field(default_factory=dict)
    _read_at: tuple[int, int] = (0, 0)
    _seen: dict[str, tuple[float, Identity]] = field(default_factory=dict)

    def verify(self, token: str) -> Identity:
        """The identity in ``token``; a 401 problem where it is not valid."""
        known = self._seen.get(token)
        if known and known[0] > time.time():
            return known[1]
        try:
            claims = self._claims(token)
            identity = _identity(claims)
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise Problem(
                401, "Not identified", detail="The internal identity is missing, expired or wrong."
            ) from error
        # An Ed25519 check costs about 0.1 ms; the gateway sends one token for many requests.
        if len(self._seen) >= _cached_tokens:
            self._seen.clear()
        self._seen[token] = (float(claims["exp"]), identity)
        return identity

    def _claims(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token).get("kid", "")
        if kid not in self._keys:
            self._reload()
        key, issuer = self._keys[kid]
        return jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=AUDIENCE,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "iss", "aud"]},
        )

    def _reload(self) -> None:
        stat = self.jwks_path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if stamp == self._read_at:
            return
        keys = json.loads(self.jwks_path.read_text())["keys"]
        self._keys = {k["kid"]: (_public_key(k["x"]), k["issuer"]) for k in keys}
        self._read_at = stamp
        self._seen.clear()


def _public_key(x: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


def _identity(claims: dict[str, Any]) -> Identity:
    if claims["role"] not in _ranks:
        raise ValueError("unknown role")
    return Identity(
        person_id=claims["sub"],
        name=claims["name"],
        role=cast(Role, claims["role"]),
        scopes=frozenset(claims["scopes"]),
        agreements=frozenset(claims["agreements"]),
        job_id=claims["job_id"],
        cohort_id=claims["cohort_id"],
    )


async def current_identity(request: Request) -> Identity:
    """Dependency: the caller, as the identity middleware found them.

    A coroutine, because FastAPI sends plain functions through a thread, at a third of a warm
    request's time.
    """
    identity: Identity = request.state.identity
    return identity


Caller = Annotated[Identity, Depends(current_identity)]


def require_role(least: Role) -> Callable[[Identity], Awaitable[Identity]]:
    """Dependency factory: the caller, who must have role ``least`` or a higher one."""

    async def check(identity: Caller) -> Identity:
        if not identity.has_role(least):
            raise Problem(403, "Not permitted", detail=f"This needs the role {least}.")
        return identity

    return check


def require_agreement(identity: Identity, name: str, *, restricted: bool) -> None:
    """Refuse (403) what is restricted to people with a confirmed agreement named ``name``."""
    if restricted and name not in identity.agreements:
        raise Problem(
            403,
            "Agreement needed",
            type="urn:embedlab:agreement-needed",
            detail=f"Access to {name} needs your recorded agreement, confirmed by an admin. "
            "Record it with PUT /api/v1/me/agreement.",
        )


def generate_key(path: Path) -> None:
    """Write a new Ed25519 private key (PEM, mode 0600) to ``path``."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.touch(mode=0o600)
    path.write_bytes(pem)


def write_jwks(path: Path, keys: Iterable[tuple[Path, str]]) -> None:
    """Write the key set of (private key file, issuer) pairs to ``path``."""
    entries = []
    for key_path, issuer in keys:
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        x, kid = _thumbprint(key.public_key())
        entries.append(
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x, "kid": kid}
            | {"issuer": issuer}
        )
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"keys": entries}, indent=2))
    part.replace(path)
