"""`embedlab doctor`: what is wrong, and what to do about it."""

import argparse
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

import embedlab
from embedlab import credentials
from embedlab.commands.types import Commands
from embedlab.errors import ApiError, LabError, NotSignedIn
from embedlab.terminal import say
from embedlab.transport import Transport, environment, normal_url

MOST_SKEW_S = 10.0
NOT_THERE = "Is it running (make demo, make up)? Is the address right, and no firewall between?"
UNKNOWN_AUTHORITY = (
    "This machine does not know who signed the server's certificate: let SSL_CERT_FILE name the "
    "authority's own (docs/operations.md, TLS)."
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``advice`` where it is not well."""

    name: str
    well: bool
    what: str
    advice: str | None = None


def add(commands: Commands) -> None:
    """Declare the command."""
    doctor = commands.add_parser("doctor", help="check address, sign-in, clock and services")
    doctor.add_argument("--url")
    doctor.set_defaults(run=run_doctor)


def run_doctor(given: argparse.Namespace) -> int:
    """Print every finding; 1 where one is not well."""
    worst = 0
    for finding in examine(given.url):
        say(f"{'ok  ' if finding.well else 'FAIL'}  {finding.name:<22} {finding.what}")
        if finding.advice:
            say(f"      -> {finding.advice}")
        worst |= not finding.well
    return int(worst)


def examine(url: str | None) -> Iterator[Finding]:
    """Look at one thing after the other, from here towards the server."""
    yield Finding(
        "versions",
        True,
        f"embedlab {embedlab.__version__}, Python {platform.python_version()}, "
        f"httpx {httpx.__version__}",
    )
    token: str | None = None
    address = url or environment("EMBEDLAB_URL")
    try:
        kept = credentials.find(url)
        address, token = kept.url, kept.token
    except LabError as error:
        advice = f"embedlab login --url {address or 'http://server:8080'}"
        yield Finding("credentials", False, str(error), advice)
    if address is None:
        return
    transport = Transport(normal_url(address), timeout=10.0)
    try:
        yield from _examine_server(transport, token)
    finally:
        transport.close()


def _examine_server(transport: Transport, token: str | None) -> Iterator[Finding]:
    try:
        skew = transport.clock_skew_s()
    except (LabError, KeyError, ValueError) as error:
        unknown = "CERTIFICATE_VERIFY_FAILED" in str(error)
        yield Finding("server", False, str(error), UNKNOWN_AUTHORITY if unknown else NOT_THERE)
        return
    yield Finding("server", True, f"{transport.url} answers")
    yield _clock(skew)
    yield from _services(transport)
    if token:
        transport.headers["Authorization"] = f"Bearer {token}"
        yield _attempt("sign-in", lambda: _sign_in(transport))
        yield _attempt("datasets", lambda: _datasets(transport))
        yield _attempt("workers", lambda: _workers(transport))


def _clock(skew: float) -> Finding:
    well = abs(skew) <= MOST_SKEW_S
    side = "ahead of" if skew > 0 else "behind"
    what = f"the server is {abs(skew):.0f} s {side} this machine"
    advice = "Set both clocks by NTP; identities between services live for one minute."
    return Finding("clock", well, what if not well else "in step", None if well else advice)


# What the services call what they need, and what to do where it is missing.
ADVICE = {
    "database": "Is PostgreSQL up, and is ..._DATABASE_URL right?",
    "objects": "Is the object store up? Is the bucket there, and may the keys read (and, for the "
    "artifacts' bucket, write) it? S3_ENDPOINT_URL, S3_REGION and the secrets say where and who.",
    "broker": "Is the broker's Valkey up?",
    "cache": "Is the cache's Valkey up? Pictures still come, more slowly.",
    "worker": "No worker is running: start one (docker compose up -d worker); jobs wait meanwhile.",
    "disk": "Free some space, or lower IMAGERY_DISK_CACHE_BYTES.",
}


def _services(transport: Transport) -> Iterator[Finding]:
    for name, found in transport.readiness()["dependencies"].items():
        if found["state"] == "ok":
            yield Finding(name, True, "ok")
            continue
        detail = found.get("detail") or found["state"]
        named = [advice for word, advice in ADVICE.items() if word in (name, *_words(detail))]
        log = f"See the log of {name} (make logs, or .devstack/logs), or restart it."
        yield Finding(name, False, detail, " ".join(named) or log)


def _words(detail: str) -> list[str]:
    """The dependencies that a service's detail names: `degraded: cache, disk`."""
    return detail.rpartition(": ")[2].replace(",", " ").split()


def _attempt(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except NotSignedIn as error:
        return Finding(name, False, str(error), f"embedlab login --url {_address()}")
    except ApiError as error:
        advice = f"Tell an administrator the request id {error.request_id}."
        return Finding(name, False, str(error), advice)
    except LabError as error:
        return Finding(name, False, str(error), "See the services above.")


def _address() -> str:
    try:
        return credentials.find().url
    except LabError:
        return "URL"


def _sign_in(transport: Transport) -> Finding:
    me: dict[str, Any] = transport.json("GET", "/api/v1/me")
    person = me["person"]
    scopes = ", ".join(me["scopes"])
    what = f"{person['email']}, {person['role']}; scopes {scopes}; until {me['expires_at']}"
    return Finding("sign-in", True, what)


def _datasets(transport: Transport) -> Finding:
    found: list[dict[str, Any]] = transport.json("GET", "/api/v1/datasets")["items"]
    served = [d["name"] for d in found if d.get("revision")]
    advice = "Ingest one: embedlab ingest --help"
    what = ", ".join(served) or "none is served"
    return Finding("datasets", bool(served), what, None if served else advice)


def _workers(transport: Transport) -> Finding:
    found: list[dict[str, Any]] = transport.json("GET", "/api/v1/workers")["items"]
    living = [worker for worker in found if worker["state"] != "lost"]
    devices = ", ".join(f"{w['name']} on {w['about'].get('device', 'cpu')}" for w in living)
    return Finding("workers", bool(living), devices or "none", None if living else ADVICE["worker"])
