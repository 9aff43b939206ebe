"""Dictionaries that stay small."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """The most recently used values whose weights together stay within ``budget``."""

    def __init__(self, budget: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self.budget = budget
        self.weight = 0
        self._weigh = weigh
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value of ``key``, now the most recently used; None where it is not there."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: K, value: V) -> None:
        """Keep ``value``, unless it alone exceeds the budget; the least recently used leave."""
        self.drop(key)
        weight = self._weigh(value)
        if weight > self.budget:
            return
        self._values[key] = value
        self.weight += weight
        while self.weight > self.budget:
            self.drop(next(iter(self._values)))

    def drop(self, key: K) -> None:
        """Forget ``key``."""
        if key in self._values:
            self.weight -= self._weigh(self._values.pop(key))

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self.weight = 0

    def drop_where(self, unwanted: Callable[[V], bool]) -> None:
        """Forget every value that is ``unwanted``."""
        for key in [key for key, value in self._values.items() if unwanted(value)]:
            self.drop(key)


class ExpiringCache(Generic[K, V]):
    """An LRU cache of ``entries`` values that are forgotten after ``ttl_s`` seconds."""

    def __init__(
        self, entries: int, ttl_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl = ttl_s
        self._clock = clock
        self._entries: LruCache[K, tuple[float, V]] = LruCache(entries)

    def get(self, key: K) -> V | None:
        """The value of ``key`` if it is still good."""
        found = self._entries.get(key)
        if found is None:
            return None
        if found[0] <= self._clock():
            self._entries.drop(key)
            return None
        return found[1]

    def put(self, key: K, value: V, ttl_s: float | None = None) -> None:
        """Keep ``value`` for ``ttl_s`` seconds (default: the cache's own)."""
        life = self._ttl if ttl_s is None else ttl_s
        self._entries.put(key, (self._clock() + life, value))

    def drop(self, key: K) -> None:
        """Forget ``key``."""
        self._entries.drop(key)

    def drop_where(self, unwanted: Callable[[V], bool]) -> None:
        """Forget every value that is ``unwanted``."""
        self._entries.drop_where(lambda entry: unwanted(entry[1]))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
