"""Statistics against pandas on random tables, and over HTTP."""

from random import Random
from typing import Any

import pandas as pd
import pytest
from catalog import statistics
from catalog.fields import fields
from catalog.grammar import parse_json
from catalog.model.select import CompiledFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog.conftest import Api
from tests.catalog.reference import LISTS, UNITS, Reference, _elements
from tests.catalog.tables import build_model, draw
from tests.catalog.test_join import COUNTED, RANGES, choices_of, draw_filter

PATH = "/api/v1/statistics"


def _expected(rows: pd.DataFrame, names: list[str], unit: str) -> dict[tuple[Any, ...], int]:
    """Values of ``names`` to the number of distinct units; None for null."""
    for name in names:
        if name in LISTS:
            cells = rows[name].map(lambda cell: _elements(cell) or (None,))
            rows = rows.assign(**{name: cells}).explode(name)
    keys = [rows[name].astype(object).where(rows[name].notna(), "<null>") for name in names]
    counts = rows.groupby(keys)[UNITS[unit]].nunique()
    return {
        tuple(None if part == "<null>" else part for part in _tuple(key)): int(n)
        for key, n in counts.items()
    }


def _tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_distributions_and_cross_tables_agree_with_pandas(seed: int) -> None:
    rng = Random(seed)
    tables = draw(rng)
    model, truth = build_model(tables), Reference(tables.clinical, tables.metadata)
    conditions = draw_filter(rng, choices_of(model))
    selection = CompiledFilter(model, parse_json(conditions)).select()
    unit = rng.choice(["images", "exams", "patients"])
    one, other = rng.sample([name for name in COUNTED if name not in RANGES], 2)
    rows = truth.select(conditions, one, other)
    axes = [statistics.axis_of(model, name, "fields") for name in (one, other)]
    for name, axis in zip((one, other), axes, strict=True):
        body = statistics.distribution(selection, axis, unit)  # type: ignore[arg-type]
        ours = {(b["value"],): b["count"] for b in body["bins"] if b["count"]}
        assert ours == _expected(rows, [name], unit), (name, unit, conditions)
    table = statistics.cross_table(selection, axes[0], axes[1], unit)  # type: ignore[arg-type]
    values = [[item["value"] for item in table[side]["bins"]] for side in ("rows", "columns")]
    found = {
        (values[0][i], values[1][j]): n
        for i, line in enumerate(table["counts"])
        for j, n in enumerate(line)
        if n
    }
    assert found == _expected(rows, [one, other], unit), (one, other, unit, conditions)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_missing_values_agree_with_pandas(seed: int) -> None:
    rng = Random(seed)
    tables = draw(rng)
    model, truth = build_model(tables), Reference(tables.clinical, tables.metadata)
    found = {m["field"]: m for m in statistics.missing(CompiledFilter(model, {}).select())}
    for name in COUNTED:
        level = fields()[name].level
        if level == "finding":
            continue
        key = {"image": "uid", "exam": "acc_anon", "patient": "empi_anon"}[level]
        owners = truth.rows.drop_duplicates(key)
        null = owners[name].map(lambda c, n=name: (n in LISTS and not _elements(c)) or pd.isna(c))
        assert (found[name]["total"], found[name]["missing"]) == (len(owners), int(null.sum()))


def test_missing_values_of_findings_are_of_rows_that_apply(researcher: Api, synthetic: Any) -> None:
    body = researcher.post(PATH, {"filter": {"asses": ["S"]}, "fields": [], "missing": True})
    found = {item["field"]: item for item in body["missing"]}
    assert found["asses"]["missing"] == 0
    assert found["asses"]["total"] == found["massshape"]["total"] > 0
    assert found["massshape"]["share"] == found["massshape"]["missing"] / found["asses"]["total"]


def test_distributions_add_up_and_keep_the_fields_own_condition(
    researcher: Api, synthetic: Any
) -> None:
    body = researcher.get(
        PATH, asses=["S", "M"], field=["asses", "age_at_study", "study_date_anon"]
    )
    asses, age, date = body["distributions"]
    assert {b["value"] for b in asses["bins"] if b["count"]} <= {"S", "M"}
    for item in (age, date):
        assert sum(b["count"] for b in item["bins"]) == body["total"]["images"]
    assert sum(year["count"] for year in body["years"]) == body["total"]["images"]
    summary = age["summary"]
    assert summary["min"] <= summary["q1"] <= summary["median"] <= summary["q3"] <= summary["max"]
    assert summary["min"] < summary["mean"] < summary["max"]
    labels = [b["label"] for b in asses["bins"]]
    assert any("suspicious" in label.lower() for label in labels)


def test_the_query_string_asks_the_same_as_json(researcher: Api, synthetic: Any) -> None:
    ours = researcher.get(
        PATH, tissueden=["3"], field="race", cross="asses,tissueden", missing=True, count="exams"
    )
    document = {
        "filter": {"tissueden": [3]},
        "fields": ["race"],
        "cross": [["asses", "tissueden"]],
        "missing": True,
        "count": "exams",
    }
    assert ours == researcher.post(PATH, document)
    table = ours["cross_tables"][0]
    assert len(table["counts"]) == len(table["rows"]["bins"])
    assert {len(line) for line in table["counts"]} == {len(table["columns"]["bins"])}


def test_a_field_is_asked_for_in_any_releases_spelling(researcher: Api, synthetic: Any) -> None:
    (asked,) = researcher.get(PATH, field="num_ROI")["distributions"]
    assert asked == researcher.get(PATH, field="num_roi")["distributions"][0]


def test_nothing_found_is_counted_as_nothing(researcher: Api, synthetic: Any) -> None:
    nothing = {"asses": ["K"], "massshape": ["N"], "tissueden": [5]}
    body = researcher.post(PATH, {"filter": nothing, "fields": ["age_at_study"], "missing": True})
    assert body["total"]["images"] == 0
    assert body["distributions"][0]["summary"] is None
    assert {item["share"] for item in body["missing"]} == {None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fields": ["asess"]}, "fields.asess"),
        ({"fields": ["empi_anon"]}, "fields.empi_anon"),
        ({"fields": ["asses"] * 51}, "fields"),
        ({"cross": [["asses"]]}, "cross.0.1"),
        ({"cross": [["asses", "nothing"]]}, "cross.nothing"),
        ({"count": "breasts"}, "count"),
        ({"filter": {"asses": ["Q"]}}, "filter.asses"),
    ],
)
def test_bad_questions_name_the_field(
    researcher: Api, synthetic: Any, body: dict[str, Any], field: str
) -> None:
    assert researcher.post(PATH, body, 422)["errors"][0]["field"] == field


@pytest.mark.parametrize("query", ["cross=asses", "cross=a,b,c", "field=%00", "asess=S", "count=x"])
def test_bad_query_strings_are_problems(researcher: Api, synthetic: Any, query: str) -> None:
    answer = researcher.http.get(f"{PATH}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_filter_is_called_like_a_parameter() -> None:
    from catalog.routes.statistics import RESERVED

    assert not RESERVED & set(fields())
