"""One attempt at one job, in a process of its own. Its exit status is an `Outcome`.

It imports what it needs and then waits to be told, by a line "JOB FENCE" on its standard input.
"""

import importlib
import os
import select
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from chassis.logs import configure_logging, get_logger

from trainer import store
from trainer.catalog import UpstreamError
from trainer.outcome import JobError, Outcome, Stopped, TryLater
from trainer.parents import die_with_parent
from trainer.samples import SamplesError
from trainer.settings import TrainerSettings, settings_from_environment

if TYPE_CHECKING:
    from trainer.training.session import Session

log = get_logger("trainer.training")


def main(arguments: list[str]) -> Outcome:
    """Train the job that the worker, whose PID is the argument, names."""
    die_with_parent(int(arguments[0]))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to hear
    settings = settings_from_environment()
    configure_logging("trainer.training", settings.log_level)
    prepare()
    words = sys.stdin.readline().split()
    if not words:
        return Outcome.STOPPED
    return run(settings, store.Lease(words[0], int(words[1])), stopping)


def prepare() -> None:
    """Import what most jobs need, until one is named; what is left then is imported in passing."""
    for module in ("job", "torch_compat", "baseline"):
        package = "trainer.evaluation" if module == "baseline" else "trainer.training"
        importlib.import_module(f"{package}.{module}")
        if select.select([sys.stdin], [], [], 0)[0]:
            return


def run(settings: TrainerSettings, lease: store.Lease, stopping: threading.Event) -> Outcome:
    """Train under a lease and write how it ended."""
    from trainer.training.job import train_job
    from trainer.training.session import Session

    try:
        with Session(settings, lease, stopping) as session:
            try:
                train_job(session)
            except Stopped:
                return Outcome.STOPPED
            except store.LeaseLost:
                return Outcome.LOST
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason
                return _settle(session, error)
    except Stopped:
        return Outcome.STOPPED
    return Outcome.DONE


def _settle(session: "Session", error: Exception) -> Outcome:
    """Write down why the attempt ended; whether another may follow."""
    log.warning("attempt ended", extra={"error": f"{type(error).__name__}: {error}"})
    if isinstance(error, TryLater) or (isinstance(error, UpstreamError) and error.is_transient):
        settings = session.settings
        session.write(
            lambda s: store.give_back(
                s, session.lease, str(error), settings.max_attempts, settings.retry_delay_s
            )
        )
        return Outcome.WAITS
    reason = str(error)
    if not isinstance(error, (JobError, SamplesError, UpstreamError)):
        traceback.print_exception(error)
        for line in "".join(traceback.format_exception(error)).splitlines():
            session.note(line, "error")
        reason = f"{type(error).__name__}: {error}"
    session.write(lambda s: store.finish_job(s, session.lease, "failed", reason=reason))
    return Outcome.FAILED


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a cancelled job need not wait for torch to take itself down
