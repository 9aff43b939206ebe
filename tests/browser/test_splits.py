"""Whether the parts of a cohort are alike."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import PHONE, Api, OpenPage, Stack, shoot, snap
from .test_access import AXE, violations
from .test_model import small_cohort

pytestmark = pytest.mark.browser


def test_classes_and_subgroups_of_each_split(page: Page, api: Api, stack: Stack) -> None:
    cohort_id = small_cohort(api, "browser: balance", filter={}, seed=7)
    told = api.get(f"/api/v1/cohorts/{cohort_id}/splits")
    page.goto(f"{stack.url}/cohorts/{cohort_id}")
    balance = page.get_by_role("region", name="Balance of the splits")
    expect(balance).to_contain_text("No patient is in two splits.")
    balance.get_by_text("Classes and subgroups of each split").focus()
    page.keyboard.press("Enter")
    rows = balance.locator("tbody tr").filter(has=page.locator("td"))
    classes = {name for part in told["splits"] for name in part["classes"]}
    expect(rows).to_have_count(len(told["subgroups"]) + len(classes))
    parts = {part["name"]: part["images"] for part in told["splits"]}
    first = told["subgroups"][0]
    shares = [
        first["images"].get(name, 0) / parts[name] for name in ("train", "validation", "test")
    ]
    row = rows.nth(len(classes))
    assert row.locator("td.number").all_inner_texts() == [f"{s * 100:.1f} %" for s in shares]
    balance.scroll_into_view_if_needed()
    shoot(page, "cohort-balance")
    if AXE.exists():
        assert violations(page) == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_balance_on_a_phone(open_page: OpenPage, stack: Stack, scheme: str) -> None:
    page = open_page(PHONE, scheme)
    cohort_id = small_cohort(Api(page, stack), "browser: balance", filter={}, seed=7)
    page.goto(f"{stack.url}/cohorts/{cohort_id}")
    page.get_by_text("Classes and subgroups of each split").click()
    table = page.locator(".shares")
    expect(table.locator("tbody").nth(1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    table.scroll_into_view_if_needed()
    snap(page, f"phone-cohort-balance-{scheme}")
    if AXE.exists():
        assert violations(page) == []
