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
    """Says how far `what` is: each new step at once, then every `interval_s`, and its end."""

    what: str
    tell: Callable[[str], None]
    interval_s: float = 5.0
    _last: tuple[str, int, float] = field(default=("", -1, 0.0), init=False)

    def update(self, step: str, done: int, total: int) -> None:
        """`done` of `total` of the step are done."""
        last_step, last_done, last_time = self._last
        now = time.monotonic()
        soon = now - last_time < self.interval_s and done != total
        if step == last_step and (soon or done == last_done):
            return
        self._last = step, done, now
        self.tell(f"{self.what}: {step:<24} {bar(done, total)}")
