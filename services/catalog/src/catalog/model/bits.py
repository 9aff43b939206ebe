"""Sets of places as words of 64 bits, and what is counted in them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.model.dictionary import Counts, Mask

Words = npt.NDArray[np.uint64]

WORD_BYTES = 8
WORD_BITS = 64


def pack(mask: Mask) -> Words:
    """The mask as words of 64 images; bits past the end are 0."""
    bits = np.packbits(mask, bitorder="little")
    padded = np.zeros(-(-len(bits) // WORD_BYTES) * WORD_BYTES, np.uint8)
    padded[: len(bits)] = bits
    return padded.view(np.uint64)


def unpack(words: Words, size: int) -> Mask:
    """The mask of ``size`` images that was packed."""
    bits = np.unpackbits(words.view(np.uint8), count=size, bitorder="little")
    return bits.view(np.bool_)


def spread(chosen: Mask, start: npt.NDArray[np.integer]) -> Words:
    """The places of the slices that are chosen; slice i is ``start[i]:start[i + 1]``, never empty.

    A third of the time of a look at each place: bits are set where the choice turns, and each place
    has the parity of the turns before it.
    """
    size = int(start[-1])
    turns = np.zeros(size, bool)
    turns[start[np.flatnonzero(np.diff(chosen, prepend=False))]] = True
    words = pack(turns)
    for shift in (1, 2, 4, 8, 16, 32):
        words ^= words << np.uint64(shift)
    odd = np.bitwise_xor.accumulate(words >> np.uint64(WORD_BITS - 1))
    words[1:] ^= np.uint64(0) - odd[:-1]
    if size % WORD_BITS:
        words[-1] &= np.uint64((1 << size % WORD_BITS) - 1)
    return words


def count_bits(words: Words) -> Counts:
    """Number of ones along the last axis."""
    # 32 bits hold any number of images, and are summed quicker.
    return np.asarray(np.bitwise_count(words).sum(axis=-1, dtype=np.uint32), np.int64)


def count_common(bits: Words, words: Words) -> Counts:
    """Number of ones that each row of ``bits`` has in common with ``words``."""
    filled = np.flatnonzero(words)
    if len(filled) * 2 < len(words):  # half of all filters leave an eighth of the words
        bits, words = np.take(bits, filled, axis=1), words[filled]
    return count_bits(bits & words)


@dataclass(frozen=True)
class Edges:
    """Where slices of images begin, and the last one ends: a word, and the bits before in it."""

    word: Counts
    before: Words

    @classmethod
    def at(cls, start: npt.NDArray[np.integer]) -> "Edges":
        """Edges at places of images."""
        place = start.astype(np.int64)
        before = (np.uint64(1) << (place % WORD_BITS).astype(np.uint64)) - np.uint64(1)
        return cls(place // WORD_BITS, before)

    def count(self, words: Words) -> Counts:
        """Number of ones in each slice."""
        running = np.zeros(len(words) + 1, np.int64)
        np.cumsum(np.bitwise_count(words), out=running[1:])
        # The last edge may be the end of all words.
        partly = np.append(words, np.uint64(0))[self.word] & self.before
        return np.asarray(np.diff(running[self.word] + np.bitwise_count(partly)), np.int64)


@dataclass(frozen=True)
class Runs:
    """Runs of places that cover them all, such as an exam's images: which of them have a one.

    ``last`` has a bit at the end of each run, ``others`` at its other places. Adding ``others`` to
    the ones among them carries into the end of a run exactly where there is such a one.
    """

    last: Words
    others: Words

    @classmethod
    def ending(cls, last: npt.NDArray[np.integer], size: int) -> "Runs":
        """Runs that end at the places ``last`` of ``size``."""
        ends = np.zeros(size, bool)
        ends[last] = True
        return cls(pack(ends), pack(~ends))

    def hit(self, words: Words) -> Words:
        """A bit at the end of each run that has a one; ``words`` lie along the last axis."""
        total = (words & self.others) + self.others
        carried = total < self.others
        while carried[..., :-1].any():  # into the next word, and on where a run fills that
            total[..., 1:] += carried[..., :-1]
            carried[..., 1:] = carried[..., :-1] & (total[..., 1:] == 0)
            carried[..., 0] = False
        return np.asarray((total | words) & self.last, np.uint64)
