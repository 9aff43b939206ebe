"""Filters as words of a command line."""

import pytest
from embedlab.commands.jobs import parse_overrides
from embedlab.filters import json_filter, query_filter


def test_words_become_repeated_parameters() -> None:
    words = ["asses=S,M", "ViewPosition=CC", "age_at_study.gte=40", "asses=K"]
    assert query_filter(words) == {
        "asses": ["S", "M", "K"],
        "ViewPosition": ["CC"],
        "age_at_study.gte": ["40"],
    }


def test_words_become_json_conditions() -> None:
    words = ["asses=S,M", "age_at_study.gte=40", "age_at_study.lt=55.5", "side.not=L,B,null"]
    assert json_filter([*words, "path_severity=null"]) == {
        "asses": ["S", "M"],
        "age_at_study": {"gte": 40, "lt": 55.5},
        "side": {"not": ["L", "B", None]},
        "path_severity": [None],
    }


def test_a_dot_that_is_no_operator_belongs_to_the_name() -> None:
    assert json_filter(["clinical.side=L"]) == {"clinical.side": ["L"]}


@pytest.mark.parametrize("word", ["asses", "=S", "asses="])
def test_what_is_no_condition_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        query_filter([word])


def test_values_and_conditions_on_one_field_are_refused() -> None:
    with pytest.raises(ValueError, match="age_at_study"):
        json_filter(["age_at_study=40", "age_at_study.gte=40"])


def test_overrides_are_json_where_they_read_as_such() -> None:
    words = ["epochs=5", "model=resnet18", "deterministic=false", "learning_rate=1e-3"]
    assert parse_overrides(words) == {
        "epochs": 5,
        "model": "resnet18",
        "deterministic": False,
        "learning_rate": 0.001,
    }
