"""How a training process tells its worker what became of the job: by its exit status."""

from enum import IntEnum


class Outcome(IntEnum):
    """Exit statuses. DONE, FAILED and WAITS have been written to the database by the process."""

    DONE = 0
    FAILED = 3
    STOPPED = 10
    LOST = 11
    WAITS = 75


class Stopped(Exception):
    """Somebody asked the process to end: a cancelled job, or a worker that shuts down."""


class JobError(Exception):
    """The job cannot succeed however often it is tried; the text is shown to the person."""


class TryLater(Exception):
    """Something the job needs is away; another attempt may find it. The text says what."""
