"""What a table of figures was measured on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def measured_on() -> str:
    """Time, commit, machine, cores and load, for the head of a table."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, {platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the end"
    )


def commit() -> str:
    """The checkout's commit, short; with a plus where something is not committed."""
    told = _git("rev-parse", "--short", "HEAD")
    return told + "+" * bool(_git("status", "--porcelain", "--untracked-files=no", ":(top)*.py"))


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
