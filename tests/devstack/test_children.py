"""Children end with their parent, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from devstack.children import Command, has_ended, run_to_end, spawn, stop

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


def gone(pid: int, within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_child_dies_when_its_parent_is_killed() -> None:
    code = (
        "import sys, time; from devstack.children import Command, spawn;"
        f"print(spawn(Command({SLEEP!r})).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    assert gone(child)


def test_stop_kills_the_whole_group() -> None:
    code = (
        "import subprocess, sys, time;"
        "print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(600)"
    )
    process = spawn(Command((sys.executable, "-c", code, *SLEEP)), subprocess.PIPE)
    assert process.stdout is not None
    grandchild = int(process.stdout.readline())
    assert stop(process, signal.SIGTERM, 5) == -signal.SIGTERM
    assert gone(grandchild)


def test_an_ended_child_keeps_its_pid_until_reaped() -> None:
    process = spawn(Command((sys.executable, "-c", "")))
    while not has_ended(process):
        time.sleep(0.02)
    os.kill(process.pid, 0)  # still a zombie of ours, so the pid is nobody else's
    assert stop(process, signal.SIGTERM, 1) == 0


def test_failure_shows_the_output() -> None:
    with pytest.raises(RuntimeError, match=r"exited with 3:\nfull disk"):
        run_to_end(Command((sys.executable, "-c", "print('full disk'); raise SystemExit(3)")))


def test_settings_of_other_servers_do_not_reach_children(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "PGHOST", "WEED_X"):
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("KEPT", "1")
    code = (
        "import os;"
        "print(sorted({'AWS_PROFILE', 'PGHOST', 'WEED_X', 'KEPT', 'OWN'} & os.environ.keys()))"
    )
    told = run_to_end(Command((sys.executable, "-c", code), {"OWN": "1"}, Path("/")))
    assert told.strip() == "['KEPT', 'OWN']"
