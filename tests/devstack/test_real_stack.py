"""The whole stack without demo data: every service is killed once and comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from devstack.ports import choose_ports
from devstack.probes import get, get_json
from devstack.throwaway import scratch_folder

pytestmark = [pytest.mark.stack, pytest.mark.slow]

# The stack promises ten seconds on a free machine; tests share theirs with others.
WITHIN_S = 60.0


def devstack(*arguments: str, data: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "devstack", *arguments, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def status(data: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(devstack("status", "--json", data=data).stdout)
    return told


@pytest.fixture(scope="module")
def stack() -> Iterator[Path]:
    with scratch_folder() as folder:
        data, port = folder / ".devstack", choose_ports(1)[0]
        up = devstack("up", "--detach", "--no-demo", "--port", str(port), data=data)
        running: list[psutil.Process] = []
        try:
            assert up.returncode == 0, up.stdout + up.stderr
            yield data
            supervisor = psutil.Process(status(data)["supervisor"]["pid"])
            running = [supervisor, *supervisor.children(recursive=True)]
        finally:
            devstack("down", data=data)
        assert [p for p in running if p.is_running()] == []


def unready(port: int) -> set[str]:
    """What the gateway's /readyz says is not ready; the gateway itself where it does not answer."""
    told = get_json(port, "/readyz")
    if told is None:
        return {"gateway"}
    return {name for name, found in told["dependencies"].items() if found["state"] != "ok"}


@pytest.mark.parametrize("name", ["catalog", "imagery", "trainer", "gateway"])
def test_readyz_names_a_killed_service_and_the_stack_brings_it_back(stack: Path, name: str) -> None:
    state = status(stack)
    port = int(state["url"].rpartition(":")[2])
    before = {p["name"]: p for p in state["processes"]}[name]
    assert unready(port) == set()
    os.kill(before["pid"], signal.SIGKILL)
    killed, named = time.monotonic(), False
    while time.monotonic() - killed < WITHIN_S:
        missing = unready(port)
        named = named or name in missing
        now = {p["name"]: p for p in status(stack)["processes"]}[name]
        if named and not missing and now["state"] == "ready":
            break
        time.sleep(0.1)
    assert named
    assert now["pid"] != before["pid"]
    assert now["restarts"] == before["restarts"] + 1
    assert get(port, "/readyz")[0] == 200


def test_the_worker_comes_back(stack: Path) -> None:
    before = {p["name"]: p for p in status(stack)["processes"]}["worker"]
    os.kill(before["pid"], signal.SIGKILL)
    deadline = time.monotonic() + WITHIN_S
    now = before
    while now["state"] != "ready" or now["pid"] == before["pid"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        now = {p["name"]: p for p in status(stack)["processes"]}["worker"]
    assert now["restarts"] == before["restarts"] + 1


def test_accounts_were_made(stack: Path) -> None:
    kept = json.loads((stack / "credentials.json").read_text())
    assert kept["created"]
    assert [person["role"] for person in kept["people"]] == ["admin", "researcher"]
    assert (stack / "credentials.json").stat().st_mode & 0o077 == 0
