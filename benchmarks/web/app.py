"""W1: first paint, filter click to fresh counts and thumbnails, frames of a scrolling grid.

    EMBEDLAB_URL=... EMBEDLAB_EMAIL=... EMBEDLAB_PASSWORD=... python -m benchmarks.web.app

Drives Chromium on a running stack and takes every figure from the browser's own clock: paint
entries, ``performance.now()`` in the page, and the times at which it draws frames. ``--dataset``
chooses the dataset; where its tables have no files (``--no-pictures``), tiles count without theirs.
"""

import argparse
import gzip
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from benchmarks.machine import measured_on

CHROMIUM = os.environ.get("EMBEDLAB_CHROMIUM", "/usr/bin/chromium")
SIZE: ViewportSize = {"width": 1440, "height": 900}
ROUNDS = 20
SCROLLED = 100_000
FRAME_MS = 1000 / 60
BESIDE = "Chromium on the same machine"

# A click is answered when the headline has its new counts, and when another image stands first in
# the grid, with its picture.
CLICK = """
async ({ name, pictures }) => {
  const label = [...document.querySelectorAll('.option label')]
    .find(e => e.querySelector('.option-label').textContent === name);
  const head = () => document.querySelector('h1').textContent;
  const place = '[data-place="0"] .tile';
  const first = () => document.querySelector(place)?.dataset.image;
  const drawn = () => !pictures || document.querySelector(`${place} img.here`);
  const [before, tile] = [head(), first()];
  const from = performance.now();
  label.querySelector('input').click();
  const wait = done => new Promise((resolve, reject) => {
    const look = () => {
      if (done()) resolve(performance.now() - from);
      else if (performance.now() - from > 4000) reject(new Error('nothing changed'));
      else requestAnimationFrame(look);
    };
    look();
  });
  const counts = wait(() => head() !== before && !document.querySelector('.facets.stale'));
  const tiles = wait(() => first() && first() !== tile && drawn());
  // Where the same image stays first, there is nothing new to wait for.
  return Promise.all([counts, tiles.catch(() => null)]);
}
"""

# Scrolls as a dragged bar does, so many pixels a frame, until the wanted number of images went by.
# Every frame shows other tiles than the one before.
SCROLL = """
async ({ images, step, seconds }) => {
  const grid = document.querySelector('#grid');
  const field = document.querySelector('.grid-field');
  const frames = [];
  let blank = 0, seen = 0, looked = 0, last = performance.now();
  const end = last + seconds * 1000;
  while (seen < images && performance.now() < end) {
    grid.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
    const places = [...document.querySelectorAll('.cell')];
    seen = Math.max(seen, ...places.map(e => Number(e.dataset.place)));
    const inSight = places.filter(e => {
      const box = e.getBoundingClientRect();
      return box.bottom > 0 && box.top < innerHeight;
    });
    looked += 1;
    if (inSight.every(e => e.querySelector('.tile.skeleton'))) blank += 1;
  }
  const heap = performance.memory.usedJSHeapSize;
  return { frames, seen, blank: blank / looked, nodes: field.querySelectorAll('*').length, heap };
}
"""


