"""The stack's folder: who runs in it, its secrets, what is known of its processes."""

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from devstack.processes import Status


class AlreadyRunningError(RuntimeError):
    """Another supervisor holds the folder."""


def write_private(path: Path, value: object) -> None:
    """Write JSON that only we may read, whole or not at all."""
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=2)
    part.replace(path)


def read_json(path: Path) -> Any:
    """The JSON in a file; None where there is no file."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class StackFolder:
    """Paths and small files below `root` (by default `.devstack` of a clone)."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def credentials_path(self) -> Path:
        return self.root / "credentials.json"

    @property
    def state_path(self) -> Path:
        return self.root / "state.json"

    @property
    def demo_mark(self) -> Path:
        """Exists once the demo data are complete and served."""
        return self.root / "demo-ingested"

    def create(self) -> None:
        """Make the folder; others may pass through it (PostgreSQL's user must), not look around."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for name in ("logs", "keys", "s3", "broker", "cache"):
            (self.root / name).mkdir(exist_ok=True)
            (self.root / name).chmod(0o700)

    def lock(self) -> IO[str]:
        """Hold the folder while the returned file is open; AlreadyRunningError if another does."""
        file = (self.root / "lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise AlreadyRunningError(f"a stack is already running in {self.root}") from None
        return file

    def secrets(self, *names: str) -> dict[str, str]:
        """Random secrets by name, made on first use and kept in a file of mode 0600."""
        path = self.root / "secrets.json"
        kept: dict[str, str] = read_json(path) or {}
        missing = {name: secrets.token_hex(20) for name in names if name not in kept}
        if missing:
            kept |= missing
            write_private(path, kept)
        return {name: kept[name] for name in names}

    def write_state(self, url: str, ready: bool, statuses: Mapping[str, Status]) -> None:
        """Record the supervisor (this process) and its processes for `status` and `down`."""
        state = {
            "url": url,
            "ready": ready,
            "supervisor": {"pid": os.getpid(), "started": psutil.Process().create_time()},
            "processes": [asdict(status) for status in statuses.values()],
        }
        write_private(self.state_path, state)

    def read_state(self) -> dict[str, Any] | None:
        """The recorded state while its supervisor lives, else None."""
        state: dict[str, Any] | None = read_json(self.state_path)
        return state if state and find_supervisor(state) else None


def find_supervisor(state: Mapping[str, Any]) -> psutil.Process | None:
    """The supervisor of a recorded state, unless it has gone or its pid is another's by now."""
    recorded = state["supervisor"]
    try:
        process = psutil.Process(recorded["pid"])
        same = abs(process.create_time() - recorded["started"]) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
