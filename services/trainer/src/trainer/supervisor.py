"""A worker's side of a job: claim it, train it in its own process, keep the lease, settle."""

import asyncio
import shutil
import threading
import time
from dataclasses import dataclass, field

from chassis.database import Database, database_problem
from chassis.logs import get_logger
from sqlalchemy.ext.asyncio import AsyncSession

from trainer import store
from trainer.outcome import Outcome
from trainer.settings import TrainerSettings
from trainer.standby import Process, Standby

POLL_S = 0.1
# Of the lease: then the training is killed, before somebody else may be given the job.
SAFE_SHARE = 0.8
# A cancelled job keeps nothing, so nothing is worth waiting for.
CANCEL_GRACE_S = 0.5

log = get_logger(__name__)


@dataclass
class Supervisor:
    """Works off due jobs until there are none, or until ``closing`` is set."""

    settings: TrainerSettings
    name: str
    closing: threading.Event = field(default_factory=threading.Event)
    standby: Standby = field(init=False)

    def __post_init__(self) -> None:
        self.standby = Standby(self.settings.own_gpus)

    def work(self) -> int:
        """Train due jobs one after the other; how many. Runs in a thread that outlives its jobs."""
        done = asyncio.run(self._work())
        if self.closing.is_set():
            self.standby.dismiss()
        else:
            self.standby.prepare()
        return done

    async def _work(self) -> int:
        database = Database(self.settings.database_url, pool_size=2)
        done = 0
        try:
            while not self.closing.is_set():
                async with database.transaction() as session:
                    claim = await store.claim_job(
                        session, self.name, self.settings.lease_s, self.settings.max_running
                    )
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
    overdue: str | None = None
    """Why it may not go on: its time is over."""
    progress: object = None
    began_at: float = field(default_factory=time.monotonic)
    renewed_at: float = field(default_factory=time.monotonic)
    moved_at: float = field(default_factory=time.monotonic)

    @property
    def lease(self) -> store.Lease:
        """What every write names."""
        return self.claim.lease

    async def run(self) -> None:
        """Until the process has ended and the job is settled."""
        about = {"job_id": self.lease.job_id, "attempt": self.claim.attempts}
        process = self.supervisor.standby.start(self.lease)
        try:
            log.info("job claimed", extra=about | {"training_pid": process.pid})
            status = await self._watch(process)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        log.info("attempt ended", extra=about | {"status": status})
        shutil.rmtree(self.lease.folder(self.supervisor.settings.scratch), ignore_errors=True)
        await self._settle(status)

    async def _watch(self, process: Process) -> int:
        settings, asked_at = self.supervisor.settings, None
        beat_at = 0.0
        while (status := process.poll()) is None:
            now = time.monotonic()
            if now >= beat_at:
                beat_at = now + settings.heartbeat_s
                await self._beat()
            grace = CANCEL_GRACE_S if self.cancelled else settings.stop_grace_s
            if self.lost is not None or self.overdue is not None:
                process.kill()
            elif asked_at is None and (self.cancelled or self.supervisor.closing.is_set()):
                asked_at = now
                process.terminate()
            elif asked_at is not None and now - asked_at > grace:
                process.kill()
            await asyncio.sleep(POLL_S)
        return status

    async def _beat(self) -> None:
        """Renew the lease. Without the database for as long as it lasts, the job is not ours."""
        began = time.monotonic()
        lease_s = self.supervisor.settings.lease_s
        try:
            async with asyncio.timeout(lease_s / 3), self.database.transaction() as session:
                held = await store.renew_lease(session, self.lease, lease_s)
            self.renewed_at, self.cancelled = began, held.cancel_requested
            self._check_time(began, held.progress)
        except store.LeaseLost as error:
            self.lost = str(error)
        except Exception as error:
            if database_problem(error) is None:
                raise
            silent_s = time.monotonic() - self.renewed_at
            if silent_s > lease_s * SAFE_SHARE:
                self.lost = f"its worker could not reach the database for {silent_s:.0f} s"
            log.warning("heartbeat failed", extra={"error": type(error).__name__})

    def _check_time(self, now: float, progress: object) -> None:
        """Whether the job has stood still, or taken its time."""
        if progress != self.progress:
            self.progress, self.moved_at = progress, now
        stall_s, limit_s = self.supervisor.settings.stall_s, self.claim.time_limit_s
        if now - self.moved_at > stall_s:
            self.lost = f"its training process made no progress for {stall_s:.0f} s"
        if limit_s is not None and now - self.began_at > limit_s:
            self.overdue = (
                f"its time limit of {limit_s / 60:g} minutes is over; "
                "retried, it goes on from its last epoch"
            )

    async def _settle(self, status: int) -> None:
        """Write what the process could not: stopped, or died."""
        if status in (Outcome.DONE, Outcome.FAILED, Outcome.WAITS):
            return
        try:
            async with self.database.transaction() as session:
                await self._write_end(session, status)
        except store.LeaseLost:
            log.warning("lease was lost", extra={"job_id": self.lease.job_id})
        except Exception as error:
            if database_problem(error) is None:
                raise
            # The sweeper finds the expired lease.
            log.warning("not settled", extra={"job_id": self.lease.job_id})

    async def _write_end(self, session: AsyncSession, status: int) -> None:
        settings = self.supervisor.settings
        if self.cancelled:
            await store.finish_job(session, self.lease, "cancelled")
        elif self.overdue is not None:
            await store.finish_job(session, self.lease, "failed", reason=self.overdue)
        elif self.supervisor.closing.is_set():
            await store.hand_over(session, self.lease)
        else:
            reason = self.lost or describe_death(status)
            limits = (settings.max_attempts, settings.retry_delay_s)
            await store.give_back(session, self.lease, reason, *limits)


def describe_death(status: int) -> str:
    """Why a training process ended, from its status."""
    if status == -9:
        return "its training process was killed (signal 9): by the system if memory ran out"
    if status < 0:
        return f"its training process died of signal {-status}"
    return f"its training process ended with status {status}"
