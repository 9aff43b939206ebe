"""OpenSeadragon and OHIF in Chromium, on pages of another origin, against our gateway."""

import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PublicLab
from playwright.sync_api import Browser, Page, expect, sync_playwright
from public_lab import PATIENT, STUDY, VIEWS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from tests.gateway.conftest import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = os.environ.get("EMBEDLAB_CHROMIUM", "/usr/bin/chromium")
PACKAGES = Path(__file__).parents[2] / ".artifacts" / "npm"
SHOTS = Path(__file__).parents[2] / ".artifacts" / "screenshots"
PATIENCE_MS = 120_000
ARGUMENTS = [
    *("--no-sandbox", "--no-first-run", "--disable-background-networking"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-component-update"),
]


def npm_package(name: str, version: str) -> Path:
    """The folder of an npm package, fetched once; a skip that says why where it cannot be had."""
    folder = PACKAGES / f"{name.replace('/', '+')}-{version}"
    if not folder.exists():
        PACKAGES.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", f"{name}@{version}", "--json", "--pack-destination", PACKAGES]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"npm has no {name}@{version} for us: {type(error).__name__}")
        packed = PACKAGES / json.loads(done.stdout)[0]["filename"]
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        packed.unlink()
    return folder / "package"


@pytest.fixture(scope="module")
def token(public_lab: PublicLab) -> str:
    """An API token that may look and no more."""
    client = public_lab.gateway.with_token("researcher", scopes=["read"])
    return client.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture(scope="module")
def browser(token: str) -> Iterator[Browser]:
    """Started after people have signed in: Playwright's loop stays with this thread."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: install it, or set EMBEDLAB_CHROMIUM")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


def site(folder: Path, pages: dict[str, str]) -> Starlette:
    """Files of ``folder`` and ``pages``; any other path is the front page."""

    def answer(request: Request) -> Response:
        path = request.url.path.lstrip("/")
        if path in pages:
            kind = "text/javascript" if path.endswith(".js") else "text/html"
            return HTMLResponse(pages[path], media_type=kind)
        file = (folder / path).resolve()
        if file.is_file() and file.is_relative_to(folder.resolve()):
            return FileResponse(file)
        return FileResponse(folder / "index.html")

    app = Starlette()
    app.add_route("/{path:path}", answer)
    return app


OPENSEADRAGON = """<!doctype html><title>viewer</title>
<div id="viewer" style="width: 800px; height: 600px; background: #000"></div>
<script src="/openseadragon.min.js"></script>
<script>
window.failed = []; window.loaded = [];
window.viewer = OpenSeadragon({
  id: 'viewer', showNavigationControl: false, drawer: 'canvas', immediateRender: true,
  ajaxHeaders: {Authorization: 'Bearer TOKEN'}, loadTilesWithAjax: true,
  crossOriginPolicy: 'Anonymous', ajaxWithCredentials: false,
  tileSources: ['GATEWAY/iiif/3/IMAGE/info.json'],
});
viewer.addHandler('tile-load-failed', event => failed.push(event.message));
viewer.addHandler('tile-loaded', event => loaded.push(event.tile.getUrl()));
</script>"""


def test_openseadragon_shows_and_zooms(browser: Browser, public_lab: PublicLab, token: str) -> None:
    folder = npm_package("openseadragon", "6.1.1") / "build" / "openseadragon"
    view = VIEWS[0]
    page_text = (
        OPENSEADRAGON.replace("TOKEN", token)
        .replace("GATEWAY", public_lab.url)
        .replace("IMAGE", str(public_lab.image_ids[view.instance]))
    )
    with serving(site(folder, {"viewer": page_text})) as url:
        page = browser.new_page(viewport={"width": 800, "height": 600})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{url}/viewer")
        _settled(page)
        size = page.evaluate("viewer.world.getItemAt(0).getContentSize()")
        assert (size["x"], size["y"]) == (view.columns, view.rows)
        whole = _brightness(page)
        assert whole > 5
        small = set(page.evaluate("loaded"))
        page.evaluate("viewer.viewport.zoomTo(viewer.viewport.imageToViewportZoom(1), null, true)")
        page.evaluate(
            "viewer.viewport.panTo(viewer.viewport.imageToViewportCoordinates(600, 2048), true)"
        )
        _settled(page)
        tiles = set(page.evaluate("loaded")) - small
        assert any("/512,512/" in tile or "/max/" in tile for tile in tiles), tiles
        assert _brightness(page) > whole  # nothing but breast is left in the middle of it
        assert page.evaluate("failed") == []
        _shoot(page, "openseadragon")
        page.close()


def _settled(page: Page) -> None:
    """All tiles of what is in view are drawn."""
    page.wait_for_function(
        "window.viewer && viewer.world.getItemCount() === 1 && "
        "viewer.world.getItemAt(0).getFullyLoaded()"
    )
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _brightness(page: Page) -> float:
    """Mean grey level of what the canvas shows."""
    return float(
        page.evaluate(
            """() => {
              const canvas = viewer.drawer.canvas, context = canvas.getContext('2d');
              const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
              let sum = 0;
              for (let i = 0; i < data.length; i += 4) sum += data[i];
              return sum / (data.length / 4);
            }"""
        )
    )


OHIF = """
window.config = {
  routerBasename: '/', extensions: [], modes: [], customizationService: {}, showStudyList: true,
  useCPURendering: true, showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false,
  investigationalUseDialog: {option: 'never'}, defaultDataSourceName: 'lab',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'lab',
    configuration: {
      friendlyName: 'EMBED Lab', name: 'lab', qidoRoot: 'ROOT', wadoRoot: 'ROOT',
      wadoUriRoot: 'ROOT', qidoSupportsIncludeField: true, imageRendering: 'wadors',
      thumbnailRendering: 'wadors', enableStudyLazyLoad: true, supportsFuzzyMatching: false,
      supportsWildcard: true, bulkDataURI: {enabled: true}, omitQuotationForMultipartRequest: true,
    },
  }],
};
// What a site's own sign-in would do: every request to the lab carries the person's token.
const open = XMLHttpRequest.prototype.open;
XMLHttpRequest.prototype.open = function (method, url, ...rest) {
  open.call(this, method, url, ...rest);
  if (String(url).startsWith('ROOT')) this.setRequestHeader('Authorization', 'Bearer TOKEN');
};
"""


def test_ohif_lists_a_study_and_shows_its_four_views(
    browser: Browser, public_lab: PublicLab, token: str
) -> None:
    folder = npm_package("@ohif/app", "3.12.10") / "dist"
    config = OHIF.replace("ROOT", f"{public_lab.url}/dicomweb").replace("TOKEN", token)
    with serving(site(folder, {"app-config.js": config})) as url:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        frames: list[str] = []
        refused: list[tuple[int, str]] = []
        page.on("response", _noting(public_lab.url, frames, refused))
        page.goto(url)
        expect(page.get_by_text(PATIENT).first).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text("MG Screening Bilateral").first).to_be_visible()
        _shoot(page, "ohif-list")
        page.goto(f"{url}/viewer?StudyInstanceUIDs={STUDY}&hangingprotocolid=@ohif/hpMammo")
        page.wait_for_function(BRIGHT, arg=3)
        # OHIF's protocol hangs no right MLO whose rows lead to P(osterior), which is how they are
        # stored; a person puts it there.
        page.get_by_text("Skip all").click()
        page.mouse.click(600, 900)
        page.get_by_text("R MLO").first.dblclick()
        page.wait_for_function(BRIGHT, arg=4)
        _shoot(page, "ohif-study")
        assert page.evaluate(SIDES) == ["right", "left", "right", "left"]
        shown = {view.instance for view in VIEWS[:4]}
        assert shown <= {frame.split("/instances/")[1].split("/")[0] for frame in frames}
        assert refused == []
        page.close()


# By pane, row by row, the side of the chest wall.
SIDES = """() => [...document.querySelectorAll('canvas.cornerstone-canvas')].sort((a, b) => {
  const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
  return p.top - q.top || p.left - q.left;
}).map(pane => {
  const copy = document.createElement('canvas');
  [copy.width, copy.height] = [64, 64];
  const context = copy.getContext('2d');
  context.drawImage(pane, 0, 0, 64, 64);
  const data = context.getImageData(0, 0, 64, 64).data;
  const column = x => [...Array(64).keys()].filter(y => data[4 * (64 * y + x)] > 15).length;
  const lit = [...Array(64).keys()].map(column), first = lit.findIndex(n => n > 2);
  const last = 63 - [...lit].reverse().findIndex(n => n > 2);
  return lit[first + 1] > lit[last - 1] ? 'left' : 'right';
})"""

# Whether so many panes, and no more, show something.
BRIGHT = """wanted => {
  const panes = [...document.querySelectorAll('canvas.cornerstone-canvas')];
  const bright = pane => {
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [64, 64];
    const context = copy.getContext('2d');
    context.drawImage(pane, 0, 0, 64, 64);
    const data = context.getImageData(0, 0, 64, 64).data;
    let lit = 0;
    for (let i = 0; i < data.length; i += 4) lit += data[i] > 15;
    return lit > 64 * 64 / 20;
  };
  return panes.length === wanted && panes.every(bright);
}"""


def _noting(lab: str, frames: list[str], refused: list[tuple[int, str]]) -> Callable[[Any], None]:
    def note(response: Any) -> None:
        if not response.url.startswith(lab):
            return
        if response.status >= 400:
            refused.append((response.status, response.url))
        elif "/frames/" in response.url:
            frames.append(response.url)

    return note


def _shoot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
