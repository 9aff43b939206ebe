"""Bits of images: counted by slice, and no more of them kept than asked for."""

from random import Random

import numpy as np
import pytest
from catalog.counting import count_facets
from catalog.grammar import parse_json
from catalog.model import bitmaps
from catalog.model.bitmaps import bitmaps_of
from catalog.model.bits import Edges, Runs, pack, spread, unpack
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog.tables import build_model, draw


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=200), min_size=1, max_size=9))
def test_ones_are_counted_slice_by_slice(slices: list[list[bool]]) -> None:
    mask = np.concatenate([np.asarray(part) for part in slices])
    start = np.cumsum([0, *map(len, slices)])
    words = pack(mask)
    assert unpack(words, len(mask)).tolist() == mask.tolist()
    assert Edges.at(start).count(words).tolist() == [sum(part) for part in slices]
    chosen = np.asarray([any(part) for part in slices])
    everywhere = np.repeat(chosen, np.diff(start))
    assert spread(chosen, start).tolist() == pack(everywhere).tolist()
    last = start[1:] - 1
    for rows in (words, np.stack([words, words ^ words])):
        hit = Runs.ending(last, len(mask)).hit(rows)
        found = [unpack(row, len(mask)).tolist() for row in np.atleast_2d(hit)]
        expected = np.zeros(len(mask), bool)
        expected[last] = chosen
        assert found == [expected.tolist(), [False] * len(mask)][: len(found)]


def test_bitmaps_given_up_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["asses", "side", "tissueden", "ViewPosition"]
    conditions = parse_json({"asses": ["N", "A"], "ImageLateralityFinal": ["L"]})
    expected = count_facets(build_model(draw(Random(3))), conditions, names, "images")
    monkeypatch.setattr(bitmaps, "MAX_KEPT", 1)
    model = build_model(draw(Random(3)))
    assert count_facets(model, conditions, names, "images") == expected
    assert not any(bitmaps_of(model).is_made(condition.field) for condition in conditions.values())
