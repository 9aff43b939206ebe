"""The supervisor: starts processes by readiness, watches, restarts and stops them."""

import asyncio
import contextlib
import math
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Literal

from devstack.children import Command, has_ended, reap, spawn
from devstack.orphans import adopt_orphans, end_orphans

State = Literal["waiting", "starting", "ready", "done", "restarting", "stopping", "stopped"]
Probe = Callable[[], bool]

MARK = "EMBEDLAB_PROCESS"
TICK_S = 0.1
PROBE_INTERVAL_S = 0.2
WATCH_INTERVAL_S = 2.0
UNRESPONSIVE_AFTER = 10  # probes in a row without an answer
BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 4.0)
STABLE_AFTER_S = 30.0
FIRST_START_ATTEMPTS = 5
_LATE = "was not ready within"


class StartFailedError(RuntimeError):
    """A process of the stack could not be started; the message says which, and where its log is."""


@dataclass(frozen=True)
class Process:
    """One line of the stack: what to run, when it may start, and how it shows that it is ready.

    It starts when all that it `needs` are ready, and stops before them and before what it `uses`.
    `once` processes are ready when they have exited with 0. `is_ready` decides about a start,
    `is_alive` (by default the same) about a restart of one that stopped answering, and `describe`
    tells what it waits for.
    """

    name: str
    command: Command
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    is_ready: Probe | None = None
    is_alive: Probe | None = None
    describe: Callable[[], str] | None = None
    port: int | None = None
    once: bool = False
    start_timeout_s: float = 120.0
    grace_s: float = 10.0


@dataclass(frozen=True)
class Status:
    """What is known of a process now."""

    name: str
    state: State = "waiting"
    pid: int | None = None
    port: int | None = None
    restarts: int = 0


