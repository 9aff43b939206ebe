"""The supervisor: order, readiness, restart, stop. Children are real processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from signal import SIGKILL, SIGSTOP, SIGTERM

import psutil
import pytest
from devstack.children import Command
from devstack.ports import choose_ports
from devstack.probes import get
from devstack.processes import Process, StartFailedError, Status, Supervisor

from devstack import processes

# The stack promises ten seconds on a free machine; tests share theirs with others.
WITHIN_S = 30.0
SERVE = """
import http.server, sys
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""
PARENT = """
import pathlib, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(sleep, start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


def run(code: str, *arguments: str) -> Command:
    return Command((sys.executable, "-c", code, *arguments), cwd=Path("/"))


def answers(port: int) -> bool:
    return get(port, "/")[0] == 200


def server(name: str, *needs: str) -> Process:
    port = choose_ports(1)[0]
    return Process(
        name,
        run(SERVE, str(port)),
        needs,
        is_ready=partial(answers, port),
        port=port,
        start_timeout_s=60,
    )


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.told: list[tuple[str, str]] = []

    def changed(self, statuses: Mapping[str, Status]) -> None:
        for status in statuses.values():
            if (status.name, status.state) not in self.seen[-1:]:
                self.seen.append((status.name, status.state))

    def tell(self, name: str, text: str) -> None:
        self.told.append((name, text))

    def first(self, name: str, state: str) -> int:
        return self.seen.index((name, state))


@asynccontextmanager
async def running(
    stack: Sequence[Process], logs: Path
) -> AsyncIterator[tuple[Supervisor, Recorder]]:
    recorder = Recorder()
    supervisor = Supervisor(stack, logs, recorder.changed, recorder.tell)
    try:
        await supervisor.start()
        yield supervisor, recorder
    finally:
        await supervisor.stop()


async def eventually(condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - processes tell no event
            await asyncio.sleep(0.05)


def pid_of(supervisor: Supervisor, name: str) -> int:
    pid = supervisor.statuses[name].pid
    assert pid is not None
    return pid


async def test_starts_by_readiness_and_stops_in_reverse(tmp_path: Path) -> None:
    stack = [server("front", "back"), server("back", "prepare"), once("prepare", "pass")]
    async with running(stack, tmp_path) as (supervisor, recorder):
        assert recorder.first("prepare", "done") < recorder.first("back", "starting")
        assert recorder.first("back", "ready") < recorder.first("front", "starting")
        pids = [pid_of(supervisor, name) for name in ("front", "back")]
    assert recorder.first("front", "stopped") < recorder.first("back", "stopping")
    assert not any(psutil.pid_exists(pid) for pid in pids)


def once(name: str, code: str, *needs: str) -> Process:
    return Process(name, run(code), needs, once=True)


@pytest.mark.parametrize("number", [SIGKILL, SIGTERM])
async def test_a_killed_process_is_back_within_ten_seconds(tmp_path: Path, number: int) -> None:
    async with running([server("web")], tmp_path) as (supervisor, _):
        first = pid_of(supervisor, "web")
        os.kill(first, number)
        await eventually(lambda: supervisor.statuses["web"].restarts == 1)
        await eventually(lambda: supervisor.statuses["web"].state == "ready")
        assert pid_of(supervisor, "web") != first
        assert answers(supervisor.processes[0].port or 0)


async def test_a_process_that_stops_answering_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "WATCH_INTERVAL_S", 0.1)
    monkeypatch.setattr(processes, "UNRESPONSIVE_AFTER", 2)
    async with running([server("web")], tmp_path) as (supervisor, recorder):
        os.kill(pid_of(supervisor, "web"), SIGSTOP)
        await eventually(lambda: supervisor.statuses["web"].restarts == 1, 20)
        await eventually(lambda: supervisor.statuses["web"].state == "ready")
    assert any("stopped answering" in text for _, text in recorder.told)


async def test_a_grandchild_in_its_own_session_does_not_outlive_its_parent(tmp_path: Path) -> None:
    kept = tmp_path / "pid"
    parent = Process("parent", run(PARENT, str(kept)), is_ready=kept.exists)
    async with running([parent], tmp_path) as (supervisor, _):
        grandchild = int(kept.read_text())
        os.kill(pid_of(supervisor, "parent"), SIGKILL)
        await eventually(lambda: supervisor.statuses["parent"].restarts == 1)
        await eventually(lambda: not psutil.pid_exists(grandchild))
        await eventually(lambda: kept.read_text() not in ("", str(grandchild)))
        second = int(kept.read_text())
    assert not psutil.pid_exists(second)


async def test_a_stubborn_process_is_killed(tmp_path: Path) -> None:
    up = tmp_path / "up"
    stubborn = Process("stubborn", run(STUBBORN, str(up)), is_ready=up.exists, grace_s=0.5)
    async with running([stubborn], tmp_path) as (supervisor, _):
        pid = pid_of(supervisor, "stubborn")
    assert not psutil.pid_exists(pid)


async def test_a_failed_preparation_is_named_with_its_log(tmp_path: Path) -> None:
    stack = [server("back"), once("prepare", "raise SystemExit('no disk left')", "back")]
    with pytest.raises(StartFailedError, match=r"prepare exited with 1[\s\S]*no disk left"):
        async with running(stack, tmp_path):
            pass


async def test_a_process_that_never_starts_fails_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "BACKOFF_S", (0.0,))
    monkeypatch.setattr(processes, "FIRST_START_ATTEMPTS", 2)
    broken = Process("broken", run("raise SystemExit(7)"), is_ready=lambda: False)
    with pytest.raises(StartFailedError, match="broken exited with 7"):
        async with running([broken, server("front", "broken")], tmp_path):
            pass


async def test_a_start_that_takes_too_long_fails_and_says_what_it_waits_for(
    tmp_path: Path,
) -> None:
    web = replace(server("web"), is_ready=lambda: False, start_timeout_s=0.5)
    waiting = replace(web, describe=lambda: "waits for the catalog")
    with pytest.raises(StartFailedError, match=r"not ready within 0 s[\s\S]*for the catalog"):
        async with running([waiting], tmp_path):
            pass


async def test_a_restarted_process_may_wait_for_others_as_long_as_it_lives(
    tmp_path: Path,
) -> None:
    held = asyncio.Event()
    web = server("web")
    assert web.is_ready is not None
    port = web.port or 0
    patient = replace(
        web,
        is_ready=lambda: not held.is_set() and answers(port),
        is_alive=partial(answers, port),
        start_timeout_s=2,
    )
    async with running([patient], tmp_path) as (supervisor, _):
        held.set()
        os.kill(pid_of(supervisor, "web"), SIGKILL)
        await asyncio.sleep(4)
        assert supervisor.statuses["web"].state == "starting"
        assert supervisor.statuses["web"].restarts == 1
        held.clear()
        await eventually(lambda: supervisor.statuses["web"].state == "ready")


async def test_a_stop_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    slow = Process("slow", run("import time; time.sleep(600)"), is_ready=lambda: False)
    recorder = Recorder()
    supervisor = Supervisor(
        [slow, server("front", "slow")], tmp_path, recorder.changed, recorder.tell
    )
    starting = asyncio.create_task(supervisor.start())
    await eventually(lambda: supervisor.statuses["slow"].pid is not None)
    pid = pid_of(supervisor, "slow")
    supervisor.request_stop()
    await asyncio.wait_for(starting, 5)
    await supervisor.stop()
    assert not psutil.pid_exists(pid)
    assert supervisor.statuses["front"].state == "waiting"
