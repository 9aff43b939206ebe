"""Flags on images: who says what, once, and who may take it back."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from catalog.settings import Settings
from catalog.store import flags
from chassis.database import Database

from tests.catalog.conftest import Api

PATH = "/api/v1/flags"


@pytest.fixture
def image_id(researcher: Api, synthetic: dict[str, Any]) -> int:
    """An image that nobody else's test flags."""
    items = researcher.get("/api/v1/images", limit=1, sort="-image_id")["items"]
    return int(items[0]["image_id"])


@pytest.fixture(autouse=True)
def no_flag_is_left(catalog_url: str, person: Callable[..., Api]) -> Iterator[None]:
    """Each test begins without flags."""
    yield
    admin = person(catalog_url, "admin")
    for flag in admin.get(PATH, limit=1000)["items"]:
        assert admin.http.delete(f"{PATH}/{flag['flag_id']}").status_code == 204


def test_a_flag_has_author_and_date(researcher: Api, image_id: int) -> None:
    made = researcher.post(PATH, {"image_id": image_id, "kind": "wrong_side"}, 201)
    assert made["dataset"] == "embed-synthetic"
    assert made["author_name"]
    assert made["created_at"].startswith("20")
    assert researcher.get(f"{PATH}/{made['flag_id']}") == made
    assert researcher.get(PATH, image_id=image_id)["items"] == [made]


def test_a_thing_is_said_once_and_notes_are_free(researcher: Api, image_id: int) -> None:
    body = {"image_id": image_id, "kind": "unreadable", "note": "half of it is black"}
    researcher.post(PATH, body, 201)
    assert researcher.post(PATH, body, 409)["title"] == "Flagged already"
    for text in ("skin fold", "skin fold, medial"):
        researcher.post(PATH, {"image_id": image_id, "kind": "note", "note": text}, 201)
    assert researcher.get(PATH)["total"] == 3


def test_lists_are_filtered_and_paged(
    catalog_url: str, researcher: Api, person: Callable[..., Api], image_id: int
) -> None:
    other = person(catalog_url, "reader", person_id="somebody-else")
    researcher.post(PATH, {"image_id": image_id, "kind": "wrong_roi"}, 201)
    other.post(PATH, {"image_id": image_id, "kind": "wrong_roi"}, 201)
    other.post(PATH, {"image_id": image_id, "kind": "unreadable"}, 201)
    assert researcher.get(PATH, kind="wrong_roi")["total"] == 2
    assert [f["author"] for f in other.get(PATH, author="me")["items"]] == ["somebody-else"] * 2
    first = researcher.get(PATH, limit=2)
    rest = researcher.get(PATH, limit=2, cursor=first["next"])
    assert (first["total"], len(first["items"]), len(rest["items"])) == (3, 2, 1)
    assert rest["next"] is None
    ids = [flag["flag_id"] for flag in (*first["items"], *rest["items"])]
    assert ids == sorted(ids, reverse=True)
    strange = researcher.http.get(PATH, params={"cursor": first["next"], "kind": "note"})
    assert strange.status_code == 422


def test_only_its_author_and_admins_remove_a_flag(
    catalog_url: str, researcher: Api, admin: Api, person: Callable[..., Api], image_id: int
) -> None:
    other = person(catalog_url, "researcher", person_id="somebody-else")
    mine, theirs = (
        api.post(PATH, {"image_id": image_id, "kind": "unreadable"}, 201)["flag_id"]
        for api in (researcher, other)
    )
    assert researcher.http.delete(f"{PATH}/{theirs}").status_code == 403
    assert researcher.http.delete(f"{PATH}/{mine}").status_code == 204
    assert admin.http.delete(f"{PATH}/{theirs}").status_code == 204
    assert researcher.http.get(f"{PATH}/{mine}").status_code == 404


def test_flagged_images_are_found_by_kind(
    researcher: Api, catalog_settings: Settings, image_id: int
) -> None:
    researcher.post(PATH, {"image_id": image_id, "kind": "unreadable"}, 201)
    researcher.post(PATH, {"image_id": image_id, "kind": "wrong_roi"}, 201)

    async def find(*kinds: str) -> list[int]:
        database = Database(catalog_settings.database_url)
        try:
            return await flags.flagged_images(database, "embed-synthetic", kinds)
        finally:
            await database.close()

    assert asyncio.run(find("unreadable", "wrong_roi")) == [image_id]
    assert asyncio.run(find("wrong_side", "note")) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"image_id": None, "kind": "unreadable"}, 422),
        ({"kind": "ugly"}, 422),
        ({"kind": "note"}, 422),
        ({"kind": "note", "note": " "}, 422),
        ({"kind": "note", "note": "a\x00b"}, 422),
        ({"kind": "note", "note": "x" * 2001}, 422),
        ({"kind": "unreadable", "more": 1}, 422),
        ({"image_id": 2**70, "kind": "unreadable"}, 422),
        ({"image_id": 987654321, "kind": "unreadable"}, 404),
    ],
)
def test_bad_flags_are_refused(
    researcher: Api, image_id: int, body: dict[str, Any], status: int
) -> None:
    body = {"image_id": image_id, **body}
    assert researcher.post(PATH, body, status)["title"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PATH}/0", 422),
        (f"{PATH}/987654321", 404),
        (f"{PATH}?kind=ugly", 422),
        (f"{PATH}?author=%00", 422),
        (f"{PATH}?cursor=WyJ4Il0", 422),
        (f"{PATH}?dataset=nothing", 404),
    ],
)
def test_what_is_not_there_is_a_problem(researcher: Api, path: str, status: int) -> None:
    answer = researcher.http.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
