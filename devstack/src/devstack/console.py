"""What a person reads: one line per event, prefixed by the process, coloured on a terminal."""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

_COLOURS = (36, 32, 33, 34, 35, 96, 92, 93, 94, 95)
_LEVEL_COLOURS = {"warning": 33, "error": 31, "critical": 31}
# Said already by the prefix, or of no use to a reader.
_SILENT = {"time", "level", "service", "message", "request_id", "exception", "logger"}
_ROTATE_BYTES = 32 * 1024 * 1024


def describe_json_line(line: str) -> tuple[str, str]:
    """(level, readable text) of a service's JSON log line; any other line is itself, info."""
    try:
        record = json.loads(line)
    except ValueError:
        return "info", line
    if not isinstance(record, dict):
        return "info", line
    if record.get("message") == "request":
        text = "{method} {route} {status}  {ms} ms".format_map(_Known(record))
    else:
        details = " ".join(f"{k}={_short(v)}" for k, v in record.items() if k not in _SILENT)
        text = f"{record.get('message', '')}  {details}".strip()
    if record.get("exception"):
        text = f"{text}\n{record['exception']}"
    return str(record.get("level", "info")), text


class _Known(dict[str, Any]):
    """A record of which a member may be missing."""

    def __missing__(self, key: str) -> str:
        return "-"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass
class Console:
    """Writes prefixed lines; colours only where a terminal reads and NO_COLOR is not set."""

    names: Iterable[str]
    out: IO[str] = field(default_factory=lambda: sys.stdout)

    def __post_init__(self) -> None:
        names = ["devstack", *self.names]
        self.width = max(map(len, names))
        self._colours = {n: _COLOURS[i % len(_COLOURS)] for i, n in enumerate(names)}
        self._coloured = self.out.isatty() and "NO_COLOR" not in os.environ

    def write(self, name: str, text: str, level: str = "info") -> None:
        """Write each line of `text` after the time and the process's name."""
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        prefix = self._paint(f"{now} {name:<{self.width}} │", self._colours.get(name, 37))
        for line in text.splitlines():
            self.out.write(f"{prefix} {self._paint(line, _LEVEL_COLOURS.get(level))}\n")
        self.out.flush()

    def _paint(self, text: str, colour: int | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured and colour else text


@dataclass
class LogFollower:
    """Reads what processes append to their log files, shows `shown`, keeps the files bounded."""

    folder: Path
    names: Iterable[str]
    shown: Iterable[str]
    console: Console | None

    def __post_init__(self) -> None:
        self._offsets = {name: self._size(name) for name in self.names}

    def _size(self, name: str) -> int:
        path = self.folder / f"{name}.log"
        return path.stat().st_size if path.exists() else 0

    def poll(self) -> None:
        """Show the complete lines written since the last call."""
        for name in self._offsets:
            if self.console is not None and name in self.shown:
                for line in self.read_new(name).splitlines():
                    level, text = describe_json_line(line)
                    self.console.write(name, text, level)
            if self._size(name) > _ROTATE_BYTES:
                self._rotate(name)

    def read_new(self, name: str) -> str:
        """The complete lines that `name` has written since they were last read."""
        offset = self._offsets[name]
        if self._size(name) <= offset:
            return ""
        with (self.folder / f"{name}.log").open("rb") as log:
            log.seek(offset)
            complete = b"".join(log.read().rpartition(b"\n")[:2])
        self._offsets[name] += len(complete)
        return complete.decode(errors="replace")

    def _rotate(self, name: str) -> None:
        # Processes hold the file open for appending: it is copied and emptied, not renamed.
        path = self.folder / f"{name}.log"
        path.with_suffix(".log.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)
        self._offsets[name] = 0
