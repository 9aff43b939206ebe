"""Child processes that cannot outlive us: sessions of their own, a signal when the parent dies."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

# A shell set up for another database or another object store must not reach into our children.
_FOREIGN_PREFIXES = ("AWS_", "PG", "S3_", "WEED_")


@dataclass(frozen=True)
class OsUser:
    """The operating system user that a server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """A program to run: arguments, additional environment, user, and how to ask it to stop."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: OsUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    def environment(self) -> dict[str, str]:
        """Our environment without other servers' settings, with this command's own."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN_PREFIXES)}
        return {**ours, **self.env}


def _die_with_parent(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:  # runs in the child, between fork and exec
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before prctl: nobody will send the signal
            os._exit(1)

    return prepare


def spawn(
    command: Command, output: IO[bytes] | int | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start the command in a session of its own; both its output streams go to `output`.

    Call it from the main thread: Linux sends the death signal when the *thread* that forked ends.
    """
    user = command.user
    return subprocess.Popen(
        command.argv,
        env=command.environment(),
        cwd=command.cwd,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        # Runs after the change of user, which would clear what prctl sets, and takes no lock.
        preexec_fn=_die_with_parent(os.getpid(), command.stop_signal),
    )


def run_to_end(command: Command, given: str = "", timeout: float = 120.0) -> str:
    """Run a short command, `given` its input; its output, or RuntimeError with it if it fails."""
    process = spawn(command, subprocess.PIPE, subprocess.PIPE)
    try:
        out, _ = process.communicate(given.encode(), timeout=timeout)
    except BaseException:
        stop(process, signal.SIGKILL, 5.0)
        raise
    text = out.decode(errors="replace")
    if process.returncode != 0:
        raise RuntimeError(f"{command.argv[0]} exited with {process.returncode}:\n{text.strip()}")
    return text


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the child has exited; it is not reaped, so its pid and group stay its own."""
    if process.returncode is not None:
        return True
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def reap(process: subprocess.Popen[bytes]) -> int:
    """Kill what is left of an ended child's process group, then collect its exit status."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()
    return process.wait()


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, grace: float) -> int:
    """Ask the child to stop, kill its group after `grace` seconds, and collect its exit status."""
    if not has_ended(process):
        process.send_signal(stop_signal)
        deadline = time.monotonic() + grace
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.02)
    return reap(process)
