"""A circuit breaker: a service that cannot be reached is not tried again for each request."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Breaker:
    """Opens after ``threshold`` failures in a row; every ``pause_s`` one request tries again.

    Only failures to connect and lost connections count: a slow answer is not an absent service.
    """

    threshold: int = 5
    pause_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _try_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the service counts as away."""
        return self._failures >= self.threshold

    def allows(self) -> bool:
        """Whether a request may be sent now; an open breaker lets one through per pause."""
        if not self.is_open:
            return True
        now = self.clock()
        if now < self._try_at:
            return False
        self._try_at = now + self.pause_s
        return True

    def succeeded(self) -> None:
        """The service answered, whatever it said."""
        self._failures = 0

    def failed(self) -> None:
        """The service could not be reached."""
        self._failures += 1
        self._try_at = self.clock() + self.pause_s
