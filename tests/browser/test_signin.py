"""Signing in and out."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import Stack, shoot, sign_in

pytestmark = pytest.mark.browser


def test_wrong_password_is_refused_in_words(fresh_page: Page, stack: Stack) -> None:
    fresh_page.goto(stack.url)
    fresh_page.get_by_label("Email").fill(stack.email)
    fresh_page.get_by_label("Password").fill("not the password")
    shoot(fresh_page, "signin")
    fresh_page.get_by_role("button", name="Sign in").click()
    expect(fresh_page.get_by_role("alert")).to_contain_text("do not belong together")


def test_sign_in_survives_a_reload_and_sign_out_does_not(fresh_page: Page, stack: Stack) -> None:
    sign_in(fresh_page, stack)
    fresh_page.reload()
    expect(fresh_page.get_by_role("navigation", name="Rooms")).to_be_visible()
    fresh_page.get_by_label("Signed in as").click()
    fresh_page.get_by_role("button", name="Sign out").click()
    expect(fresh_page.get_by_label("Password")).to_be_visible()
    assert fresh_page.request.get(f"{stack.url}/api/v1/filters").status == 401
