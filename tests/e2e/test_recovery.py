"""Kill one process after another: ``/readyz`` names it, and the stack brings it back."""

import os
import signal
import time
from contextlib import closing

import pytest

from .conftest import Stack, wait_until

# The promise is ten seconds on a free machine (what it took is printed); tests may share theirs.
BACK_WITHIN_S = 60.0

# Process of the stack -> the dependencies of which /readyz must name at least one.
NAMED_AS = {
    "catalog": {"catalog"},
    "imagery": {"imagery"},
    "trainer": {"trainer"},
    "worker": {"trainer", "worker"},
    "postgres": {"database", "catalog", "trainer"},
    "broker": {"trainer"},
    "cache": {"cache", "imagery"},
    "s3": {"imagery", "trainer"},
}


def failed(stack: Stack) -> set[str]:
    """Names of the dependencies that are not ok."""
    found = stack.readiness()
    if found is None:
        return set()
    return {name for name, state in found["dependencies"].items() if state["state"] != "ok"}


def is_ready(stack: Stack) -> bool:
    found = stack.readiness()
    return found is not None and found["state"] == "ready"


@pytest.mark.stack
@pytest.mark.parametrize("name", NAMED_AS)
def test_a_killed_process_is_named_and_comes_back(stack: Stack, name: str) -> None:
    assert wait_until(lambda: is_ready(stack), 30)
    before = stack.processes()[name]["pid"]
    os.kill(before, signal.SIGKILL)
    killed = time.monotonic()
    assert wait_until(lambda: bool(failed(stack) & NAMED_AS[name]), BACK_WITHIN_S), "not named"
    assert wait_until(lambda: is_ready(stack), BACK_WITHIN_S), f"not back: {stack.readiness()}"
    print(f"{name} was back after {time.monotonic() - killed:.1f} s")
    assert stack.processes()[name]["pid"] != before


@pytest.mark.stack
def test_a_killed_gateway_comes_back(stack: Stack) -> None:
    before = stack.processes()["gateway"]["pid"]
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: stack.readiness() is None, 5), "still answers"
    assert wait_until(lambda: is_ready(stack), BACK_WITHIN_S)
    with closing(stack.signed_in()) as client:
        assert client.get("/api/v1/me").status_code == 200
