"""The whole stack: the one that runs here, or one of our own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stack:
    """A running stack, and how to sign in to it."""

    url: str
    email: str
    password: str

    def processes(self) -> dict[str, dict[str, Any]]:
        """The supervised processes by name."""
        report = devstack("status", "--json")
        return {p["name"]: p for p in json.loads(report.stdout)["processes"]}

    def readiness(self) -> dict[str, Any] | None:
        """The gateway's ``/readyz``; None where nobody answers."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False)
        except httpx.TransportError:
            return None
        body: dict[str, Any] = answer.json()
        return body

    def signed_in(self) -> httpx.Client:
        """A client with a session, its CSRF token sent along."""
        client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        answer = client.post(
            "/api/v1/session", json={"email": self.email, "password": self.password}
        )
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client


def devstack(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the devstack's command in the repository's root."""
    command = [sys.executable, "-m", "devstack", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack under test. One that was running before is left running."""
    was_running = json.loads(devstack("status", "--json").stdout)["running"]
    port = os.environ.get("PORT") or str(free_port())
    up = devstack("up", "--detach", "--port", port)
    assert up.returncode == 0, up.stdout[-4000:] + up.stderr[-4000:]
    yield Stack(**json.loads(up.stdout.strip().splitlines()[-1]))
    if not was_running:
        devstack("down")


def wait_until(condition: Any, seconds: float, interval: float = 0.05) -> bool:
    """Whether ``condition()`` came true within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(interval)
    return False
