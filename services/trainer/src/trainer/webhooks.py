"""Telling another server that a job has ended, without becoming a way into the network.

Only hosts that a setting names are called, at addresses that are public or in networks that a
setting names. The name is resolved once, every address is checked, and the connection goes to what
was checked: a name that resolves to something else a moment later gains nothing. Redirects are not
followed, the answer's body is not read, and a call has a deadline. What came of it is kept with the
job, and a call that failed is made again.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from chassis.database import Database, database_problem, driver
from chassis.logs import get_logger
from chassis.problems import invalid

from trainer import store
from trainer.schemas import Job
from trainer.settings import TrainerSettings

LOOK_S = 1.0
CALL_S = 10.0
RETRIES_S = (10, 60, 300, 1800)
"""Seconds before each further call; after the last one it is given up."""

log = get_logger(__name__)


class WebhookRefused(OSError):
    """The address must not be called; an OSError, as aiohttp expects of a resolver."""


@dataclass(frozen=True)
class Rules:
    """Whom this server may call."""

    hosts: tuple[str, ...]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    @classmethod
    def of(cls, settings: TrainerSettings) -> "Rules":
        """As the settings say."""
        networks = tuple(map(ipaddress.ip_network, words(settings.webhook_networks)))
        return cls(words(settings.webhook_hosts.lower()), networks)

    def check_url(self, url: str) -> None:
        """Raises Problem (422) where a job may not name this address."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise invalid("webhook", str(error)) from error
        if parts.scheme not in ("http", "https") or not host or port == 0:
            raise invalid("webhook", "not an http or https address", ["https://host/path"])
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise invalid("webhook", "has a user, a password or a fragment")
        if not self.hosts:
            raise invalid("webhook", "TRAINER_WEBHOOK_HOSTS allows none")
        if not any(fnmatchcase(host, allowed) for allowed in self.hosts):
            raise invalid("webhook", f"host {host} is not allowed here", list(self.hosts))

    def check_address(self, text: str) -> None:
        """Raises WebhookRefused where nothing there may be called."""
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        named = any(address in network for network in self.networks)
        if not named and (not address.is_global or address.is_multicast):
            raise WebhookRefused(f"address {address} is not public and in no allowed network")


def words(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


class CheckedResolver(AbstractResolver):
    """Gives addresses that have been checked, all of them or none."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of ``host``; also a literal one is checked."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        for *_, address in found:
            self._rules.check_address(str(address[0]))
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, proto, _, address in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing to close."""


def sign(secret: str, moment: int, body: bytes) -> str:
    """HMAC-SHA256 over "TIME.BODY", as hexadecimal digits."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def describe_end(job: Job) -> bytes:
    """What is told: nothing that would need permission to see."""
    told = {
        "event": "job.ended",
        "job_id": job.job_id,
        "name": job.name,
        "experiment": job.experiment,
        "state": job.state,
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
    }
    return json.dumps(told).encode()


async def call(settings: TrainerSettings, url: str, body: bytes) -> int:
    """The status that the other server answered. Raises OSError or aiohttp.ClientError."""
    rules = Rules.of(settings)
    host = urlsplit(url).hostname or ""
    if _is_literal(host):  # aiohttp asks no resolver about these
        rules.check_address(host)
    moment = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "embedlab-trainer",
        "X-EmbedLab-Timestamp": str(moment),
        "X-EmbedLab-Signature": f"sha256={sign(settings.webhook_secret or '', moment, body)}",
    }
    connector = aiohttp.TCPConnector(resolver=CheckedResolver(rules), use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(total=CALL_S)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
        http.post(url, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def deliver(database: Database, settings: TrainerSettings) -> int:
    """Make the calls that are due; how many."""
    async with database.transaction() as session:
        due = await store.take_webhooks(session, CALL_S * 2)
        found = await store.find_jobs(await driver(session), list(due))
    jobs = {job.job_id: job for job in found}
    for job_id, webhook in due.items():
        outcome = await _try(settings, webhook["url"], describe_end(jobs[job_id]))
        values = settle(webhook["attempts"], *outcome)
        async with database.transaction() as session:
            await store.write_webhook(session, job_id, values)
        log.info("webhook called", extra={"job_id": job_id, **values})
    return len(due)


async def _try(settings: TrainerSettings, url: str, body: bytes) -> tuple[int | None, str | None]:
    """(status, what went wrong)."""
    try:
        status = await call(settings, url, body)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        cause = getattr(error, "os_error", error)  # a refused address is within aiohttp's error
        return None, f"{type(cause).__name__}: {cause}"[:300]
    return status, None if 200 <= status < 300 else f"answered {status}"


def settle(attempts: int, status: int | None, error: str | None) -> dict[str, Any]:
    """What is kept of a call; ``attempts`` counts it."""
    over = attempts > len(RETRIES_S)
    state = "delivered" if error is None else "failed" if over else "pending"
    wait_s = 0 if over else RETRIES_S[attempts - 1]
    return {"state": state, "status": status, "error": error, "again_at": time.time() + wait_s}


def pending(url: str) -> dict[str, Any]:
    """What a job keeps of a webhook before its end."""
    return {"url": url, "state": "pending", "attempts": 0, "again_at": 0}


async def deliver_forever(database: Database, settings: TrainerSettings) -> None:
    """Beside the API: a slow server delays other webhooks and nothing else."""
    while settings.webhook_hosts:
        try:
            await deliver(database, settings)
        except Exception as error:
            unexpected = database_problem(error) is None
            log.warning("webhooks interrupted", exc_info=error if unexpected else None)
        await asyncio.sleep(LOOK_S)
