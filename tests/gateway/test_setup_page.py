"""The very first account, made in the browser with the token that a first start logs."""

import logging
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, shoot
from tests.gateway.conftest import StartGateway

WEB = Path(__file__).parents[2] / "frontend" / "dist"
SECRET = "correct horse battery"


def _fill(page: Page, again: str) -> None:
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@lab.example")
    page.get_by_label("New password").fill(SECRET)
    page.get_by_label("The same again").fill(again)
    page.get_by_role("button", name="Create the account").click()


@pytest.mark.browser
def test_whoever_reads_the_log_becomes_the_first_admin(
    start_gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: install it, or set EMBEDLAB_CHROMIUM")
    with caplog.at_level(logging.WARNING):
        gateway = start_gateway(web_root=WEB)
    record = next(record for record in caplog.records if hasattr(record, "setup_token"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        refused = browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
        refused.goto(f"{gateway.url}/setup#not-the-token")
        _fill(refused, SECRET)
        expect(refused.get_by_role("alert")).to_contain_text("Setup token not valid")
        shoot(refused, "setup-refused")
        page = browser.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
        page.goto(f"{gateway.url}{record.page}")
        _fill(page, "another")
        expect(page.get_by_role("alert")).to_contain_text("The two passwords differ.")
        shoot(page, "setup")
        _fill(page, SECRET)
        expect(page.get_by_role("status")).to_contain_text("You are the first administrator.")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Email").fill("ada@lab.example")
        page.get_by_label("Password").fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        rooms = page.get_by_role("navigation", name="Rooms")
        expect(rooms.get_by_role("link", name="Admin")).to_be_visible()
        browser.close()
