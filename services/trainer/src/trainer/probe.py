"""``python -m trainer.probe``: exit 0 where a worker with this scratch folder has reported lately.

A health check beside training runs every few seconds and has to cost next to nothing: it asks no
server and imports no package. A worker that has told the database that it lives leaves its pid.
"""

import os
import socket
import sys
import time
from pathlib import Path

SCRATCH = Path("/var/tmp/embedlab-trainer")  # noqa: S108 - a container's, or given by TRAINER_SCRATCH
LATE_S = 30.0


def pulse(scratch: Path) -> Path:
    """The file that a worker of this host writes its pid to, with each of its heartbeats."""
    return scratch / f"pulse-{socket.gethostname()}"


def is_alive(scratch: Path) -> bool:
    """Whether the worker that wrote last did so lately, and still runs."""
    try:
        file = pulse(scratch)
        late = time.time() - file.stat().st_mtime > LATE_S
        os.kill(int(file.read_text()), 0)
    except (OSError, ValueError):
        return False
    return not late


if __name__ == "__main__":
    sys.exit(0 if is_alive(Path(os.environ.get("TRAINER_SCRATCH", SCRATCH))) else 1)
