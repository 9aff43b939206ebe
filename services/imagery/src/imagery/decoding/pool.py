"""A bounded pool of worker processes.

Own instead of ``ProcessPoolExecutor``: that one breaks as a whole when one process dies, queues
without bound, cannot stop a task that hangs, pickles results of a process that has read an
untrusted file, and cannot pass open files.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from chassis.logs import get_logger
from chassis.tasks import end

from imagery.decoding.protocol import HEAD, MAX_DOCUMENT, TOGETHER, Message, pack
from imagery.descriptors import Descriptor
from imagery.dicom.limits import Limits

log = get_logger(__name__)

START_TIMEOUT_S = 30.0
RESTART_S = (0.1, 5.0)
ABANDONED_S = 2.0


class BusyError(Exception):
    """As many tasks wait as may."""


class DecodeTimeoutError(Exception):
    """The task was at work past its deadline and was ended with its process."""


class WorkerDiedError(Exception):
    """The process ended in the middle of the task; ``attempt`` is the decoder it was in."""

    def __init__(self, attempt: str | None) -> None:
        super().__init__(attempt)
        self.attempt = attempt


@dataclass(eq=False)
class Worker:
    """One process and our end of the socket pair."""

    process: asyncio.subprocess.Process
    connection: socket.socket
    _ahead: bytearray = field(default_factory=bytearray)

    async def run(self, task: dict[str, Any], files: Sequence[Descriptor]) -> Message:
        """Send a task and wait for its answer; WorkerDiedError where the process ends instead."""
        attempt: str | None = None
        try:
            numbers = [file.number for file in files]
            socket.send_fds(self.connection, [pack(Message(task))], numbers)
            while True:
                message = await self.receive()
                if "attempt" not in message.document:
                    return message
                attempt = message.document["attempt"]
        except (OSError, EOFError, ValueError) as error:
            raise WorkerDiedError(attempt) from error

    async def receive(self) -> Message:
        """The next message of the worker."""
        document_size, payload_size = HEAD.unpack(await self._exactly(HEAD.size))
        if document_size > MAX_DOCUMENT:
            raise ValueError("the worker talks nonsense")
        document = json.loads(await self._exactly(document_size))
        return Message(document, await self._exactly(payload_size))

    async def _exactly(self, size: int) -> bytearray:
        """So many bytes; what comes with them is kept for the next."""
        loop, at = asyncio.get_running_loop(), min(size, len(self._ahead))
        data = self._ahead[:size] + bytes(size - at)
        del self._ahead[:size]
        while at < size:
            if size - at > TOGETHER:
                got = await loop.sock_recv_into(self.connection, memoryview(data)[at:])
            else:
                more = await loop.sock_recv(self.connection, TOGETHER)
                got = min(len(more), size - at)
                data[at : at + got] = more[:got]
                self._ahead += more[got:]
            if got == 0:
                raise EOFError
            at += got
        return data

    def kill(self) -> None:
        """End the process, whatever it does."""
        with suppress(ProcessLookupError):
            self.process.kill()

    async def stop(self) -> None:
        """End the process and wait until it has."""
        self.kill()
        await self.process.wait()
        self.connection.close()


class DecoderPool:
    """``size`` workers, and at most ``queue`` tasks that wait for one."""

    def __init__(self, size: int, queue: int, memory_bytes: int, limits: Limits) -> None:
        self.size = size
        self.queue = queue
        self._arguments = (str(memory_bytes), json.dumps(asdict(limits)))
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting = 0
        self._closing = False

    async def start(self) -> None:
        """Start all workers; returns when they are ready."""
        await asyncio.gather(*(self._start_worker() for _ in range(self.size)))

    async def close(self) -> None:
        """Stop all workers."""
        self._closing = True
        await end(*self._tasks)
        await asyncio.gather(*(worker.stop() for worker in list(self._workers)))

    async def check(self) -> None:
        """Readiness: at least one worker lives."""
        if not self._workers:
            raise RuntimeError("no worker process is running")

    @property
    def waiting(self) -> int:
        """Tasks that wait for a worker."""
        return self._waiting

    @property
    def alive(self) -> int:
        """Worker processes that are ready or at work."""
        return len(self._workers)

    async def run(
        self, task: dict[str, Any], files: Sequence[Descriptor], deadline_s: float
    ) -> Message:
        """A worker's answer to ``task``.

        Raises BusyError where the queue is full or no worker came free in time, DecodeTimeoutError
        past the deadline (the worker is then replaced), WorkerDiedError where the process died.
        """
        if self._waiting >= self.queue:
            raise BusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(deadline_s):
                worker = await self._idle.get()
        except TimeoutError as error:
            raise BusyError from error
        finally:
            self._waiting -= 1
        running = asyncio.create_task(self._run_on(worker, task, files, deadline_s))
        self._keep(running)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # Most tasks end sooner than a process starts; one that does not must not keep others
            # waiting for what nobody wants.
            end = asyncio.get_running_loop().call_later(ABANDONED_S, worker.kill)
            running.add_done_callback(lambda _: end.cancel())
            raise

    async def _run_on(
        self, worker: Worker, task: dict[str, Any], files: Sequence[Descriptor], deadline_s: float
    ) -> Message:
        try:
            async with asyncio.timeout(deadline_s):
                answer = await worker.run(task, files)
        except TimeoutError as error:
            await self._replace(worker)
            raise DecodeTimeoutError from error
        except BaseException:
            await self._replace(worker)
            raise
        self._idle.put_nowait(worker)
        return answer

    async def _replace(self, worker: Worker) -> None:
        self._workers.discard(worker)
        await worker.stop()
        if not self._closing:
            log.warning("worker replaced", extra={"exit": worker.process.returncode})
            self._keep(asyncio.create_task(self._start_again()))

    async def _start_again(self) -> None:
        """A worker in place of one that ended, however long the machine is short of something."""
        pause = RESTART_S[0]
        while True:
            try:
                return await self._start_worker()
            except (OSError, EOFError, TimeoutError) as error:
                log.warning("worker does not start", extra={"kind": type(error).__name__})
                await asyncio.sleep(pause)
                pause = min(pause * 2, RESTART_S[1])

    async def _start_worker(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            number = str(theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "imagery.decoding.worker", number, *self._arguments),
                pass_fds=(theirs.fileno(),),
                env=_worker_environment(),
            )
        ours.setblocking(False)
        worker = Worker(process, ours)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await worker.receive()
        except BaseException:
            await worker.stop()
            raise
        self._workers.add(worker)
        self._idle.put_nowait(worker)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


def _worker_environment() -> dict[str, str]:
    """Ours without settings (the worker needs no keys), and one thread per library."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("IMAGERY_", "AWS_"))}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
