"""A real Chromium on a running stack, signed in as a person; a console error fails the test."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

CHROMIUM = os.environ.get("EMBEDLAB_CHROMIUM", "/usr/bin/chromium")
# Chromium must not talk to anyone but the stack, and runs as root in containers.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Two cores that also train and decode are slow at times; a lie is one however long one waits.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
SHOTS = Path(".artifacts/screenshots")
SETTLED_MS = 250  # a panel has slid, tiles of another size have come
DATASET = "embed-synthetic"
DESKTOP, PHONE = (1440, 900), (390, 844)


@dataclass(frozen=True)
class Stack:
    """Where the stack is, and as whom to sign in."""

    url: str
    email: str
    password: str


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack that the environment names; without one the tests are skipped."""
    names = ("EMBEDLAB_URL", "EMBEDLAB_EMAIL", "EMBEDLAB_PASSWORD")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        pytest.skip(f"no running stack: set {', '.join(missing)}")
    url, email, password = (os.environ[name] for name in names)
    return Stack(url.rstrip("/"), email, password)


@pytest.fixture(scope="session")
def browser(stack: Stack) -> Iterator[Browser]:
    """One Chromium for the session."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: install it, or set EMBEDLAB_CHROMIUM")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Watch:
    """What went wrong in the page, and which origins it spoke to."""

    errors: list[str]
    origins: set[str]


# A full decoder answers 503 or 504 and the page asks again; Chromium writes it down all the same.
EXPECTED = ("status of 503", "status of 504")


def _watch(page: Page) -> Watch:
    watch = Watch([], set())

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(e in message.text for e in EXPECTED):
            watch.errors.append(f"{message.text} ({message.location})")

    page.on("console", note)
    page.on("pageerror", lambda error: watch.errors.append(str(error)))
    page.on("request", lambda r: watch.origins.add("/".join(r.url.split("/")[:3])))
    return watch


def _new_page(
    browser: Browser, size: tuple[int, int], scheme: Any
) -> tuple[BrowserContext, Page, Watch]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    # What the API answers about without being told; the page would open with the largest it finds.
    context.add_init_script(
        f"if (location.protocol !== 'about:') localStorage.setItem('embedlab.dataset', '{DATASET}')"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return context, page, _watch(page)


def sign_in(page: Page, stack: Stack) -> None:
    """Through the form, as a person does."""
    page.goto(stack.url)
    page.get_by_label("Email").fill(stack.email)
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Rooms").wait_for()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, stack: Stack) -> Iterator[OpenPage]:
    """`open_page(size, scheme, whose)`: signed in. No page may have complained or strayed."""
    opened: list[tuple[BrowserContext, Watch]] = []

    def open_one(
        size: tuple[int, int] = DESKTOP, scheme: str = "dark", whose: Stack | None = None
    ) -> Page:
        context, page, watch = _new_page(browser, size, scheme)
        opened.append((context, watch))
        sign_in(page, whose or stack)
        return page

    yield open_one
    for context, _ in opened:
        context.close()
    assert [error for _, watch in opened for error in watch.errors] == []
    strangers = {o for _, watch in opened for o in watch.origins} - {stack.url}
    assert not {o for o in strangers if not o.startswith(("data:", "blob:"))}


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A signed-in page, dark, at the size of a desk."""
    return open_page()


@pytest.fixture
def fresh_page(browser: Browser) -> Iterator[Page]:
    """A page that nobody signed in to; what it complains about is not counted."""
    context, page, _ = _new_page(browser, DESKTOP, "dark")
    yield page
    context.close()


class Api:
    """The same session's API, to check what the page says."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self._page, self._url = page, stack.url
        self._csrf = self.get("/api/v1/me")["csrf_token"]

    def get(self, path: str) -> Any:
        """The JSON at ``path``."""
        answer = self._page.request.get(f"{self._url}{path}")
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json()

    def text(self, path: str) -> str:
        """The text at ``path``."""
        answer = self._page.request.get(f"{self._url}{path}")
        assert answer.ok, f"{path}: {answer.status}"
        return answer.text()

    def post(self, path: str, body: object) -> Any:
        """The JSON that ``path`` answers to ``body``."""
        headers = {"X-CSRF-Token": self._csrf}
        answer = self._page.request.post(f"{self._url}{path}", data=body, headers=headers)
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json()


@pytest.fixture
def api(page: Page, stack: Stack) -> Api:
    """The API under the page's own session."""
    return Api(page, stack)


def shoot(page: Page, name: str) -> None:
    """Keep what is seen, at both sizes and in both themes; the page is left as it was."""
    size = page.viewport_size
    assert size is not None
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(SETTLED_MS)
            snap(page, f"{name}-{width}-{scheme}")
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_viewport_size(size)
    page.wait_for_timeout(SETTLED_MS)


def snap(page: Page, name: str) -> None:
    """Keep what is seen, as it is."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
