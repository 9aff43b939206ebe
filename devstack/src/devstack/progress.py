"""Progress as lines of text: readable in a log file, in a container's output and on a terminal."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_WIDTH = 30


def bar(done: int, total: int) -> str:
    """`[=====     ]  50 %` for 5 of 10; an unknown total (0) shows the count alone."""
    if total <= 0:
        return f"{done}"
    share = min(done / total, 1.0)
    filled = int(share * _WIDTH)
    return f"[{'=' * filled}{' ' * (_WIDTH - filled)}] {share:4.0%}  {done}/{total}"


@dataclass
class Progress:
    """Says how far something is, at most once in `interval_s` and always at its end."""

    what: str
    tell: Callable[[str], None]
    interval_s: float = 2.0
    _told: float = field(default=-1e9, init=False)

    def update(self, done: int, total: int) -> None:
        """`done` of `total` are done."""
        now = time.monotonic()
        if now - self._told < self.interval_s and done != total:
            return
        self._told = now
        self.tell(f"{self.what:<28} {bar(done, total)}")
