"""The distinct values of one field; code 0 is null, code i is value i - 1, in ascending order."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.fields import Value

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.unsignedinteger]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dictionary:
    """Values of a field. ``multi``: each value is a tuple of elements (a comma list)."""

    values: tuple[Value, ...] | tuple[tuple[str, ...], ...]
    multi: bool = False

    @property
    def size(self) -> int:
        """Number of codes, null included."""
        return len(self.values) + 1

    @cached_property
    def elements(self) -> tuple[Value, ...]:
        """What a person filters by: the values, or for comma lists their distinct elements."""
        if not self.multi:
            return self.values  # type: ignore[return-value]
        return tuple(sorted({e for value in self.values for e in value}))  # type: ignore[union-attr]

    @cached_property
    def element_index(self) -> dict[Value, int]:
        """Element to its place in ``elements``, from 1; 0 is null."""
        return {element: i for i, element in enumerate(self.elements, 1)}

    def decode(self, code: int) -> Value | tuple[str, ...] | None:
        """The value of ``code``."""
        return None if code == 0 else self.values[code - 1]

    def members(self, wanted: Iterable[Value | None]) -> Mask:
        """By code: whether the value is one of ``wanted`` (comma lists: holds one of them)."""
        chosen = set(wanted)
        lut = np.zeros(self.size, bool)
        lut[0] = None in chosen
        if self.multi:
            lut[1:] = [not chosen.isdisjoint(value) for value in self.values]  # type: ignore[arg-type]
        else:
            found = [self.element_index[v] for v in chosen if v in self.element_index]
            lut[found] = True
        return lut

    def within(self, bounds: Iterable[tuple[str, Value]]) -> Mask:
        """By code: whether the value lies within ``bounds`` (operator, limit); null never does."""
        lut = np.ones(self.size, bool)
        lut[0] = False
        for operator, limit in bounds:
            lut[1:] &= self._compare(operator, limit)
        return lut

    def _compare(self, operator: str, limit: Value) -> Mask:
        if not self.values:
            return np.zeros(0, bool)
        values: Any = np.asarray(self.values)
        match operator:
            case "gte":
                return np.asarray(values >= limit, bool)
            case "gt":
                return np.asarray(values > limit, bool)
            case "lte":
                return np.asarray(values <= limit, bool)
            case _:
                return np.asarray(values < limit, bool)

    @cached_property
    def membership(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """(start, element) of comma lists: elements of code i are ``element[start[i]:start[i+1]]``.

        Null holds the one element 0.
        """
        index = self.element_index
        per_code = [[0], *([index[e] for e in value] for value in self.values)]  # type: ignore[union-attr]
        start = np.zeros(len(per_code) + 1, np.int32)
        start[1:] = np.cumsum([len(elements) for elements in per_code])
        return start, np.asarray([e for elements in per_code for e in elements], np.int32)

    def per_element(self, counts: Counts) -> Counts:
        """Counts by code as counts by element (both with null first)."""
        if not self.multi:
            return counts
        start, element = self.membership
        spread = np.repeat(counts, np.diff(start))
        return np.bincount(element, weights=spread, minlength=len(self.elements) + 1).astype(
            np.int64
        )


def smallest_codes(codes: npt.NDArray[np.integer], size: int) -> Codes:
    """``codes`` in the smallest unsigned type that holds ``size`` codes."""
    kind = np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.uint32
    return np.ascontiguousarray(codes, dtype=kind)
