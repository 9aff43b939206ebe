"""The filter grammar, and what it refuses."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from catalog.fields import DEFAULT_FACETS, columns, fields
from catalog.grammar import MAX_VALUES, Filter, canonical, parse_json, parse_query
from catalog.model.select import CompiledFilter
from catalog.vocabulary import codes, label_of, vocabularies
from chassis.problems import Problem
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog.tables import build_model, draw

# Columns of the later releases, and of the report that the dataset came with.
LATER = {
    "DCM_ROI_coords",
    "PNG_ROI_coords",
    "ROI_match_level",
    "ROI_source",
    "SSC_ROI_flipped",
    "SSC_ROI_dest",
    "SSC_match_level",
    "PNG_flipped",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["in", "gte", "lt", "not", "none", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def test_the_documented_example() -> None:
    query = [
        ("asses", "S"),
        ("asses", "M"),
        ("ViewPosition", "CC"),
        ("age_at_study.gte", "40"),
        ("age_at_study.lt", "55"),
        ("path_severity", "null"),
        ("side.not", "L"),
    ]
    document = {
        "asses": ["S", "M"],
        "ViewPosition": ["CC"],
        "age_at_study": {"gte": 40, "lt": 55},
        "path_severity": [None],
        "side": {"not": ["L"]},
    }
    assert canonical(parse_query(query)) == canonical(parse_json(document))


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"asess": ["S"]}, "filter.asess"),
        ({"age_at_study": {"gte": 60, "lt": 40}}, "filter.age_at_study"),
        ({"age_at_study": {"gte": "1e999"}}, "filter.age_at_study.gte"),
        ({"age_at_study": {"gte": True}}, "filter.age_at_study.gte"),
        ({"age_at_study": {"near": 4}}, "filter.age_at_study.near"),
        ({"asses": {"gte": "A"}}, "filter.asses.gte"),
        ({"asses": ["A"] * (MAX_VALUES + 1)}, "filter.asses"),
        ({"asses": []}, "filter.asses"),
        ({"asses": {}}, "filter.asses"),
        ({"asses": ["\x00"]}, "filter.asses"),
        ({"asses": ["A" * 500]}, "filter.asses"),
        ({"study_date_anon": {"gte": "yesterday"}}, "filter.study_date_anon.gte"),
        ({"has_roi": ["perhaps"]}, "filter.has_roi"),
    ],
)
def test_refusals_name_the_field(document: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_json(document)
    assert refused.value.status == 422
    assert refused.value.errors[0].field == field


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(Problem) as refused:
        parse_json({"Asess": ["S"]})
    assert "asses" in (refused.value.errors[0].accepted or [])


def test_an_unknown_value_names_the_nearest_and_a_legend_value_is_known() -> None:
    model = build_model(draw(Random(1)))
    CompiledFilter(model, parse_json({"massshape": ["V"]}))
    with pytest.raises(Problem) as refused:
        CompiledFilter(model, parse_json({"ViewPosition": ["cc "]}))
    assert "CC" in (refused.value.errors[0].accepted or [])


def parsed(call: Callable[[], Filter]) -> Filter | Problem:
    """The filter, or the problem that it is refused with."""
    try:
        return call()
    except Problem as problem:
        return problem


names = st.sampled_from(sorted(fields())) | st.text(max_size=5)


@settings(deadline=None)
@given(st.dictionaries(names, json_values, max_size=3))
def test_any_document_is_a_filter_or_a_problem(document: dict[str, Any]) -> None:
    found = parsed(lambda: parse_json(document))
    if isinstance(found, Problem):
        assert found.status == 422
        assert found.errors
    else:
        assert canonical(parse_json(canonical(found))) == canonical(found)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=6)), max_size=4))
def test_any_query_string_is_a_filter_or_a_problem(items: list[tuple[str, str]]) -> None:
    found = parsed(lambda: parse_query(items))
    assert not isinstance(found, Problem) or found.status == 422


def test_the_registry_covers_both_tables() -> None:
    assert len(columns("clinical")) == 112
    assert len(columns("metadata")) == 165 + len(LATER)
    assert columns("metadata").keys() >= LATER
    assert set(DEFAULT_FACETS) <= set(fields())
    assert fields()["cohort_num"].table == "metadata"
    assert fields()["clinical.cohort_num"].table == "clinical"
    for field in fields().values():
        assert field.label
        assert not field.vocabulary or field.vocabulary in vocabularies(), field.name


def test_later_spellings_name_the_same_field() -> None:
    assert canonical(parse_query([("ROI_match_level", "1")])) == {"match_level": ["1"]}
    assert canonical(parse_query([("RACE_DESC", "Asian")])) == {"ETHNICITY_DESC": ["Asian"]}
    twice = parsed(lambda: parse_json({"num_ROI": [1], "num_roi": [2]}))
    assert isinstance(twice, Problem)
    assert "more than once" in twice.errors[0].message


def test_labels() -> None:
    assert label_of("asses", "S") == "BI-RADS 4, suspicious"
    assert label_of("massshape", "L") == "L (unlisted code)"
    assert label_of("path_severity", 5).endswith("(doubtful)")
    assert label_of("", None) == "not recorded"
    assert label_of("path", "NA") == "no abnormality"
    assert codes("path")["IDC"].severity == 0
