"""The catalog against pandas, on random tables and random filters: no difference is allowed."""

from random import Random
from typing import Any

import pytest
from catalog.counting import count_facets
from catalog.grammar import canonical, parse_json, parse_query
from catalog.model import archive
from catalog.model.listing import page_of
from catalog.model.select import CompiledFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog import reference
from tests.catalog.reference import Reference
from tests.catalog.tables import VALUES, build_model, draw

FIELDS = [
    n
    for n in VALUES
    if n in (*reference.FINDING, *reference.EXAM, *reference.PATIENT, *reference.IMAGE)
]
RANGES = ("numfind", "age_at_study", "num_roi")
COUNTED = [name for name in FIELDS if name not in RANGES]


def choices(name: str) -> list[Any]:
    """Values that a condition on the field may name."""
    if name == "recc":
        return ["B", "U", "1", None]
    return [*dict.fromkeys(VALUES[name]), *([None] if None not in VALUES[name] else [])]


def draw_filter(rng: Random) -> dict[str, Any]:
    """Up to four conditions; every operator occurs."""
    return {name: _draw_part(rng, name) for name in rng.sample(FIELDS, rng.randint(0, 4))}


def _draw_part(rng: Random, name: str) -> Any:
    values = rng.sample(choices(name), rng.randint(1, 2))
    kind = rng.choice(["in", "in", "not", "none", "both", "range"])
    if kind == "range" and name in reference.NUMBERS:
        return {"gte": rng.choice([0, 1, 40]), **({"in": [None]} if rng.random() < 0.3 else {})}
    if kind == "both":
        return {"in": values, "not": rng.sample(choices(name), 1)}
    return values if kind in ("in", "range") else {kind: values}


def without_unlisted(conditions: dict[str, Any], known: dict[str, set[Any]]) -> dict[str, Any]:
    """Leave out values that neither legend nor data has: those are refused, and tested apart."""
    kept = {}
    for name, part in conditions.items():
        spec = part if isinstance(part, dict) else {"in": part}
        cleaned = {}
        for operator, values in spec.items():
            if isinstance(values, list):
                values = [
                    v for v in values if v is None or v in known.get(name, set()) or name in RANGES
                ]
            if values != []:
                cleaned[operator] = values
        if cleaned:
            kept[name] = cleaned
    return kept


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32))
def test_totals_and_facets_agree_with_pandas(seed: int) -> None:
    rng = Random(seed)
    tables = draw(rng)
    model, truth = build_model(tables), Reference(tables.clinical, tables.metadata)
    known = {name: set(model.dictionaries[name].elements) for name in FIELDS}
    for _ in range(3):
        conditions = without_unlisted(draw_filter(rng), known)
        parsed = parse_json(conditions)
        unit = rng.choice(["images", "exams", "patients"])
        names = sorted({*rng.sample(COUNTED, 3), *(n for n in conditions if n in COUNTED)})
        counted = count_facets(model, parsed, names, unit)
        assert counted["total"] == truth.totals(conditions), conditions
        for name in names:
            ours = {o["value"]: o["count"] for o in counted["facets"][name] if o["count"]}
            assert ours == truth.facet(name, conditions, unit), (name, unit, conditions)
        selected = CompiledFilter(model, parsed).select().places
        ids = set(model.image_id[selected].tolist())
        expected = truth.select(conditions).index
        images = truth.rows.loc[expected, "uid"].nunique()
        assert len(ids) == images


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_pages_list_every_image_once_in_order(seed: int) -> None:
    rng = Random(seed)
    model = build_model(draw(rng))
    known = {name: set(model.dictionaries[name].elements) for name in FIELDS}
    conditions = parse_json(without_unlisted(draw_filter(rng), known))
    selection = CompiledFilter(model, conditions).select()
    sort = rng.choice(
        [None, "-image_id", "asses", "-asses", "age_at_study", "-tissueden", "ViewPosition"]
    )
    listed: list[int] = []
    position = None
    while True:
        places, position = page_of(selection, sort, position, rng.randint(1, 5))
        listed += places.tolist()
        if position is None:
            break
    assert sorted(listed) == selection.places.tolist()
    if sort == "age_at_study":
        owner = model.owner_of_image("exam")
        ages = [model.value("age_at_study", int(owner[place])) for place in listed]
        present = [age for age in ages if age is not None]
        assert present == sorted(present)
        assert ages == present + [None] * (len(ages) - len(present))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_the_query_string_says_the_same_as_json(seed: int) -> None:
    conditions = draw_filter(Random(seed))
    items = []
    for name, part in conditions.items():
        spec = part if isinstance(part, dict) else {"in": part}
        for operator, values in spec.items():
            for value in values if isinstance(values, list) else [values]:
                key = name if operator == "in" else f"{name}.{operator}"
                items.append((key, "null" if value is None else str(value)))
    assert canonical(parse_query(items)) == canonical(parse_json(conditions))


def test_a_model_survives_its_archive() -> None:
    model = build_model(draw(Random(3)))
    loaded = archive.load(archive.dump(model))
    facets = [name for name in COUNTED if model.has(name)]
    assert count_facets(loaded, {}, facets, "images") == count_facets(model, {}, facets, "images")
    assert loaded.dictionaries["recc"].elements == model.dictionaries["recc"].elements


def test_an_archive_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive.dump(build_model(draw(Random(3))))
    monkeypatch.setattr(archive, "FORMAT", archive.FORMAT + 1)
    with pytest.raises(ValueError, match="format"):
        archive.load(data)