# The page allows no eval, so nothing is polled from outside.
SHOWN = """
async () => {
  while (!document.querySelector('h1')?.textContent.includes(' of '))
    await new Promise(requestAnimationFrame);
  return performance.now();
}
"""


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def sign_in(context: BrowserContext, url: str) -> Page:
    """A page of that context, signed in."""
    page = context.new_page()
    page.goto(url)
    page.get_by_label("Email").fill(os.environ["EMBEDLAB_EMAIL"])
    page.get_by_label("Password").fill(os.environ["EMBEDLAB_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Rooms").wait_for()
    return page


def first_paint(browser: Browser, url: str, state: Any, query: str) -> tuple[float, float]:
    """(first contentful paint, headline with counts) in ms, nothing cached."""
    context = browser.new_context(viewport=SIZE, storage_state=state)
    page = context.new_page()
    page.goto(f"{url}/explore?{query}")
    shown = page.evaluate(SHOWN)
    page.locator(".tile[data-image]").first.wait_for()
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return paint, shown


def clicks(page: Page, *, pictures: bool) -> tuple[list[float], list[float]]:
    """Milliseconds from each click to counts and to tiles, over distinct filters."""
    names = page.locator(".option-label").all_inner_texts()
    wanted = [n for n in dict.fromkeys(names) if names.count(n) == 1 and n != "not recorded"]
    counts, tiles = [], []
    for name in wanted[:ROUNDS]:
        row = page.locator(".option").filter(has=page.get_by_text(name, exact=True))
        if row.get_attribute("class") == "option none" or row.locator("input").is_checked():
            continue
        try:
            counted, tiled = page.evaluate(CLICK, {"name": name, "pictures": pictures})
        except Exception as error:  # noqa: BLE001 - an option that changes nothing is no measurement
            print(f"left out {name}: {str(error).splitlines()[0]}")
            continue
        counts.append(counted)
        if tiled is not None:
            tiles.append(tiled)
        row.locator("input").click()
        page.wait_for_timeout(400)
    return counts, tiles


def initial_javascript(dist: Path) -> int:
    """Gzipped bytes of the scripts that the first page loads."""
    page = (dist / "index.html").read_text()
    names = [part.split('"')[0] for part in page.split("/assets/")[1:]]
    scripts = [dist / "assets" / name for name in names if name.endswith(".js")]
    return sum(len(gzip.compress(script.read_bytes())) for script in scripts)


Rows = list[tuple[str, str, str]]


def open_grid(page: Page, url: str, query: str) -> None:
    """Explore at rest: its first tiles are there, and what follows them has come."""
    page.goto(f"{url}/explore?{query}")
    page.locator(".tile[data-image]").first.wait_for()
    page.wait_for_timeout(1500)


def measure_answers(browser: Browser, page: Page, url: str, query: str, *, pictures: bool) -> Rows:
    """First paint, and clicks to counts and tiles."""
    state = page.context.storage_state()
    paints = [first_paint(browser, url, state, query) for _ in range(5)]
    open_grid(page, url, query)
    counts, tiles = clicks(page, pictures=pictures)
    what = "first thumbnails" if pictures else "first tiles"
    return [
        ("first contentful paint, nothing cached, p50", ms([p for p, _ in paints]), "1,000 ms"),
        ("headline with counts, nothing cached, p50", ms([h for _, h in paints]), "1,000 ms"),
        (f"filter click to fresh counts, p50 of {len(counts)}", ms(counts), "250 ms"),
        ("filter click to fresh counts, p95", f"{quantile(counts, 0.95):.0f} ms", ""),
        (f"filter click to {what}, p50 of {len(tiles)}", ms(tiles), "250 ms"),
        (f"filter click to {what}, p95", f"{quantile(tiles, 0.95):.0f} ms", ""),
    ]


def measure_scroll(page: Page, images: int, step: int, seconds: float) -> Rows:
    """Frames of a grid that is scrolled ``step`` pixels between two of them."""
    page.set_default_timeout(0)
    began = time.perf_counter()
    scrolled = page.evaluate(SCROLL, {"images": images, "step": step, "seconds": seconds})
    took = time.perf_counter() - began
    frames = scrolled["frames"]
    slow = sum(1 for frame in frames if frame > 2 * FRAME_MS) / len(frames)
    return [
        ("images scrolled through", f"{scrolled['seen']:,} in {took:.0f} s", f"{images:,}"),
        ("frame while scrolling, p50", ms(frames), f"{FRAME_MS:.1f} ms"),
        ("frame while scrolling, p95", f"{quantile(frames, 0.95):.1f} ms", ""),
        ("frame while scrolling, longest", f"{max(frames):.0f} ms", ""),
        ("frames later than two", f"{slow:.1%}", ""),
        ("frames with nothing but waiting tiles in sight", f"{scrolled['blank']:.1%}", "0 %"),
        ("elements of the grid at the end", f"{scrolled['nodes']:,}", ""),
        ("memory of the page's scripts at the end", f"{scrolled['heap'] / 1e6:.0f} MB", ""),
    ]


def main() -> None:
    """Measure and print a table; ``--out`` writes it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dataset", default="embed-synthetic")
    options.add_argument("--dist", type=Path, default=Path("frontend/dist"))
    options.add_argument("--scroll-seconds", type=float, default=240)
    options.add_argument("--step", type=int, default=4800, help="pixels scrolled between frames")
    options.add_argument("--only-scroll", action="store_true", help="frames alone")
    options.add_argument("--no-pictures", action="store_true", help="the tables have no files")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    url = os.environ["EMBEDLAB_URL"].rstrip("/")
    query = f"dataset={given.dataset}" + ("" if given.no_pictures else "&has_file=true")
    arguments = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
    rows: Rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = sign_in(browser.new_context(viewport=SIZE), url)
        total = page.request.get(f"{url}/api/v1/images?{query}&limit=1").json()["total"]
        if not given.only_scroll:
            size = initial_javascript(given.dist) / 1000
            rows.append(("initial JavaScript, gzip", f"{size:.1f} KB", "120 KB"))
            rows += measure_answers(browser, page, url, query, pictures=not given.no_pictures)
        open_grid(page, url, query)
        images = min(SCROLLED, total - 200)
        rows += measure_scroll(page, images, given.step, given.scroll_seconds)
        browser.close()
    text = report(f"The web app over {given.dataset} ({total:,} images)", rows)
    print(text)
    if given.out:
        given.out.write_text(text)


def ms(values: Sequence[float]) -> str:
    """Their median."""
    return f"{statistics.median(values):.1f} ms"


def report(title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """A table with machine, date and commit."""
    head = f"{measured_on()}, {BESIDE}"
    lines = ["| what | ours | goal |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join([f"# {title}", "", head, "", *lines, ""])


if __name__ == "__main__":
    main()
