"""`up`, `down` and `status` as a person or a script uses them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from devstack.folder import StackFolder, read_json
from devstack.ports import choose_ports
from devstack.postgres import is_reachable, server_user
from devstack.probes import get
from devstack.throwaway import scratch_folder

SMALL = [sys.executable, str(Path(__file__).with_name("small_stack.py"))]
PORT_TAKEN, NOT_RUNNING = 3, 4
# The stack promises ten seconds on a free machine; tests share theirs with others.
WITHIN_S = 30.0


def small(
    *arguments: str, data: Path, user: str | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SMALL, *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
        user=user,
        extra_groups=[] if user else None,
    )


def state_of(data: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(small("status", "--json", data=data).stdout)
    return told


def processes_of(data: Path) -> dict[str, dict[str, Any]]:
    return {p["name"]: p for p in state_of(data)["processes"]}


def descendants(data: Path) -> list[psutil.Process]:
    supervisor = psutil.Process(state_of(data)["supervisor"]["pid"])
    return [supervisor, *supervisor.children(recursive=True)]


def eventually(condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.1)


@contextmanager
def detached(data: Path, port: int) -> Iterator[dict[str, Any]]:
    done = small("up", "--detach", "--port", str(port), data=data)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield json.loads(done.stdout.splitlines()[-1])
    finally:
        small("down", data=data)


@pytest.fixture
def port() -> int:
    return choose_ports(1)[0]


@pytest.fixture
def data() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder / "clone" / ".devstack"


def test_detached_start_prints_the_address_and_down_leaves_no_process(
    data: Path, port: int
) -> None:
    with detached(data, port) as printed:
        assert printed["url"] == f"http://127.0.0.1:{port}"
        assert printed.keys() == {"url", "email", "password"}
        assert get(port, "/jwks.json")[0] == 200
        assert {p["state"] for p in state_of(data)["processes"]} == {"ready", "done"}
        running = descendants(data)
        assert len(running) > 5
        assert small("down", data=data).returncode == 0
        assert [p for p in running if p.is_running()] == []
        assert small("status", data=data).returncode == NOT_RUNNING


async def test_the_data_are_there_after_a_second_start(data: Path, port: int) -> None:
    def address() -> dict[str, Any]:
        ports = read_json(data / "ports.json")
        password = StackFolder(data).secrets("postgres")["postgres"]
        return {"host": "127.0.0.1", "port": ports["postgres"], "password": password}

    with detached(data, port):
        connection = await asyncpg.connect(user="embedlab", database="embedlab", **address())
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        await connection.close()
    began = time.monotonic()
    with detached(data, port):
        assert time.monotonic() - began < 20
        connection = await asyncpg.connect(user="embedlab", database="embedlab", **address())
        assert await connection.fetchval("SELECT n FROM kept") == 7
        await connection.close()


@pytest.mark.parametrize("name", ["postgres", "broker", "cache", "s3", "gateway"])
def test_any_killed_process_is_back_within_ten_seconds(name: str, small_stack: Path) -> None:
    before = processes_of(small_stack)[name]
    os.kill(before["pid"], signal.SIGKILL)

    def is_back() -> bool:
        state = state_of(small_stack)
        now = {p["name"]: p for p in state["processes"]}[name]
        return bool(state["ready"]) and now["restarts"] == before["restarts"] + 1

    eventually(is_back)
    assert processes_of(small_stack)[name]["pid"] != before["pid"]


@pytest.fixture(scope="module")
def small_stack() -> Iterator[Path]:
    with scratch_folder() as folder, detached(folder / ".devstack", choose_ports(1)[0]):
        yield folder / ".devstack"


def test_a_second_up_finds_the_first(small_stack: Path) -> None:
    url = state_of(small_stack)["url"]
    again = small("up", "--detach", "--port", url.rpartition(":")[2], data=small_stack)
    assert again.returncode == 0
    assert json.loads(again.stdout.splitlines()[-1])["url"] == url


def test_two_stacks_run_side_by_side(small_stack: Path, data: Path, port: int) -> None:
    with detached(data, port):
        taken = [{p["port"] for p in processes_of(d).values()} for d in (small_stack, data)]
        assert taken[0] & taken[1] <= {None}
    assert state_of(small_stack)["ready"]


def test_a_taken_port_is_said_clearly(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = small("up", "--port", str(port), data=data)
    assert refused.returncode == PORT_TAKEN
    assert f"port {port} is taken by" in refused.stderr
    assert str(os.getpid()) in refused.stderr
    assert "PORT=" in refused.stderr
    assert small("down", data=data).stdout == "nothing is running\n"


def test_a_server_that_cannot_start_is_named(data: Path, port: int) -> None:
    log = data / "broker" / "appendonlydir"
    log.mkdir(parents=True)
    (log / "appendonly.aof.manifest").write_text("broken\n")
    failed = small("up", "--detach", "--port", str(port), data=data)
    assert failed.returncode == 1
    assert "broker exited with 1" in failed.stdout
    assert "stopped; the data stay" in failed.stdout.splitlines()[-1]
    assert small("status", data=data).returncode == NOT_RUNNING


def test_control_c_stops_everything(data: Path, port: int) -> None:
    command = [*SMALL, "up", "--port", str(port), "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as foreground:
        assert foreground.stdout is not None
        lines = []
        for line in foreground.stdout:
            lines.append(line)
            if f"ready: http://127.0.0.1:{port}" in line:
                break
        running = descendants(data)
        foreground.send_signal(signal.SIGINT)
        lines += foreground.stdout.readlines()
        assert foreground.wait(30) == 0
    assert [p for p in running if p.is_running()] == []
    assert any("postgres │" in line and "ready" in line for line in lines)
    assert "stopped; the data stay" in lines[-1]


def test_a_killed_supervisor_takes_its_processes_along(data: Path, port: int) -> None:
    with detached(data, port):
        running = descendants(data)
        running[0].kill()
        eventually(lambda: not any(p.is_running() for p in running))
        assert small("status", data=data).returncode == NOT_RUNNING
    with detached(data, port):
        assert state_of(data)["ready"]


def test_secrets_are_for_their_owner_alone(small_stack: Path) -> None:
    for name in ("secrets.json", "state.json", "ports.json"):
        assert (small_stack / name).stat().st_mode & 0o077 == 0
    for name in ("keys", "logs", "s3"):
        assert (small_stack / name).stat().st_mode & 0o077 == 0
    secret = StackFolder(small_stack).secrets("postgres")["postgres"]
    lines = [" ".join(process.cmdline()) for process in descendants(small_stack)]
    assert any("postgres -D" in line for line in lines)
    assert not any(secret in line for line in lines)


@pytest.mark.skipif(
    os.geteuid() != 0 or not is_reachable(Path(sys.executable), server_user()),
    reason="only root can become another user, who must be able to run this interpreter",
)
def test_an_ordinary_user_can_start_and_stop_it(data: Path, port: int) -> None:
    data.mkdir(parents=True)
    shutil.chown(data, "nobody")
    try:
        started = small("up", "--detach", "--port", str(port), data=data, user="nobody")
        assert started.returncode == 0, started.stdout + started.stderr
        running = descendants(data)
        assert {process.username() for process in running} == {"nobody"}
        assert Path((data / "postgres-folder").read_text()) == data / "postgres"
    finally:
        assert small("down", data=data, user="nobody").stdout == "stopped\n"
    assert [p for p in running if p.is_running()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_a_folder_that_only_root_may_enter_keeps_its_cluster_elsewhere(
    data: Path, port: int
) -> None:
    data.parent.mkdir(mode=0o700)
    with detached(data, port):
        place = Path((data / "postgres-folder").read_text())
        try:
            assert data not in place.parents
            assert place.stat().st_uid != 0
            assert (place / "data" / "PG_VERSION").read_text().strip() == "18"
        finally:
            small("down", data=data)
            shutil.rmtree(place.parent)
