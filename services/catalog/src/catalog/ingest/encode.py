"""Blocks of CSV records into small codes, column by column, as they stream by."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog.ingest.faults import SourceFault
from catalog.ingest.records import NEWLINE, count, find_fault, find_loose_quote

Any1D = npt.NDArray[np.unsignedinteger]

NULL = 2**32 - 1  # one more is code 0


@dataclass(frozen=True)
class RawColumn:
    """A column as it stands in the file: code 0 is the empty cell, code i is ``words[i - 1]``."""

    codes: Any1D
    words: tuple[str, ...]


class TableEncoder:
    """Codes of some columns of one file, and the text of some expressions over its columns.

    Not thread safe; blocks come in order. Memory grows by one to four bytes a cell of ``coded``.
    """

    def __init__(
        self, source: str, names: Sequence[str], coded: set[str], kept: Mapping[str, pl.Expr]
    ) -> None:
        self.source = source
        self.width = len(names)
        self.rows = 0
        self._line = 2
        self._coded = [name for name in names if name in coded]
        self._kept = [expression.alias(name) for name, expression in kept.items()]
        wanted = set(self._coded) | set(kept)
        self._places = [i for i, name in enumerate(names) if name in wanted]
        space = secrets.token_hex(8)
        self._categories = {name: pl.Categories(name, space, pl.UInt32) for name in self._coded}
        self._schema = {
            name: pl.Categorical(self._categories[name]) if name in self._categories else pl.String
            for name in names
        }
        # polars forgets the words of categories of which there is no column left.
        self._column_of_each = pl.DataFrame(schema=self._schema)
        self._codes: dict[str, list[Any1D]] = {name: [] for name in self._coded}
        self._texts: dict[str, list[pl.Series]] = {name: [] for name in kept}
        self._to_codes = [pl.col(name).to_physical().fill_null(NULL) for name in self._coded]

    def add(self, block: bytes) -> None:
        """Take a block of whole records; a SourceFault names the line that is wrong."""
        frame = self._parse(block)
        physical = frame.select(self._to_codes)
        texts = frame.select(self._kept)
        for name in self._coded:
            self._codes[name].append(_smallest(physical[name].to_numpy() + np.uint32(1)))
        for name, blocks in self._texts.items():
            blocks.append(texts[name])
        self.rows += frame.height
        self._line += count(block, NEWLINE)

    def _parse(self, block: bytes) -> pl.DataFrame:
        # Of a cell that goes on after its quotes, the parser of categories drops the rest.
        if b"\x00" in block or find_loose_quote(block) is not None:
            raise self.fault_in(block)
        try:
            if not block.isascii():  # nearly free, and nearly always so
                block.decode("utf-8")
            return pl.read_csv(block, has_header=False, schema=self._schema, columns=self._places)
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            raise self.fault_in(block) from error

    def fault_in(self, block: bytes) -> SourceFault:
        """What is wrong in the block that would come next."""
        return find_fault(self.source, block, self._line, self.width)

    def columns(self) -> dict[str, RawColumn]:
        """The coded columns; their blocks are given up."""
        return {name: self._column(name) for name in self._coded}

    def _column(self, name: str) -> RawColumn:
        blocks = self._codes.pop(name)
        codes = np.concatenate(blocks) if blocks else np.zeros(0, np.uint8)
        seen = np.flatnonzero(np.bincount(codes)[1:]) if len(codes) else np.zeros(0, np.int64)
        physical = pl.Series(seen.astype(np.uint32))
        words = physical.cat.to(pl.Categorical(self._categories[name])).cast(pl.String)
        # Categories are numbered with gaps where threads met new ones at the same time.
        dense = np.zeros(int(seen[-1]) + 2 if len(seen) else 1, np.uint32)
        dense[seen + 1] = np.arange(1, len(seen) + 1)
        return RawColumn(_smallest(dense[codes]), tuple(words.to_list()))

    def texts(self, name: str) -> pl.Series:
        """The text of a kept expression."""
        blocks = self._texts.pop(name)
        return pl.concat(blocks) if blocks else pl.Series(name, [], pl.String)


def _smallest(codes: npt.NDArray[np.uint32]) -> Any1D:
    top = int(codes.max()) if len(codes) else 0
    kind = np.uint8 if top < 2**8 else np.uint16 if top < 2**16 else np.uint32
    return codes.astype(kind)
