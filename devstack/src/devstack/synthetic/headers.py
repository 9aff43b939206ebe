"""Header columns that are drawn per image from `headers.json`: by maker, from a list, or from a
grid of numbers."""

from functools import cache
from typing import Any

import numpy as np

from devstack.synthetic.arrays import Ints
from devstack.synthetic.hashing import Floats, uniform
from devstack.synthetic.vocabulary import Cells, blank, cells_of, choice_of, load, only

MAKERS = ("hologic", "ge", "fuji")
_SALT = 1000


def drawn_headers(number: Ints, maker: Ints, study_time: Cells) -> dict[str, Cells]:
    """One column per entry of `headers.json`. Nothing but image number and maker decides a cell:
    no label leaks in."""
    columns = {}
    for place, (name, rule) in enumerate(load("headers").items()):
        salt = _SALT + 2 * place
        cells = _drawn(name, rule, number, maker, salt, study_time)
        missing = rule.get("null", 0.0)
        columns[name] = only(uniform(number, salt + 1) >= missing, cells) if missing else cells
    return columns


def _drawn(
    name: str, rule: dict[str, Any], number: Ints, maker: Ints, salt: int, study_time: Cells
) -> Cells:
    if "like" in rule:
        return study_time
    if "grid" in rule:
        return _from_grid(name, rule, uniform(number, salt), uniform(number, salt, 7))
    if "values" in rule:
        return _from_list(rule["values"], number, salt)
    cells = blank(len(number))
    for code, word in enumerate(MAKERS):
        rows = np.flatnonzero(maker == code)
        if rule[word]:
            cells[rows] = _from_list(rule[word], number[rows], salt)
    return cells


def _from_list(pairs: list[list[Any]], number: Ints, salt: int) -> Cells:
    if len(pairs) == 1:
        return np.full(len(number), cells_of([pairs[0][0]])[0], dtype=object)
    return choice_of(pairs).pick_cells(uniform(number, salt))


@cache
def _grid_cells(name: str) -> Cells:
    low, high, step = load("headers")[name]["grid"]
    decimals = load("headers")[name]["decimals"]
    count = round((high - low) / step) + 1
    return cells_of([f"{low + step * i:.{decimals}f}" for i in range(count)])


def _from_grid(name: str, rule: dict[str, Any], first: Floats, second: Floats) -> Cells:
    """A roughly normal number (sum of two uniforms) around the centre, on the grid's steps."""
    low, _, step = rule["grid"]
    cells = _grid_cells(name)
    value = rule["centre"] + rule["spread"] * 2.45 * (first + second - 1)
    return np.asarray(
        cells[np.clip(np.rint((value - low) / step), 0, len(cells) - 1).astype(np.int64)]
    )
