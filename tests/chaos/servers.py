"""The trainer's surroundings as processes that can be killed and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from devstack.children import Command, spawn

START_S = 120.0


@dataclass
class Program:
    """A program with a log, killed as by a power cut: all of its processes at once."""

    name: str
    command: Command
    is_ready: Callable[[], bool]
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        """Start it and wait until it answers; one that ends while it starts is started again."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                with self.log.open("ab") as output:
                    self.process = spawn(self.command, output.fileno())
            elif self.is_ready():
                return
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.name} did not become ready:\n{tail}")

    def kill(self) -> None:
        """SIGKILL to it and its children, and wait until they are gone."""
        if self.process is None:
            return
        family = [psutil.Process(self.process.pid), *_children(self.process.pid)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        self.process.wait()
        psutil.wait_procs(family, timeout=10)
        self.process = None

    @property
    def pid(self) -> int:
        """Of the running program."""
        assert self.process is not None
        return self.process.pid


def _children(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def python(name: str, arguments: tuple[str, ...], env: dict[str, str], log: Path) -> Program:
    """One of ours; it counts as ready when it lives."""
    command = Command((sys.executable, *arguments), env)
    return Program(name, command, lambda: True, log)


def kill_process(pid: int) -> None:
    """SIGKILL, also where it has ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
