"""Servers for one test session, gone with the process whatever ends it."""

import atexit
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL, SIGQUIT, Signals

import psutil

from devstack.children import Command, spawn, stop
from devstack.ports import choose_ports
from devstack.postgres import PostgresServer, execute_sql, install_folder, server_user
from devstack.seaweedfs import PORTS, S3Server, SeaweedServer
from devstack.valkey import ValkeyServer

_PREFIX = "embedlab-test-"
START_TIMEOUT_S = 60.0


def sweep_abandoned(root: Path) -> None:
    """Remove the folders of test sessions that were killed before they could."""
    for folder in root.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that anyone may traverse, named after this process and removed at its end."""
    root = Path(tempfile.gettempdir())
    sweep_abandoned(root)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Command, is_ready: Callable[[], bool], log: Path, stop_signal: Signals = SIGKILL
) -> Iterator[None]:
    """Run a server until the block ends, entered once it is ready.

    Nothing of a test's data is kept, so by default nobody waits for a clean shutdown.
    Raises RuntimeError with the end of its log if it exits or is not ready in time.
    """
    with log.open("wb") as output:
        process = spawn(command, output.fileno())

    def kill() -> None:
        stop(process, stop_signal, 5.0)

    atexit.register(kill)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{command.argv[0]} did not become ready:\n{tail}")
            time.sleep(0.05)
        yield
    finally:
        kill()
        atexit.unregister(kill)


def programs_folder(scratch: Path) -> Path:
    """PostgreSQL's programs, where the user that runs them can reach them."""
    return install_folder(server_user(), scratch)


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A fresh PostgreSQL that forgets on power loss and is quick for it."""
    with scratch_folder() as folder:
        server = PostgresServer(
            folder=folder / "postgres",
            port=choose_ports(1)[0],
            password=secrets.token_hex(16),
            programs=programs_folder(folder),
            user=server_user(),
            durable=False,
        )
        server.initialise()
        # Its children have groups of their own; on SIGQUIT it ends them before itself.
        log = folder / "postgres.log"
        with running(server.command(), server.is_ready, log, SIGQUIT):
            yield server


@contextmanager
def valkey() -> Iterator[ValkeyServer]:
    """A fresh evicting Valkey."""
    with scratch_folder() as folder:
        server = ValkeyServer(folder, choose_ports(1)[0], secrets.token_hex(16), "cache")
        server.initialise()
        with running(server.command(), server.is_ready, folder / "valkey.log"):
            yield server


@contextmanager
def s3() -> Iterator[S3Server]:
    """A fresh, empty object store."""
    with scratch_folder() as folder:
        keys = secrets.token_hex(10), secrets.token_hex(20)
        server = SeaweedServer(folder / "weed", choose_ports(PORTS), *keys)
        server.initialise()
        with running(server.command(), server.is_ready, folder / "weed.log"):
            yield server.s3


def psql(url: str, sql: str) -> str:
    """Run one statement by the wheel's psql on the database of an SQLAlchemy URL."""
    return execute_sql(install_folder(None, Path(tempfile.gettempdir())), url, sql)
