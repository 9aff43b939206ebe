"""Training processes that have imported torch already and wait for a job to be named.

The import takes seconds, the first batch of a small job none: a person should not wait for it.
"""

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from trainer.store import Lease

Process = subprocess.Popen[bytes]


class Standby:
    """One waiting process per thread: the kernel kills it when the thread that forked it ends."""

    def __init__(self, gpus: Sequence[str] = ()) -> None:
        self._own = threading.local()
        self._gpus = itertools.cycle(gpus) if gpus else None

    def prepare(self) -> None:
        """See to it that this thread has a process waiting."""
        waiting: Process | None = getattr(self._own, "process", None)
        if waiting is None or waiting.poll() is not None:
            self._own.process = _spawn(self._environment())

    def start(self, lease: Lease) -> Process:
        """Have a process train the job held under ``lease``."""
        self.prepare()
        process: Process = self._own.process
        self._own.process = None
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has died meanwhile: its status will say of what
            process.stdin.write(f"{lease.job_id} {lease.fence}\n".encode())
            process.stdin.close()
        return process

    def _environment(self) -> dict[str, str]:
        """Of this thread's processes: each thread has a GPU of its own, where there are any."""
        ours = training_environment(os.environ)
        if self._gpus is None:
            return ours
        if not hasattr(self._own, "gpu"):
            self._own.gpu = next(self._gpus)
        return ours | {"CUDA_VISIBLE_DEVICES": self._own.gpu}

    def dismiss(self) -> None:
        """End this thread's waiting process."""
        waiting: Process | None = getattr(self._own, "process", None)
        self._own.process = None
        if waiting is not None:
            waiting.kill()
            waiting.wait()


def _spawn(environment: dict[str, str]) -> Process:
    """A session of its own: signals meant for the worker do not reach it."""
    return subprocess.Popen(
        [sys.executable, "-m", "trainer.training", str(os.getpid())],
        start_new_session=True,
        stdin=subprocess.PIPE,
        env=environment,
    )


def training_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Ours, with threads that sleep where they wait for each other.

    By default they spin, which on a machine that does anything else costs twice the processor time
    and three times the time of a step (measured: resnet18, two threads, two busy cores).
    """
    return {"OMP_WAIT_POLICY": "PASSIVE", **ours}
