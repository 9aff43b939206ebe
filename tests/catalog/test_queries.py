"""Saved queries: kept per person, shared on request, run against what is served now."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.catalog.conftest import Api

PATH = "/api/v1/queries"
SUSPICIOUS = {"asses": ["S", "M"], "age_at_study": {"gte": 40}}


@pytest.fixture
def somebody(catalog_url: str, person: Callable[..., Api]) -> Api:
    """Another researcher."""
    return person(catalog_url, "researcher", person_id="somebody-else", name="Somebody Else")


@pytest.fixture(autouse=True)
def no_query_is_left(researcher: Api, somebody: Api, synthetic: dict[str, Any]) -> Iterator[None]:
    """Each test begins without queries."""
    yield
    for api in (researcher, somebody):
        for query in api.get(PATH, limit=1000)["items"]:
            if query["mine"]:
                assert api.http.delete(f"{PATH}/{query['query_id']}").status_code == 204


def test_a_saved_query_finds_what_the_search_finds(researcher: Api) -> None:
    body = {"name": "Suspicious", "filter": SUSPICIOUS, "sort": "-age_at_study"}
    made = researcher.post(PATH, body, 201)
    assert made["dataset"] == "embed-synthetic"
    assert made["mine"] is True
    found = researcher.get(f"{PATH}/{made['query_id']}/run", limit=3)
    search = {"filter": SUSPICIOUS, "sort": "-age_at_study", "limit": 3}
    assert found == researcher.post("/api/v1/images/search", search)
    assert found["total"] > 3
    following = {**search, "cursor": found["next"]}
    assert researcher.get(
        f"{PATH}/{made['query_id']}/run", limit=3, cursor=found["next"]
    ) == researcher.post("/api/v1/images/search", following)


def test_equal_filters_are_kept_in_one_spelling(researcher: Api) -> None:
    one = researcher.post(PATH, {"name": "a", "filter": {"asses": ["S", "M", "S"]}}, 201)
    two = researcher.post(PATH, {"name": "b", "filter": {"asses": {"in": ["M", "S"]}}}, 201)
    assert one["filter"] == two["filter"] == {"asses": ["M", "S"]}


def test_a_query_is_seen_by_others_once_it_is_shared(researcher: Api, somebody: Api) -> None:
    path = f"{PATH}/{researcher.post(PATH, {'name': 'Mine'}, 201)['query_id']}"
    assert somebody.http.get(path).status_code == 404
    assert somebody.get(PATH)["total"] == 0
    assert researcher.http.patch(path, json={"shared": True}).json()["shared"] is True
    seen = somebody.get(path)
    assert (seen["mine"], seen["owner_name"]) == (False, "Test researcher")
    assert somebody.get(f"{path}/run")["total"] > 0
    assert somebody.http.patch(path, json={"name": "Theirs"}).status_code == 403
    assert somebody.http.delete(path).status_code == 403
    researcher.http.patch(path, json={"shared": False})
    assert somebody.http.get(path).status_code == 404


def test_names_are_the_owners_own(researcher: Api, somebody: Api) -> None:
    first = researcher.post(PATH, {"name": "One"}, 201)
    second = researcher.post(PATH, {"name": "Two"}, 201)
    somebody.post(PATH, {"name": "One"}, 201)
    researcher.post(PATH, {"name": "One"}, 409)
    path = f"{PATH}/{second['query_id']}"
    assert researcher.http.patch(path, json={"name": "One"}).status_code == 409
    renamed = researcher.http.patch(path, json={"name": "Three"}).json()
    assert (renamed["name"], renamed["shared"]) == ("Three", False)
    assert renamed["changed_at"] > renamed["created_at"]
    assert researcher.http.delete(f"{PATH}/{first['query_id']}").status_code == 204
    assert researcher.http.get(f"{PATH}/{first['query_id']}").status_code == 404


def test_lists_go_by_name_in_pages(researcher: Api, somebody: Api) -> None:
    for name in ("b", "é", "A", "a"):
        researcher.post(PATH, {"name": name}, 201)
    somebody.post(PATH, {"name": "c", "shared": True}, 201)
    names: list[str] = []
    cursor: str | None = None
    while True:
        given = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = researcher.get(PATH, **given)
        assert page["total"] == 5
        names += [query["name"] for query in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert names == ["A", "a", "b", "c", "é"]
    first = researcher.get(PATH, limit=1)["next"]
    assert somebody.http.get(PATH, params={"cursor": first}).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a", "filter": {"asess": ["S"]}}, "filter.asess"),
        ({"name": "a", "filter": {"asses": ["Q"]}}, "filter.asses"),
        ({"name": "a", "sort": "asess"}, "sort"),
        ({"name": "a", "shared": "perhaps"}, "shared"),
        ({"name": "a", "owner": "me"}, "owner"),
    ],
)
def test_what_cannot_be_run_is_not_kept(researcher: Api, body: dict[str, Any], field: str) -> None:
    problem = researcher.post(PATH, body, 422)
    assert problem["errors"][0]["field"] == field
    assert researcher.get(PATH)["total"] == 0


def test_what_is_not_there_is_a_problem(researcher: Api) -> None:
    for path in ("none", "00000000-0000-0000-0000-000000000000", "%00"):
        for way in ("", "/run"):
            answer = researcher.http.get(f"{PATH}/{path}{way}")
            assert answer.status_code == 404, answer.text
    assert researcher.http.get(PATH, params={"cursor": "WyJ4Il0"}).status_code == 422
    path = f"{PATH}/{researcher.post(PATH, {'name': 'a'}, 201)['query_id']}"
    assert researcher.http.patch(path, json={}).status_code == 422
    assert researcher.http.patch(path, json={"name": None}).status_code == 422
    assert researcher.post(PATH, {"name": "b", "dataset": "nothing"}, 404)["title"]
