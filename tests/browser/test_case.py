"""A case: hanging, ROI, findings, window."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import DESKTOP, PHONE, Api, OpenPage, Stack, shoot, snap

pytestmark = pytest.mark.browser

STANDARD = {("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")}


def find_record(api: Api, query: str, *, four: bool = False) -> dict[str, Any]:
    """A record under ``query``; with ``four``, one whose exam has all four views."""
    for image in api.get(f"/api/v1/images?{query}&limit=60")["items"]:
        record: dict[str, Any] = api.get(f"/api/v1/images/{image['image_id']}")
        views = {(s["ImageLateralityFinal"], s["ViewPosition"]) for s in record["siblings"]}
        own = (image["ImageLateralityFinal"], image["ViewPosition"])
        if not four or (own in STANDARD and views | {own} >= STANDARD):
            return record
    raise AssertionError(f"no such image under {query}")


def middle(locator: Locator) -> tuple[float, float]:
    """The middle of an element on the screen."""
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def brightness(page: Page, image: Locator) -> list[float]:
    """Mean grey of the left and the right third of what an <img> shows, as drawn."""
    found: list[float] = image.evaluate(
        """img => {
          const c = document.createElement('canvas'); c.width = 90; c.height = 90;
          const g = c.getContext('2d'); g.drawImage(img, 0, 0, 90, 90);
          const mirrored = getComputedStyle(img).transform.startsWith('matrix(-1');
          const mean = x => {
            const d = g.getImageData(x, 20, 30, 50).data; let s = 0;
            for (let i = 0; i < d.length; i += 4) s += d[i];
            return s / (d.length / 4);
          };
          const [left, right] = [mean(0), mean(60)];
          return mirrored ? [right, left] : [left, right];
        }"""
    )
    return found


def open_case(page: Page, stack: Stack, image_id: int, query: str = "") -> None:
    """The case page of an image, its picture drawn."""
    page.goto(f"{stack.url}/images/{image_id}{query}")
    page.locator(".frame img").first.wait_for()


def test_four_views_hang_back_to_back(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "FinalImageType=2D&four_view=true", four=True)
    open_case(page, stack, record["image_id"])
    expect(page.locator(".slot .frame img")).to_have_count(4)
    at = {slot: middle(page.locator(f'[data-slot="{slot}"]')) for slot in ("RCC", "LCC", "RMLO")}
    assert at["RCC"][0] < at["LCC"][0]
    assert at["RCC"][1] == pytest.approx(at["LCC"][1])
    assert at["RCC"][1] < at["RMLO"][1]
    # Tissue is brighter than air: a right breast has its chest wall on the right, a left one left.
    for slot in ("RCC", "LCC", "RMLO", "LMLO"):
        left, right = brightness(page, page.locator(f'[data-slot="{slot}"] img'))
        assert (left < right) == slot.startswith("R"), (slot, left, right)
    # Back to back: the frames meet in the middle.
    right_edge = page.locator('[data-slot="RCC"] .frame').bounding_box()
    left_edge = page.locator('[data-slot="LCC"] .frame').bounding_box()
    assert right_edge is not None
    assert left_edge is not None
    assert 0 <= left_edge["x"] - (right_edge["x"] + right_edge["width"]) < 6
    page.wait_for_timeout(300)
    shoot(page, "case-four")


@pytest.mark.parametrize("side", ["L", "R"])
def test_roi_stands_where_the_record_says(page: Page, api: Api, stack: Stack, side: str) -> None:
    record = find_record(api, f"has_roi=true&ImageLateralityFinal={side}&FinalImageType=2D")
    open_case(page, stack, record["image_id"], "?_layout=one")
    roi, rows, columns = record["rois"][0], record["image"]["Rows"], record["image"]["Columns"]
    frame = page.locator(".frame").bounding_box()
    box = page.locator(f'[data-roi="{roi["n"]}"]').bounding_box()
    assert frame is not None
    assert box is not None
    left = columns - roi["xmax"] if side == "R" else roi["xmin"]
    assert box["x"] - frame["x"] == pytest.approx(left / columns * frame["width"], abs=1.5)
    assert box["y"] - frame["y"] == pytest.approx(roi["ymin"] / rows * frame["height"], abs=1.5)
    width = (roi["xmax"] - roi["xmin"]) / columns * frame["width"]
    assert box["width"] == pytest.approx(width, abs=1.5)
    page.wait_for_timeout(300)
    shoot(page, f"case-roi-{side}")
    page.keyboard.press("r")
    expect(page.locator(".roi")).to_have_count(0)


def test_findings_are_spelt_out_and_nulls_absent(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "asses=S&massshape=X")
    open_case(page, stack, record["image_id"])
    findings = page.get_by_role("region", name="Findings")
    expect(findings).to_contain_text("BI-RADS 4, suspicious")
    expect(findings).to_contain_text("irregular")
    text = findings.inner_text()
    assert not re.search(r"\b(null|None|NaN|undefined)\b", text)
    page.get_by_text("Table fields").click()
    page.get_by_label("Search table fields").fill("massshape")
    expect(page.locator(".fields dl > div").first).to_contain_text("X")
    page.get_by_text("DICOM header").click()
    page.get_by_label("Search DICOM elements").fill("PatientOrientation")
    expect(page.locator(".fields").last.locator("dd").first).not_to_be_empty()


def test_window_changes_the_pixels_and_the_address(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "FinalImageType=2D")
    open_case(page, stack, record["image_id"], "?_layout=one")
    picture = page.locator(".frame img")
    picture.evaluate("e => e.decode()")
    before, source = brightness(page, picture), picture.get_attribute("src")
    x, y = middle(page.locator(".viewer"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 160, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("_window="))
    expect(picture).not_to_have_attribute("src", source or "")
    picture.evaluate("e => e.decode()")
    after = brightness(page, picture)
    assert sum(after) > sum(before) + 10
    page.keyboard.press("i")
    page.wait_for_url(re.compile("_invert=1"))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("_window|_invert"))


def test_next_and_back_keep_the_search(page: Page, api: Api, stack: Stack) -> None:
    page.goto(f"{stack.url}/explore?asses=K")
    page.locator(".tile").first.click()
    page.locator(".stepper").get_by_text(re.compile("^1 of ")).wait_for()
    second = api.get("/api/v1/images?asses=K&limit=2")["items"][1]["image_id"]
    page.keyboard.press("j")
    page.wait_for_url(re.compile(f"/images/{second}\\?"))
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile("/explore\\?.*asses=K"))
    page.locator(".tile").first.wait_for()


def test_keys_are_shown(page: Page, stack: Stack) -> None:
    page.locator(".tile").first.wait_for()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Quick look beside the grid")
    shoot(page, "keys")


@pytest.mark.parametrize(
    ("size", "scheme", "name"),
    [(DESKTOP, "light", "case-light"), (PHONE, "dark", "case-phone")],
)
def test_other_sizes_and_themes(
    open_page: OpenPage, stack: Stack, size: tuple[int, int], scheme: str, name: str
) -> None:
    page = open_page(size, scheme)
    record = find_record(Api(page, stack), "asses=S")
    open_case(page, stack, record["image_id"])
    page.wait_for_timeout(600)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    snap(page, name)
