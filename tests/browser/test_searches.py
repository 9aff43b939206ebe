"""Saved queries, groups, order, picking by hand; figures of a filter."""

import csv
import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Api, Stack, shoot
from .test_explore import dataset_of, headline

pytestmark = pytest.mark.browser


def test_a_search_is_saved_shared_renamed_applied_and_deleted(
    page: Page, api: Api, stack: Stack
) -> None:
    name = f"dense {uuid.uuid4().hex[:8]}"
    page.goto(f"{stack.url}/explore?tissueden=4&asses=B&has_file=true&sort=-age_at_study")
    page.get_by_text("Saved", exact=True).click()
    page.get_by_label("Save this search as").fill(name)
    page.get_by_label("Save this search as").press("Enter")
    row = page.get_by_role("list", name="Saved queries").get_by_role("listitem")
    mine = row.filter(has_text=name)
    expect(mine).to_have_count(1)
    shoot(page, "explore-saved")
    [kept] = [q for q in api.get("/api/v1/queries")["items"] if q["name"] == name]
    assert kept["filter"] == {"tissueden": [4], "asses": ["B"], "has_file": [True]}
    assert kept["sort"] == "-age_at_study"
    assert not kept["shared"]
    mine.get_by_role("button", name=f"Share {name}").click()
    expect(mine.get_by_role("button", name=f"Stop sharing {name}")).to_be_visible()
    assert api.get(f"/api/v1/queries/{kept['query_id']}")["shared"]
    mine.get_by_role("button", name=f"Rename {name}").click()
    page.get_by_label(f"New name of {name}").fill(f"{name} again")
    page.keyboard.press("Enter")
    page.goto(f"{stack.url}/explore?has_file=true")
    page.get_by_text("Saved", exact=True).click()
    page.get_by_role("link", name=f"{name} again").click()
    page.wait_for_url(re.compile("tissueden=4"))
    body = {"dataset": dataset_of(api), "filter": kept["filter"], "facets": []}
    total = api.post("/api/v1/facets", body)["total"]
    expect(page.get_by_role("heading", level=1)).to_have_text(headline(total))
    page.get_by_text("Saved", exact=True).click()
    page.get_by_role("button", name=f"Delete {name} again").click()
    expect(page.get_by_role("link", name=f"{name} again")).to_have_count(0)
    assert kept["query_id"] not in {q["query_id"] for q in api.get("/api/v1/queries")["items"]}


def test_exams_stand_together_in_hanging_order(page: Page, api: Api, stack: Stack) -> None:
    page.goto(f"{stack.url}/explore?has_file=true&four_view=true&FinalImageType=2D")
    page.locator(".tile img.here").first.wait_for()
    page.get_by_label("Group by").select_option("exam")
    page.wait_for_url(re.compile("sort=acc_anon"))
    head = page.locator(".group-head").first
    chosen = "has_file=true&four_view=true&FinalImageType=2D"
    exam = api.get(f"/api/v1/images?{chosen}&sort=acc_anon&limit=1")["items"][0]["exam_id"]
    expect(head).to_contain_text(f"Exam {exam}")
    members = api.get(f"/api/v1/images?acc_anon={exam}&has_file=true&FinalImageType=2D")["items"]
    standard = {"R CC": 0, "L CC": 1, "R MLO": 2, "L MLO": 3}
    own = page.locator(".cell").filter(
        has=page.locator(", ".join(f'[data-image="{m["image_id"]}"]' for m in members))
    )
    expect(own.nth(3)).to_be_visible()
    seen = own.evaluate_all("""cells => cells
        .map(c => [c.getBoundingClientRect(), c.querySelector('.tile-view').textContent])
        .sort(([a], [b]) => a.top - b.top || a.left - b.left).map(([, name]) => name)""")
    places = [standard[name] for name in seen if name in standard]
    assert len(places) >= 4
    assert places == sorted(places)
    first = page.locator('[data-place="0"] .tile').get_attribute("data-image")
    assert api.get(f"/api/v1/images/{first}")["exam_id"] == exam
    page.locator(".tile img.here").first.wait_for()
    shoot(page, "explore-exams")


def test_picking_by_keyboard_and_what_it_gives(page: Page, stack: Stack, tmp_path: Path) -> None:
    page.goto(f"{stack.url}/explore?has_file=true&asses=K")
    page.locator(".tile img.here").first.wait_for()
    page.locator(".tile").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    bar = page.get_by_role("toolbar", name="Selected images")
    expect(bar).to_contain_text("3 images selected")
    shoot(page, "explore-picked")
    picked = [page.locator(".tile").nth(n).get_attribute("data-image") for n in range(3)]
    with page.expect_download() as caught:
        bar.get_by_role("button", name="CSV").click()
    caught.value.save_as(tmp_path / "images.csv")
    with (tmp_path / "images.csv").open(newline="") as file:
        assert [row["image_id"] for row in csv.DictReader(file)] == picked
    page.keyboard.press("Escape")
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_have_count(0)


def test_statistics_are_those_of_the_api(
    page: Page, api: Api, stack: Stack, tmp_path: Path
) -> None:
    page.goto(f"{stack.url}/explore?asses=S&asses=K")
    page.locator(".tile").first.wait_for()
    page.get_by_role("link", name="Statistics").click()
    page.wait_for_url(re.compile("/statistics\\?asses=S&asses=K"))
    figure = page.get_by_role("figure", name="Breast density")
    figure.get_by_text("Table", exact=True).click()
    asked = {
        "dataset": dataset_of(api),
        "filter": {"asses": ["S", "K"]},
        "fields": ["tissueden"],
        "cross": [["tissueden", "asses"]],
    }
    counted = api.post("/api/v1/statistics", asked)
    bins = counted["distributions"][0]["bins"]
    cells = figure.locator("tbody td:nth-child(2)")
    expect(cells).to_have_text([f"{one['count']:,}" for one in bins])
    table = page.locator(".table.cross tbody tr").first.locator("td")
    expect(table).to_have_text([f"{n:,}" for n in counted["cross_tables"][0]["counts"][0]])
    for kind, begins in (("CSV", b"tissueden,"), ("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as caught:
            figure.get_by_role("button", name=kind).click()
        caught.value.save_as(tmp_path / kind)
        assert (tmp_path / kind).read_bytes().startswith(begins)
    shoot(page, "statistics")
    page.get_by_label("Count", exact=True).select_option("patients")
    page.wait_for_url(re.compile("_count=patients"))
    patients = api.post("/api/v1/statistics", {**asked, "count": "patients"})
    bins = patients["distributions"][0]["bins"]
    expect(cells).to_have_text([f"{one['count']:,}" for one in bins])
