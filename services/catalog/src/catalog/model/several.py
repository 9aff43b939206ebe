"""Breasts with several finding rows: the few places where a row's value is not the image's."""

from dataclasses import dataclass

import numpy as np

from catalog.model.bits import WORD_BITS, Edges, Runs, Words, pack, unpack
from catalog.model.dictionary import Counts, Mask
from catalog.model.read_model import ReadModel


@dataclass(frozen=True)
class Several:
    """The images of the breasts that have several finding rows, breast by breast.

    Their rows are ``several_pairs``, breast by breast too.
    """

    edges: Edges  # where the images of each breast begin, and where they end
    pairs: int
    last_pair: Counts
    runs: Runs  # the pairs of each breast
    breast: Counts  # of each image, the place of its breast in ``several_breast``
    bit: Words  # of each image, in its word
    word: Counts  # the words that have such images
    first: Counts  # of each of them, the first such image

    @classmethod
    def of(cls, model: ReadModel) -> "Several":
        """Those of ``model``."""
        begin = model.breast_start[model.several_breast]
        end = model.breast_start[model.several_breast + 1]
        place = np.flatnonzero(model.is_several[model.breast_of_image])
        word, first = np.unique(place // WORD_BITS, return_index=True)
        pairs = np.bincount(model.several_pairs[0], minlength=len(begin))
        last_pair = np.cumsum(pairs) - 1
        return cls(
            Edges.at(np.stack([begin, end], axis=1).ravel()),
            int(pairs.sum()),
            last_pair,
            Runs.ending(last_pair, int(pairs.sum())),
            np.repeat(np.arange(len(begin)), end - begin),
            np.uint64(1) << (place % WORD_BITS).astype(np.uint64),
            word,
            first,
        )

    def count(self, words: Words) -> Counts:
        """Number of ones of each breast."""
        return self.edges.count(words)[::2]

    def planes(self, words: Words) -> Words:
        """The same numbers in binary, at the last pair of each breast: a row a digit."""
        number = np.zeros(self.pairs, np.int64)
        number[self.last_pair] = self.count(words)
        digits = range(max(1, int(number.max(initial=0)).bit_length()))
        return np.stack([pack((number >> digit & 1).astype(bool)) for digit in digits])

    def any_pair(self, pairs: Words) -> Mask:
        """By breast: whether one of its pairs is among ``pairs``."""
        return unpack(self.runs.hit(pairs), self.pairs)[self.last_pair]

    def images_of(self, breasts: Mask, size: int) -> Words:
        """The images of some of these breasts, in ``size`` words."""
        found = np.zeros(size, np.uint64)
        if len(self.first):
            chosen = np.where(breasts[self.breast], self.bit, np.uint64(0))
            found[self.word] = np.bitwise_or.reduceat(chosen, self.first)
        return found
