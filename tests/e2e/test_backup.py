"""A backup of one stack brings everything back on another machine: here, a stack of its own."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from .composed import everything
from .conftest import Stack, devstack, free_port, wait_until


def smoke(stack: Stack) -> None:
    """Leave a cohort, and a job with its artifacts."""
    account = {"EMBEDLAB_EMAIL": stack.email, "EMBEDLAB_PASSWORD": stack.password}
    done = subprocess.run(
        [sys.executable, "-m", "embedlab.cli", "smoke"],
        env={**os.environ, "EMBEDLAB_URL": stack.url, **account},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.stack
def test_all_is_back_after_the_loss_of_everything(stack: Stack, tmp_path: Path) -> None:
    with closing(stack.signed_in()) as client:
        before = everything(client)
        if not any("/artifacts/" in path for path in before):
            smoke(stack)  # it freezes a cohort and trains on it
            before = everything(client)
    backup = tmp_path / "backup"
    done = devstack("backup", str(backup))
    assert done.returncode == 0, done.stderr
    data = ("--data", str(tmp_path / "other"))
    up = devstack("up", "--detach", "--no-demo", "--port", str(free_port()), *data)
    assert up.returncode == 0, up.stdout[-4000:] + up.stderr[-4000:]
    try:
        other = json.loads(up.stdout.strip().splitlines()[-1])["url"]
        done = devstack("restore", str(backup), *data)
        assert done.returncode == 0, done.stderr
        restored = Stack(other, stack.email, stack.password)
        assert wait_until(lambda: _signs_in(restored), 60), restored.readiness()
        with closing(restored.signed_in()) as client:
            assert everything(client) == before
    finally:
        devstack("down", *data)


def _signs_in(stack: Stack) -> bool:
    """Whether the services are up again, and the people of the backup are here."""
    if (stack.readiness() or {}).get("state") != "ready":
        return False
    try:
        stack.signed_in().close()
    except (AssertionError, httpx.TransportError):
        return False
    return True


@pytest.mark.stack
def test_a_backup_that_cannot_be_read_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    backup = tmp_path / "torn"
    assert devstack("backup", str(backup)).returncode == 0
    dump = backup / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-2000])
    with closing(stack.signed_in()) as client:
        before = client.get("/api/v1/cohorts").json()
        done = devstack("restore", str(backup))
        assert done.returncode == 1
        assert "is not what was backed up" in done.stderr
        assert client.get("/api/v1/cohorts").json() == before
