"""The vocabularies and shares of the tables, read once from the data files of this package."""

import csv
import io
import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devstack.synthetic.hashing import Floats

Cells = NDArray[np.object_]
Codes = NDArray[np.int64]


@cache
def load(name: str) -> Any:
    """A data file of this package (`columns`, `vocabulary`, `headers`), parsed."""
    return json.loads(files("devstack.synthetic").joinpath(f"data/{name}.json").read_text("utf-8"))


def columns(table: str) -> list[str]:
    """Column names in file order of `clinical`, `metadata`, `clinical_reduced` or
    `metadata_reduced`."""
    return list(load("columns")[table])


def encode_cell(value: object) -> str:
    """A value as a CSV cell, quoted where it must be; None is an empty cell."""
    if value is None:
        return ""
    text = str(value)
    if not any(mark in text for mark in ',"\n\r'):
        return text
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([text])
    return buffer.getvalue()


def cells_of(values: list[Any]) -> Cells:
    """An object array of encoded CSV cells, to be indexed with codes."""
    return np.array([encode_cell(value) for value in values], dtype=object)


@dataclass(frozen=True, eq=False)
class Choice:
    """A weighted vocabulary: codes are drawn, cells are what the codes print as."""

    values: tuple[Any, ...]
    weights: Floats

    @cached_property
    def cells(self) -> Cells:
        """The encoded cell of each code."""
        return cells_of(list(self.values))

    def pick(self, shares: Floats) -> Codes:
        """Codes for uniform numbers in [0, 1): the vocabulary's inverse distribution."""
        edges = np.cumsum(self.weights / self.weights.sum())
        return np.minimum(np.searchsorted(edges, shares, side="right"), len(self.values) - 1)

    def draw(self, rng: np.random.Generator, size: int) -> Codes:
        """`size` codes with the vocabulary's shares."""
        return self.pick(rng.random(size))

    def pick_cells(self, shares: Floats) -> Cells:
        """Encoded cells for uniform numbers in [0, 1)."""
        return np.asarray(self.cells[self.pick(shares)])


def choice_of(pairs: list[list[Any]]) -> Choice:
    """A vocabulary from `[value, weight]` pairs."""
    return Choice(tuple(pair[0] for pair in pairs), np.array([float(pair[1]) for pair in pairs]))


@cache
def choice(*path: str) -> Choice:
    """The weighted vocabulary at a path of `vocabulary.json`, such as `choice("recc", "A")`."""
    node = load("vocabulary")
    for name in path:
        node = node[name]
    return choice_of(node)


@cache
def shares(*path: str) -> Choice:
    """A plain list of weights as a vocabulary of 0, 1, 2 ..."""
    node = load("vocabulary")
    for name in path:
        node = node[name]
    return Choice(tuple(range(len(node))), np.array(node, dtype=float))


EMPTY = ""


def blank(size: int) -> Cells:
    """A column of empty cells."""
    return np.full(size, EMPTY, dtype=object)


def only(mask: NDArray[np.bool_], cells: Cells) -> Cells:
    """The cells where the mask holds, empty cells elsewhere."""
    return np.asarray(np.where(mask, cells, EMPTY), dtype=object)
