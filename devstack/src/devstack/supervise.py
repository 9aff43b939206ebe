"""`up` in this process: prepare the folder, start the stack, watch it until a signal, stop it."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from devstack.console import Console, LogFollower
from devstack.folder import StackFolder, read_json
from devstack.ports import is_free
from devstack.processes import StartFailedError, Status, Supervisor
from devstack.servers import keep_ports, make_servers
from devstack.stack import build_stack

FOLLOW_INTERVAL_S = 0.15
# In a detached start only what a waiting person wants to see goes to the supervisor's own log.
PROGRESS = ("people", "demo-data", "demo")


class PortTakenError(RuntimeError):
    """The gateway's port belongs to another program."""


@dataclass(frozen=True)
class Options:
    """What the command line says about a start."""

    folder: StackFolder
    port: int
    demo: bool = True
    quiet: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def require_port(port: int) -> None:
    """Raise PortTakenError, naming the program that listens there where the system tells."""
    if is_free(port):
        return
    raise PortTakenError(
        f"port {port} is taken{_listener(port)}. Choose another one: make demo PORT={port + 10}"
    )


def _listener(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
        found = next(c for c in connections if c.laddr and c.laddr.port == port and c.pid)
        return f" by {psutil.Process(found.pid).name()} (pid {found.pid})"
    except (psutil.Error, StopIteration):
        return ""


def make_supervisor(options: Options) -> tuple[Supervisor, LogFollower, Console]:
    """Prepare folder, ports, servers and keys' places, and the supervisor over them."""
    folder = options.folder
    ports = keep_ports(folder)
    servers = make_servers(folder, ports)
    servers.initialise()
    processes = build_stack(folder, servers, ports, options.port, demo=options.demo)
    names = [p.name for p in processes]
    console = Console(names)

    def changed(statuses: Mapping[str, Status]) -> None:
        folder.write_state(options.url, False, statuses)

    followed = [n for n in names if n in PROGRESS] if options.quiet else names
    supervisor = Supervisor(processes, folder.logs, changed, console.write)
    return supervisor, LogFollower(folder.logs, names, followed, console), console


async def supervise(options: Options) -> int:
    """Run the stack until a signal; the exit status."""
    supervisor, follower, console = make_supervisor(options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.request_stop)
    following = asyncio.create_task(_follow(follower))
    status = 0
    try:
        await supervisor.start()
        if not supervisor.stop_requested:
            _announce(options, supervisor, console)
            await supervisor.run()
    except StartFailedError as failure:
        console.write("devstack", str(failure), "error")
        status = 1
    finally:
        console.write("devstack", "stopping")
        await supervisor.stop()
        following.cancel()
        follower.poll()
        options.folder.state_path.unlink(missing_ok=True)
        console.write("devstack", "stopped; the data stay in " + str(options.folder.root))
    return status


async def _follow(follower: LogFollower) -> None:
    while True:
        follower.poll()
        await asyncio.sleep(FOLLOW_INTERVAL_S)


def _announce(options: Options, supervisor: Supervisor, console: Console) -> None:
    folder = options.folder

    def changed(statuses: Mapping[str, Status]) -> None:
        folder.write_state(options.url, all_ready(statuses), statuses)

    supervisor.changed = changed
    if options.demo:
        folder.demo_mark.touch()
    console.write("devstack", f"ready: {options.url}")
    for person in (read_json(folder.credentials_path) or {}).get("people", ()):
        # Only where a person reads: passwords do not belong in a log file.
        if sys.stdout.isatty():
            line = f"  {person['role']:<11} {person['email']}  {person['password']}"
            console.write("devstack", line)
    changed(supervisor.statuses)


def all_ready(statuses: Mapping[str, Status]) -> bool:
    """Whether every process is ready, or done where it runs once."""
    return all(s.state in ("ready", "done") for s in statuses.values())