@dataclass
class Supervisor:
    """Keeps `processes` running; their output goes to `logs`/NAME.log.

    `changed` is called with all statuses after each change, `tell` with (name, sentence).
    """

    processes: Sequence[Process]
    logs: Path
    changed: Callable[[Mapping[str, Status]], None]
    tell: Callable[[str, str], None]
    statuses: dict[str, Status] = field(init=False)

    def __post_init__(self) -> None:
        self.statuses = {p.name: Status(p.name, port=p.port) for p in self.processes}
        self._ready = {p.name: asyncio.Event() for p in self.processes}
        self._ended = {p.name: asyncio.Event() for p in self.processes}
        self._stopping = asyncio.Event()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start everything; returns when all is ready or a stop was requested.

        Raises StartFailedError when something cannot be started.
        """
        adopt_orphans()
        self._keepers = [asyncio.create_task(self._keep(p), name=p.name) for p in self.processes]
        while not (self._stopping.is_set() or all(e.is_set() for e in self._ready.values())):
            for keeper in self._keepers:
                if keeper.done() and (failure := keeper.exception()):
                    raise failure
            await asyncio.sleep(TICK_S)

    def request_stop(self) -> None:
        """Let `start` and `run` return; safe in a signal handler of the loop."""
        self._stopping.set()

    @property
    def stop_requested(self) -> bool:
        """Whether a stop was requested."""
        return self._stopping.is_set()

    async def run(self) -> None:
        """Watch until a stop is requested."""
        await self._stopping.wait()

    async def stop(self) -> None:
        """Stop everything, each after all that need it, and leave no descendant behind."""
        self._stopping.set()
        await asyncio.gather(*(self._stop_one(p) for p in self.processes))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        end_orphans((), MARK, self.statuses)

    async def _stop_one(self, process: Process) -> None:
        users = [p.name for p in self.processes if process.name in (*p.needs, *p.uses)]
        await asyncio.gather(*(self._ended[name].wait() for name in users))
        child = self._children.get(process.name)
        if child is not None:
            self._set(process, state="stopping")
            await self._end(child, process.command.stop_signal, process.grace_s)
            self._set(process, state="stopped", pid=None)
        self._ended[process.name].set()

    async def _keep(self, process: Process) -> None:
        await asyncio.gather(*(self._ready[name].wait() for name in process.needs))
        if process.once and not self._stopping.is_set():
            await self._run_once(process)
        failures = 0
        while not (process.once or self._stopping.is_set()):
            reason, ready_s = await self._live(process)
            if self._stopping.is_set():
                return
            failures = 1 if ready_s > STABLE_AFTER_S else failures + 1
            hopeless = failures >= FIRST_START_ATTEMPTS or reason.startswith(_LATE)
            if hopeless and not self._ready[process.name].is_set():
                raise StartFailedError(self._explain(process, reason))
            await self._pause(process, reason, BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])

    async def _run_once(self, process: Process) -> None:
        child = self._spawn(process)
        await _exit_of(child)
        if self._stopping.is_set():
            return
        status = reap(child)
        self._children.pop(process.name)
        if status != 0:
            raise StartFailedError(self._explain(process, f"exited with {status}"))
        self._set(process, state="done", pid=None)
        self._ready[process.name].set()

    async def _live(self, process: Process) -> tuple[str, float]:
        """One life of the process: why it ended, and how long it had been ready, seconds."""
        child = self._spawn(process)
        reason = await self._until_ready(process, child)
        ready_at = time.monotonic()
        if reason is None:
            self._set(process, state="ready")
            self.tell(process.name, "is ready")
            self._ready[process.name].set()
            reason = await self._until_ended(process, child)
        ready_s = time.monotonic() - ready_at
        if self._stopping.is_set():
            return reason, ready_s
        status = await self._end(child, SIGKILL, 5.0)
        self._children.pop(process.name)
        end_orphans({c.pid for c in self._children.values()}, MARK, {process.name})
        return (f"exited with {status}" if reason == "exited" else reason), ready_s

    async def _until_ready(self, process: Process, child: subprocess.Popen[bytes]) -> str | None:
        deadline = time.monotonic() + process.start_timeout_s
        while not (has_ended(child) or self._stopping.is_set()):
            if process.is_ready is None or await asyncio.to_thread(process.is_ready):
                return None
            if time.monotonic() > deadline and not await self._may_wait(process):
                return f"{_LATE} {process.start_timeout_s:.0f} s"
            await asyncio.sleep(PROBE_INTERVAL_S)
        return "exited"

    async def _may_wait(self, process: Process) -> bool:
        """A restarted process that lives and waits for another one is not to blame."""
        restarted = self._ready[process.name].is_set()
        alive = process.is_alive
        return restarted and alive is not None and await asyncio.to_thread(alive)

    async def _until_ended(self, process: Process, child: subprocess.Popen[bytes]) -> str:
        alive = process.is_alive or process.is_ready
        missed, next_probe = 0, time.monotonic() + WATCH_INTERVAL_S
        while not (has_ended(child) or self._stopping.is_set()):
            await asyncio.sleep(TICK_S)
            if alive is None or time.monotonic() < next_probe:
                continue
            missed = 0 if await asyncio.to_thread(alive) else missed + 1
            if missed >= UNRESPONSIVE_AFTER:
                return "stopped answering"
            next_probe = time.monotonic() + WATCH_INTERVAL_S
        return "exited"

    async def _pause(self, process: Process, reason: str, delay: float) -> None:
        restarts = self.statuses[process.name].restarts + 1
        self._set(process, state="restarting", pid=None, restarts=restarts)
        when = f"in {delay:g} s" if delay else "now"
        self.tell(process.name, f"{reason}; starting it again {when}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay)

    def _spawn(self, process: Process) -> subprocess.Popen[bytes]:
        marked = replace(process.command, env={**process.command.env, MARK: process.name})
        with (self.logs / f"{process.name}.log").open("ab") as output:
            child = spawn(marked, output.fileno())
        self._children[process.name] = child
        self._set(process, state="starting", pid=child.pid)
        return child

    async def _end(
        self, child: subprocess.Popen[bytes], stop_signal: Signals, grace_s: float
    ) -> int:
        if not has_ended(child):
            child.send_signal(stop_signal)
        await _exit_of(child, grace_s)
        return reap(child)

    def _explain(self, process: Process, reason: str) -> str:
        log = self.logs / f"{process.name}.log"
        tail = log.read_text(errors="replace").splitlines()[-15:]
        said = [process.describe()] if process.describe else []
        return "\n  ".join([f"{process.name} {reason}.", *said, f"The end of {log}:", *tail])

    def _set(self, process: Process, **changes: object) -> None:
        self.statuses[process.name] = replace(self.statuses[process.name], **changes)  # type: ignore[arg-type]
        self.changed(self.statuses)


async def _exit_of(child: subprocess.Popen[bytes], within_s: float = math.inf) -> None:
    deadline = time.monotonic() + within_s
    while not has_ended(child) and time.monotonic() < deadline:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(TICK_S)
