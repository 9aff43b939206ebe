"""Definitions that are no cohort, and cohorts that are not there, over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from tests.catalog.conftest import Api
from tests.catalog.test_cohorts import COHORTS, label_of

pytestmark = pytest.mark.usefixtures("synthetic")

TWO = [str(UUID(int=1)), str(UUID(int=2))]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "one of label, recipe and combine"),
        ({"recipe": {"name": "none"}}, "recipe.name"),
        ({"recipe": {"name": "dc", "roi": "one"}}, "roi is for the recipe nus"),
        ({"recipe": {"name": "dc"}, "label": label_of("N")}, "label.field"),
        (
            {
                "recipe": {"name": "dc"},
                "label": {"field": "recipe", "classes": [{"name": "x", "values": ["maybe"]}]},
            },
            "label.classes.0.values",
        ),
        ({"combine": {"operation": "union", "cohorts": TWO}}, "combine.cohorts.0"),
        ({"combine": {"operation": "union", "cohorts": TWO[:1]}}, "combine.cohorts"),
        ({"combine": {"operation": "union", "cohorts": [TWO[0]] * 2}}, "combine"),
        ({"combine": {"operation": "xor", "cohorts": TWO}}, "combine.operation"),
        ({"combine": {"operation": "union", "cohorts": ["\x00", "'"]}}, "combine.cohorts.0"),
        (
            {"combine": {"operation": "union", "cohorts": TWO}, "filter": {"asses": ["N"]}},
            "combine takes its images",
        ),
        ({"label": label_of("N", "A"), "match": {"cases": "K", "on": ["age"]}}, "match.cases"),
        ({"label": label_of("N", "A"), "match": {"cases": "A", "on": []}}, "match.on"),
        ({"label": label_of("N", "A"), "match": {"cases": "A", "on": ["age", "age"]}}, "match"),
        (
            {
                "label": label_of("N", "A"),
                "match": {"cases": "A", "on": ["age"]},
                "sampling": {"per_class": 3},
            },
            "match and sampling",
        ),
        ({"label": label_of("N"), "sampling": {"per_class": "largest"}}, "sampling.per_class"),
        ({"label": label_of("N"), "split": {"folds": {"count": 2}}}, "split.folds.count"),
        ({"label": label_of("N"), "split": {"folds": {"count": 4, "test": 4}}}, "split.folds"),
        ({"label": label_of("N"), "split": {"by": "image", "folds": {"count": 4}}}, "split"),
        ({"label": label_of("N"), "split": {"train": 0.7, "folds": {"count": 4}}}, "split"),
        ({"label": label_of("N"), "without_flags": ["ugly"]}, "without_flags.0"),
        ({"label": {**label_of("N"), "field": "recipe"}}, "label"),
        ({"recipe": {"name": "sn"}, "filter": {"asses": ["S"], "ViewPosition": ["AT"]}}, "label"),
    ],
)
def test_a_bad_definition_is_a_problem_that_names_its_field(
    researcher: Api, body: dict[str, Any], field: str
) -> None:
    answer = researcher.http.post(COHORTS, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{COHORTS}/compare", 422),
        (f"{COHORTS}/compare?a=1&b=2", 404),
        (f"{COHORTS}/compare?a=%00&b=%F0%9F%A7%AC", 404),
        (f"{COHORTS}/{TWO[0]}", 404),
        (f"{COHORTS}/{TWO[0]}/splits", 404),
        (f"{COHORTS}/%27/attrition", 404),
    ],
)
def test_cohorts_that_are_not_there_are_problems(researcher: Api, path: str, status: int) -> None:
    answer = researcher.http.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
