"""A worker's side of a job: claim it, train it in its own process, keep the lease, settle."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from chassis.database import Database, database_problem
from chassis.logs import get_logger

from trainer import store
from trainer.outcome import Outcome
from trainer.settings import TrainerSettings

POLL_S = 0.1
# Of the lease: then the training is killed, before somebody else may be given the job.
SAFE_SHARE = 0.8

log = get_logger(__name__)


@dataclass
class Supervisor:
    """Works off due jobs until there are none, or until ``closing`` is set."""

    settings: TrainerSettings
    name: str
    closing: threading.Event = field(default_factory=threading.Event)

    def work(self) -> int:
        """Train due jobs one after the other; how many. Runs in a thread that outlives its jobs."""
        return asyncio.run(self._work())

    async def _work(self) -> int:
        database = Database(self.settings.database_url, pool_size=2)
        done = 0
        try:
            while not self.closing.is_set():
                async with database.transaction() as session:
                    claim = await store.claim_job(session, self.name, self.settings.lease_s)
                if claim is None:
                    break
                done += 1
                await Attempt(self, database, claim).run()
        finally:
            await database.close()
        return done


@dataclass
class Attempt:
    """A claimed job and the process that trains it."""

    supervisor: Supervisor
    database: Database
    claim: store.Claim
    cancelled: bool = False
    lost: str | None = None
    """Why the job is no longer ours, or may not be."""
    renewed_at: float = field(default_factory=time.monotonic)

    @property
    def lease(self) -> store.Lease:
        """What every write names."""
        return self.claim.lease

    async def run(self) -> None:
        """Until the process has ended and the job is settled."""
        about = {"job_id": self.lease.job_id, "attempt": self.claim.attempts}
        log.info("job claimed", extra=about)
        process = self._spawn()
        try:
            status = await self._watch(process)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        log.info("attempt ended", extra=about | {"status": status})
        await self._settle(status)

    def _spawn(self) -> subprocess.Popen[bytes]:
        """The training process, in a session of its own; it dies with this thread."""
        arguments = (self.lease.job_id, str(self.lease.fence), str(os.getpid()))
        return subprocess.Popen(
            [sys.executable, "-m", "trainer.training", *arguments],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            env=training_environment(os.environ),
        )

    async def _watch(self, process: "subprocess.Popen[bytes]") -> int:
        settings, asked_at = self.supervisor.settings, None
        beat_at = 0.0
        while (status := process.poll()) is None:
            now = time.monotonic()
            if now >= beat_at:
                beat_at = now + settings.heartbeat_s
                await self._beat()
            if self.lost is not None:
                process.kill()
            elif asked_at is None and (self.cancelled or self.supervisor.closing.is_set()):
                asked_at = now
                process.terminate()
            elif asked_at is not None and now - asked_at > settings.stop_grace_s:
                process.kill()
            await asyncio.sleep(POLL_S)
        return status

    async def _beat(self) -> None:
        """Renew the lease. Without the database for as long as it lasts, the job is not ours."""
        began = time.monotonic()
        lease_s = self.supervisor.settings.lease_s
        try:
            async with asyncio.timeout(lease_s / 3), self.database.transaction() as session:
                self.cancelled = await store.renew_lease(session, self.lease, lease_s)
            self.renewed_at = began
        except store.LeaseLost as error:
            self.lost = str(error)
        except Exception as error:
            if database_problem(error) is None:
                raise
            silent_s = time.monotonic() - self.renewed_at
            if silent_s > lease_s * SAFE_SHARE:
                self.lost = f"its worker could not reach the database for {silent_s:.0f} s"
            log.warning("heartbeat failed", extra={"error": type(error).__name__})

    async def _settle(self, status: int) -> None:
        """Write what the process could not: stopped, or died."""
        if status in (Outcome.DONE, Outcome.FAILED, Outcome.WAITS):
            return
        settings = self.supervisor.settings
        try:
            async with self.database.transaction() as session:
                if self.cancelled:
                    await store.finish_job(session, self.lease, "cancelled")
                elif self.supervisor.closing.is_set():
                    await store.hand_over(session, self.lease)
                else:
                    reason = self.lost or describe_death(status)
                    limits = (settings.max_attempts, settings.retry_delay_s)
                    await store.give_back(session, self.lease, reason, *limits)
        except store.LeaseLost:
            log.warning("lease was lost", extra={"job_id": self.lease.job_id})
        except Exception as error:
            if database_problem(error) is None:
                raise
            # The sweeper finds the expired lease.
            log.warning("not settled", extra={"job_id": self.lease.job_id})


def training_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Ours, with threads that sleep where they wait for each other.

    By default they spin, which on a machine that does anything else costs twice the processor time
    and three times the time of a step (measured: resnet18, two threads, two busy cores).
    """
    return {"OMP_WAIT_POLICY": "PASSIVE", **ours}


def describe_death(status: int) -> str:
    """Why a training process ended, from its status."""
    if status == -9:
        return "its training process was killed (signal 9): by the system if memory ran out"
    if status < 0:
        return f"its training process died of signal {-status}"
    return f"its training process ended with status {status}"
