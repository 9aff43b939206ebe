"""Looking closer: tiles, priors, lengths, presets, flags, and where the lesion really is."""

import io
import re
import uuid

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FloatRect, Page, expect

from .conftest import Api, Stack, shoot
from .test_case import find_record, middle, open_case

pytestmark = pytest.mark.browser


def seen(page: Page, box: FloatRect) -> NDArray[np.float64]:
    """What the screen shows there, as grey values of rows x columns."""
    picture = Image.open(io.BytesIO(page.screenshot(clip=box))).convert("L")
    return np.asarray(picture, dtype=np.float64)


@pytest.mark.parametrize("side", ["L", "R"])
def test_roi_lies_on_the_synthetic_lesion(page: Page, api: Api, stack: Stack, side: str) -> None:
    # A synthetic mass is the brightest thing of its breast; its box is drawn around it.
    query = f"has_roi=true&has_file=true&massshape=X&ImageLateralityFinal={side}&FinalImageType=2D"
    record = find_record(api, query)
    open_case(page, stack, record["image_id"], "?_layout=one")
    page.locator(".frame img").evaluate("e => e.decode()")
    frame = page.locator(".frame").bounding_box()
    box = page.locator("[data-roi]").first.bounding_box()
    assert frame is not None
    assert box is not None
    page.keyboard.press("r")
    expect(page.locator(".roi")).to_have_count(0)
    grey = seen(page, frame)
    left, top = round(box["x"] - frame["x"]), round(box["y"] - frame["y"])
    wide, high = round(box["width"]), round(box["height"])
    core = grey[top + high // 3 : top + 2 * high // 3, left + wide // 3 : left + 2 * wide // 3]
    tissue = grey[grey > 16]
    assert core.mean() > np.quantile(tissue, 0.9)
    # The same box mirrored, as a wrong frame would have it, holds no lesion.
    mirrored = grey[:, ::-1]
    wrong = mirrored[top + high // 3 : top + 2 * high // 3, left + wide // 3 : left + 2 * wide // 3]
    assert core.mean() > wrong.mean() + 20


def test_tiles_take_over_where_one_looks_closer(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "has_file=true&four_view=true&FinalImageType=2D", four=True)
    open_case(page, stack, record["image_id"])
    expect(page.locator(".slot .frame img")).to_have_count(4)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/iiif/3/" in r.url else None)
    x, y = middle(page.locator('[data-slot="RCC"] .frame'))
    page.mouse.move(x, y)
    for _ in range(3):
        page.mouse.wheel(0, -160)
    page.wait_for_url(re.compile("_view="))
    # Synchronised: every view of the hanging zooms, and each shows its own tiles.
    expect(page.locator('.deep[data-drawn="true"]')).to_have_count(4)
    tiles = [url for url in asked if "info.json" not in url]
    assert len({url.split("/iiif/3/")[1].split("/")[0] for url in tiles}) == 4
    shoot(page, "case-deep")
    # Tiles lie where the picture under them lies: hiding them changes hardly anything.
    film = page.locator('[data-slot="RCC"]').bounding_box()
    assert film is not None
    with_tiles = seen(page, film)
    hide = "for (const e of document.querySelectorAll('.deep')) e.style.visibility = 'hidden'"
    page.evaluate(hide)
    without = seen(page, film)
    assert with_tiles.std() > 5
    assert np.abs(with_tiles - without).mean() < 6
    assert np.abs(with_tiles - without[:, ::-1]).mean() > np.abs(with_tiles - without).mean() * 2
    page.keyboard.press("0")
    expect(page.locator(".deep")).to_have_count(0)


def test_tiles_have_the_window_of_the_picture(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "has_file=true&FinalImageType=2D")
    view = "?_layout=one&_view=2.00,0.000,0.000"
    open_case(page, stack, record["image_id"], view)
    expect(page.locator('.deep[data-drawn="true"]')).to_have_count(1)
    film = page.locator(".film").bounding_box()
    assert film is not None
    before = seen(page, film)
    with page.expect_request(re.compile(r"/iiif/3/.*window=")):
        page.keyboard.press("4")
    page.wait_for_url(re.compile("_window="))
    expect(page.locator('.deep[data-drawn="true"]')).to_have_count(1)
    page.locator(".frame img").evaluate("e => e.decode()")
    page.wait_for_timeout(400)
    after = seen(page, film)
    assert after.mean() > before.mean() + 10
    expect(page.get_by_label("Window", exact=True)).to_have_value("4")


def test_a_prior_hangs_beside(page: Page, api: Api, stack: Stack) -> None:
    query = "has_file=true&four_view=true&FinalImageType=2D&years_since_prior.gte=0.5"
    record = find_record(api, query, four=True)
    open_case(page, stack, record["image_id"])
    strip = page.get_by_role("navigation", name="Exams of this patient")
    path = f"/api/v1/patients/{record['patient_id']}?dataset={record['dataset']}"
    exams = api.get(path)["exams"]
    stops = strip.locator(".stop")
    expect(stops).to_have_count(len(exams))
    expect(strip.locator('[aria-current="date"]')).to_contain_text(
        str(record["exam"]["study_date_anon"])[:10]
    )
    stops.locator("button:not([disabled])").first.click()
    page.wait_for_url(re.compile("_prior="))
    expect(page.locator("[data-prior]")).to_have_count(4)
    expect(page.locator('[data-prior="RCC"] .film-note')).to_have_text(re.compile("before|after"))
    page.locator("[data-prior] img").first.wait_for()
    page.wait_for_timeout(300)
    shoot(page, "case-prior")


def test_lengths_are_in_millimetres(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "has_file=true&FinalImageType=2D&Manufacturer=HOLOGIC, Inc.")
    open_case(page, stack, record["image_id"], "?_layout=one")
    frame = page.locator(".frame").bounding_box()
    assert frame is not None
    page.keyboard.press("m")
    x, y = frame["x"] + frame["width"] * 0.2, frame["y"] + frame["height"] * 0.4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + frame["width"] / 2, y, steps=3)
    page.mouse.up()
    image = record["image"]
    spacing = float(re.findall(r"[\d.]+", str(image["ImagerPixelSpacing"]))[1])
    magnified = float(image.get("EstimatedRadiographicMagnificationFactor") or 1)
    wanted = image["Columns"] / 2 * spacing / magnified
    shown = page.locator(".measure-length").inner_text()
    assert float(shown.split()[0]) == pytest.approx(wanted, rel=0.02)
    page.keyboard.press("l")
    page.mouse.move(x + 20, y + 20)
    page.mouse.move(x + 22, y + 20)
    expect(page.locator('.loupe .deep[data-drawn="true"]')).to_have_count(1)
    shoot(page, "case-measure")


def test_lengths_and_loupe_by_keys_alone(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "has_file=true&FinalImageType=2D&Manufacturer=HOLOGIC, Inc.")
    open_case(page, stack, record["image_id"], "?_layout=one")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    expect(keys).to_contain_text("With the cross: begin a length, end it")
    expect(keys).to_contain_text("Drag changes the window (by keys: [ ] , .)")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    for _ in range(18):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    # Ten steps of a fiftieth of the width; what follows is no part of the length.
    page.keyboard.press("ArrowUp")
    image = record["image"]
    spacing = float(re.findall(r"[\d.]+", str(image["ImagerPixelSpacing"]))[1])
    magnified = float(image.get("EstimatedRadiographicMagnificationFactor") or 1)
    wanted = image["Columns"] / 5 * spacing / magnified
    shown = page.locator(".measure-length").inner_text()
    assert float(shown.split()[0]) == pytest.approx(wanted, rel=0.01)
    shoot(page, "case-keys-measure")
    page.keyboard.press("l")
    expect(page.locator('.loupe .deep[data-drawn="true"]')).to_have_count(1)
    cross = middle(page.locator(".cross"))
    assert middle(page.locator(".loupe")) == pytest.approx(cross, abs=2)
    shoot(page, "case-keys")
    page.keyboard.press("Shift+ArrowLeft")
    frame = page.locator(".marks").bounding_box()
    assert frame is not None
    moved = cross[0] - middle(page.locator(".cross"))[0]
    assert moved == pytest.approx(frame["width"] * 0.002, abs=0.5)
    page.keyboard.press("Escape")
    expect(page.locator(".cross")).to_have_count(0)
    expect(page).to_have_url(re.compile(f"/images/{record['image_id']}"))


def test_an_image_is_flagged_and_the_flag_taken_back(page: Page, api: Api, stack: Stack) -> None:
    record = find_record(api, "has_file=true&asses=B")
    note = f"seen {uuid.uuid4().hex[:8]}"
    open_case(page, stack, record["image_id"])
    page.keyboard.press("g")
    page.get_by_label("What is wrong").select_option("wrong_side")
    page.get_by_label("Note, if it helps").fill(note)
    page.get_by_role("button", name="Flag this image").click()
    flags = page.get_by_role("list", name="Flags of this image")
    expect(flags.get_by_role("listitem").filter(has_text=note)).to_have_count(1)
    shoot(page, "case-flag")
    path = f"/api/v1/flags?image_id={record['image_id']}&dataset={record['dataset']}"
    [kept] = [flag for flag in api.get(path)["items"] if flag["note"] == note]
    assert kept["kind"] == "wrong_side"
    flags.get_by_role("listitem").filter(has_text=note).get_by_role("button").click()
    expect(flags.get_by_role("listitem").filter(has_text=note)).to_have_count(0)
    assert [flag for flag in api.get(path)["items"] if flag["note"] == note] == []
