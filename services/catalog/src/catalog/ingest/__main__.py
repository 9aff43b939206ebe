"""``python -m catalog.ingest REVISION_ID``: the child process that the service starts."""

import asyncio
import ctypes
import signal
import sys

from chassis.logs import configure_logging

from catalog.ingest.run import run
from catalog.settings import Settings

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """End when the service ends, however it ends; its successor starts the ingest again."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Command line."""
    settings = Settings()  # type: ignore[call-arg]  # from the environment
    configure_logging("catalog.ingest", settings.log_level)
    die_with_parent()
    asyncio.run(run(settings, int(sys.argv[1])))


if __name__ == "__main__":
    main()
