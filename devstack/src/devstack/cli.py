"""`python -m devstack up | down | status | backup | restore`."""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from devstack import backup
from devstack.console import LogFollower
from devstack.folder import AlreadyRunningError, StackFolder, find_supervisor, read_json
from devstack.supervise import Options, PortTakenError, require_port, supervise

FAILED, PORT_TAKEN, NOT_RUNNING, NOT_READY = 1, 3, 4, 5
DOWN_TIMEOUT_S = 90.0
PROGRAM = (sys.executable, "-m", "devstack")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m devstack", description="EMBED Lab on one machine"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything; the first time with synthetic data")
    up.add_argument("--port", type=int, default=8080, help="the gateway's port (default 8080)")
    up.add_argument("--detach", action="store_true", help="return when ready; print the sign-in")
    up.add_argument("--no-demo", action="store_true", help="start without writing demo data")
    up.add_argument("--quiet", action="store_true", help="no log lines of the services")
    down = commands.add_parser("down", help="stop what `up` started; the data stay")
    status = commands.add_parser("status", help="what runs; exits with 4 if nothing does")
    status.add_argument("--json", action="store_true", help="as JSON, for programs")
    backing_up = commands.add_parser("backup", help="write database and artifacts of what runs")
    backing_up.add_argument("to", type=Path, help="a folder that is not there yet")
    restoring = commands.add_parser("restore", help="replace what runs by a backup")
    restoring.add_argument("source", type=Path, help="a folder that `backup` wrote")
    for command in (up, down, status, backing_up, restoring):
        command.add_argument(
            "--data", type=Path, default=Path(".devstack"), help="the data's folder"
        )
    return parser.parse_args(arguments)


def up(given: argparse.Namespace) -> int:
    """Start the stack here, or in the background with --detach."""
    folder = StackFolder(given.data)
    folder.create()
    running = folder.read_state()
    if running:
        return _already_running(folder, running, detach=given.detach)
    try:
        require_port(given.port)
        if given.detach:
            return _detach(folder, given)
        with folder.lock():
            options = Options(folder, given.port, not given.no_demo, given.quiet)
            folder.write_state(options.url, ready=False, statuses={})
            return asyncio.run(supervise(options))
    except PortTakenError as error:
        return _fail(str(error), PORT_TAKEN)
    except AlreadyRunningError as error:
        return _fail(str(error), FAILED)


def _already_running(folder: StackFolder, state: dict[str, Any], *, detach: bool) -> int:
    print(f"already running: {state['url']}", file=sys.stderr)
    if detach and state["ready"]:
        _print_sign_in(folder, state["url"])
        return 0
    return FAILED


def _detach(folder: StackFolder, given: argparse.Namespace) -> int:
    log = folder.logs / "devstack.log"
    follower = LogFollower(folder.logs, ["devstack"], (), None)
    argv = [*PROGRAM, "up", "--quiet", "--port", str(given.port)]
    argv += ["--data", str(given.data), *(["--no-demo"] if given.no_demo else [])]
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    # Whoever ends the waiting ends the start, so that no half-made stack is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        while supervisor.poll() is None:
            sys.stdout.write(follower.read_new("devstack"))
            sys.stdout.flush()
            state = folder.read_state()
            if state and state["ready"]:
                _print_sign_in(folder, state["url"])
                return 0
            time.sleep(0.2)
    except BaseException:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()
        raise
    sys.stdout.write(follower.read_new("devstack"))
    return supervisor.returncode or FAILED


def _print_sign_in(folder: StackFolder, url: str) -> None:
    kept = read_json(folder.credentials_path) or {}
    print(json.dumps({"url": url, "email": kept.get("email"), "password": kept.get("password")}))


def down(given: argparse.Namespace) -> int:
    """Stop the stack that runs in the folder and wait until it has ended."""
    state = StackFolder(given.data).read_state()
    supervisor = find_supervisor(state) if state else None
    if supervisor is None:
        print("nothing is running")
        return 0
    supervisor.terminate()
    try:
        supervisor.wait(DOWN_TIMEOUT_S)
    except psutil.TimeoutExpired:
        return _fail(f"pid {supervisor.pid} has not stopped in {DOWN_TIMEOUT_S:.0f} s", FAILED)
    print("stopped")
    return 0


def status(given: argparse.Namespace) -> int:
    """Print what runs; 0 ready, 4 nothing runs, 5 something is not ready."""
    state = StackFolder(given.data).read_state()
    if given.json:
        print(json.dumps({"running": state is not None, **(state or {})}, indent=2))
    elif state is None:
        print("nothing is running")
    else:
        print(f"{state['url']}  {'ready' if state['ready'] else 'not ready'}")
        for process in state["processes"]:
            restarts = f"restarted {process['restarts']}x" if process["restarts"] else ""
            columns = (process["name"], process["state"], process["pid"], process["port"], restarts)
            print("  {:<16} {:<10} {!s:>8} {!s:>6}  {}".format(*(c or "" for c in columns)))
    if state is None:
        return NOT_RUNNING
    return 0 if state["ready"] else NOT_READY


def back_up(given: argparse.Namespace) -> int:
    """Write a backup of the stack that runs in the folder."""
    backup.back_up(StackFolder(given.data), given.to)
    print(f"backed up to {given.to}")
    return 0


def restore(given: argparse.Namespace) -> int:
    """Replace what the stack that runs in the folder holds."""
    backup.restore(StackFolder(given.data), given.source)
    print(f"restored from {given.source}; the services are starting anew")
    return 0


def _fail(message: str, status: int) -> int:
    print(message, file=sys.stderr)
    return status


COMMANDS = {"up": up, "down": down, "status": status, "backup": back_up, "restore": restore}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    given = parse(arguments)
    try:
        return COMMANDS[given.command](given)
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError) as error:
        return _fail(f"{type(error).__name__}: {error}", FAILED)
