"""What commands print: tables for people, JSON lines for programs, progress that does not flood."""

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def say(text: str) -> None:
    """A line for the reader."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """A line beside the output."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """One JSON value on one line."""
    say(json.dumps(value, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> int:
    """Rows as aligned columns or as JSON lines; how many there were."""
    found = list(rows)
    if as_json:
        for row in found:
            print_json(row)
        return len(found)
    cells = [[_cell(row.get(column)) for column in columns] for row in found]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in (columns, *cells):
        say("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
    return len(found)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


class ProgressLine:
    """One line that is written over on a terminal; elsewhere a line every few seconds."""

    def __init__(self, every_s: float = 5.0) -> None:
        self._overwrites = sys.stderr.isatty()
        self._every_s = every_s
        self._last = ""
        self._said_at = -every_s

    def show(self, text: str) -> None:
        """The present state."""
        if text == self._last:
            return
        now = time.monotonic()
        if self._overwrites:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif now - self._said_at >= self._every_s:
            warn(text)
            self._said_at = now
        self._last = text

    def end(self) -> None:
        """Leave the last state standing."""
        if self._overwrites and self._last:
            sys.stderr.write("\n")
        self._last = ""
