"""Filters, counts, chips, the grid."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import DATASET, DESKTOP, PHONE, Api, OpenPage, Stack, shoot, sign_in, snap

pytestmark = pytest.mark.browser

FILTER = {"asses": ["S", "M"], "ViewPosition": ["CC"]}
QUERY = "asses=S&asses=M&ViewPosition=CC"


def headline(total: dict[str, int]) -> re.Pattern[str]:
    """`12,408 images in 3,112 exams of 2,894 patients`, singular where it must be."""
    words = [f"{total[n]:,} {n[:-1]}s?" for n in ("images", "exams", "patients")]
    return re.compile(f"^{words[0]} in {words[1]} of {words[2]}$")


def dataset_of(api: Api) -> str:
    """The one the pages open with."""
    assert DATASET in {one["name"] for one in api.get("/api/v1/datasets")["items"]}
    return DATASET


def facet(page: Page, name: str) -> Locator:
    """A facet by its title, unfolded."""
    title = page.locator("h4 button").filter(has_text=re.compile(f"^{re.escape(name)}$"))
    found = page.locator(".facet").filter(has=title)
    if found.locator("h4 button").get_attribute("aria-expanded") == "false":
        found.locator("h4 button").click()
    return found


def test_opening_screen_shows_images_at_once(page: Page, api: Api) -> None:
    page.locator(".tile img.here").first.wait_for()
    total = api.post("/api/v1/facets", {"dataset": dataset_of(api), "facets": []})["total"]
    expect(page.get_by_role("heading", level=1)).to_have_text(headline(total))
    expect(page.locator(".tile").first).to_have_text(re.compile(r"(CC|MLO|ML|LM).*image \d+$"))
    page.wait_for_timeout(400)
    shoot(page, "explore-dark")


def test_filter_counts_are_those_of_the_api(page: Page, api: Api, stack: Stack) -> None:
    dataset = dataset_of(api)
    for value in ("Suspicious", "Highly suggestive of malignancy"):
        facet(page, "BI-RADS assessment").get_by_text(value, exact=True).click()
    facet(page, "View").get_by_text("CC, craniocaudal", exact=True).click()
    page.wait_for_url(re.compile("ViewPosition=CC"))
    body = {"dataset": dataset, "filter": FILTER, "facets": ["tissueden"]}
    counted = api.post("/api/v1/facets", body)
    expect(page.get_by_role("heading", level=1)).to_have_text(headline(counted["total"]))
    shown = [f"{option['count']:,}" for option in counted["facets"]["tissueden"]]
    counts = facet(page, "Breast density").locator(".option-count")
    expect(counts).to_have_count(len(shown))
    assert sorted(counts.all_inner_texts()) == sorted(shown)
    shoot(page, "explore-filtered")


def test_deep_link_reload_and_chip_removal(page: Page, api: Api, stack: Stack) -> None:
    dataset = dataset_of(api)
    page.goto(f"{stack.url}/explore?{QUERY}&dataset={dataset}")
    page.reload()
    chips = page.get_by_role("list", name="Active filters").locator(".chip:not(.clear)")
    expect(chips).to_have_count(3)
    page.get_by_role("button", name=re.compile("^Remove .*CC")).click()
    expect(chips).to_have_count(2)
    body = {"dataset": dataset, "filter": {"asses": ["S", "M"]}, "facets": []}
    total = api.post("/api/v1/facets", body)["total"]
    expect(page.get_by_role("heading", level=1)).to_have_text(headline(total))
    page.go_back()
    expect(chips).to_have_count(3)


def test_leaving_out_and_range(page: Page, api: Api, stack: Stack) -> None:
    dataset = dataset_of(api)
    facet(page, "BI-RADS assessment").get_by_text("Negative", exact=True).click(modifiers=["Alt"])
    page.wait_for_url(re.compile("asses.not=N"))
    age = facet(page, "Age at study")
    age.get_by_label("at least").fill("50")
    age.get_by_label("at most").fill("60")
    age.get_by_label("at most").press("Enter")
    page.wait_for_url(re.compile("age_at_study.lte=60"))
    wanted = {"asses": {"not": ["N"]}, "age_at_study": {"gte": 50, "lte": 60}}
    body = {"dataset": dataset, "filter": wanted, "facets": []}
    total = api.post("/api/v1/facets", body)["total"]
    expect(page.get_by_role("heading", level=1)).to_have_text(headline(total))


def test_nothing_found_helps(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/explore?asses=K&asses.not=K&side.none=L&side.none=R&side.none=B")
    expect(page.get_by_text("No image fits all of this")).to_be_visible()
    shoot(page, "explore-empty")
    page.get_by_role("button", name="Clear all filters").click()
    page.locator(".tile").first.wait_for()


def test_grid_keeps_few_tiles_and_scrolls_on(page: Page) -> None:
    page.locator(".tile img.here").first.wait_for()
    first = page.locator(".tile").first.get_attribute("data-image")
    grid = page.locator("#grid")
    for _ in range(12):
        grid.evaluate("e => e.scrollBy(0, e.clientHeight * 2)")
        page.wait_for_timeout(60)
    page.locator(".tile[data-image]").first.wait_for()
    assert page.locator(".tile").first.get_attribute("data-image") != first
    assert page.locator(".tile").count() < 120


def test_keyboard_walks_looks_and_opens(page: Page) -> None:
    page.locator(".tile img.here").first.wait_for()
    page.locator(".tile").first.focus()
    page.keyboard.press("ArrowRight")
    second = page.locator(".tile").nth(1)
    expect(second).to_be_focused()
    focused = second.get_attribute("data-image")
    page.keyboard.press(" ")
    expect(page.get_by_role("complementary", name="Quick look")).to_be_visible()
    page.locator(".look img").evaluate("e => e.decode()")
    shoot(page, "explore-look")
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Quick look")).to_be_hidden()
    page.locator(f'.tile[data-image="{focused}"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/images/{focused}"))


def test_keys_of_a_control_stay_its_own(page: Page) -> None:
    facet(page, "View").get_by_role("checkbox").first.focus()
    page.keyboard.press(" ")
    page.wait_for_url(re.compile("ViewPosition=CC"))
    expect(page.get_by_role("complementary", name="Quick look")).to_be_hidden()
    page.get_by_label("Age at study, from").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("age_at_study.gte="))


def test_server_going_away_is_said_and_survived(fresh_page: Page, stack: Stack) -> None:
    sign_in(fresh_page, stack)
    before = fresh_page.get_by_role("heading", level=1)
    expect(before).to_have_text(re.compile("images in"))
    everything = before.inner_text()
    fresh_page.context.set_offline(True)
    facet(fresh_page, "BI-RADS assessment").get_by_text("Benign", exact=True).click()
    expect(fresh_page.locator(".offline")).to_be_visible()
    shoot(fresh_page, "offline")
    fresh_page.context.set_offline(False)
    expect(fresh_page.locator(".offline")).to_have_count(0)
    expect(fresh_page.get_by_role("heading", level=1)).not_to_have_text(everything)
    expect(fresh_page.get_by_role("alert")).to_have_count(0)


def test_id_jumps(page: Page, api: Api) -> None:
    image = api.get("/api/v1/images?limit=1")["items"][0]
    field = page.get_by_label("Jump to the id")
    page.keyboard.press("/")
    expect(field).to_be_focused()
    field.fill(image["exam_id"])
    field.press("Enter")
    page.wait_for_url(re.compile(f"acc_anon={image['exam_id']}"))


@pytest.mark.parametrize(
    ("size", "scheme", "name"),
    [
        (DESKTOP, "light", "explore-light"),
        (PHONE, "dark", "explore-phone-dark"),
        (PHONE, "light", "explore-phone-light"),
    ],
)
def test_other_sizes_and_themes(
    open_page: OpenPage, stack: Stack, size: tuple[int, int], scheme: str, name: str
) -> None:
    page = open_page(size, scheme)
    page.goto(f"{stack.url}/explore?asses=S")
    page.locator(".tile img.here").first.wait_for()
    page.wait_for_timeout(400)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    snap(page, name)
