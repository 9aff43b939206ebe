"""Numbers that depend on nothing but their keys: the tables and the pixels agree on a lesion
because both hash the same ids."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

UInts = NDArray[np.uint64]
Floats = NDArray[np.float64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _scramble(words: UInts) -> UInts:
    """The output function of SplitMix64 (Steele, Lea, Flood 2014), elementwise."""
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))


def hash_keys(*keys: ArrayLike) -> UInts:
    """64 well mixed bits per row of the broadcast integer keys."""
    with np.errstate(over="ignore"):
        mixed: Any = np.uint64(0)
        for key in keys:
            word = np.asarray(key).astype(np.uint64)
            mixed = _scramble(np.atleast_1d((mixed ^ word) + _GAMMA))
    return np.asarray(mixed, dtype=np.uint64)


def uniform(*keys: ArrayLike) -> Floats:
    """A uniform number in [0, 1) per row of the keys."""
    return (hash_keys(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def between(low: ArrayLike, high: ArrayLike, *keys: ArrayLike) -> Floats:
    """A uniform number in [low, high) per row of the keys."""
    least, most = np.asarray(low, np.float64), np.asarray(high, np.float64)
    return np.asarray(least + (most - least) * uniform(*keys), dtype=np.float64)
