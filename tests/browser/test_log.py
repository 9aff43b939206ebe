"""What a job says, on its own page: live, where one reads, copied whole, and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import PHONE, Api, OpenPage, Stack, shoot, snap
from .test_access import AXE, violations
from .test_model import SMALL, ended, small_cohort

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

NAME = "browser: to log"
EPOCHS = 10
GAP = "e => e.scrollHeight - e.scrollTop - e.clientHeight"


def submit(api: Api) -> str:
    """A job of enough epochs to fill more than its log's height; its id."""
    cohort_id = small_cohort(api, NAME, filter={}, seed=7)
    overrides = {**SMALL, "epochs": EPOCHS}
    body = {"experiment": "embed-2b6k", "cohort_id": cohort_id, "overrides": overrides}
    return str(api.post("/api/v1/jobs", {**body, "name": NAME})["job_id"])


def test_the_log_follows_its_job_and_stays_where_one_reads(
    page: Page, api: Api, stack: Stack
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    job_id = submit(api)
    page.goto(f"{stack.url}/jobs/{job_id}")
    log = page.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"Attempt 1 begins on worker"), timeout=400_000)
    expect(log).to_contain_text(f"Epoch 6 of {EPOCHS}: training loss", timeout=400_000)
    assert log.evaluate(GAP) < 24, "whoever is at the end sees what is added"
    log.evaluate("e => { e.scrollTop = 0 }")
    expect(log).to_contain_text(f"Epoch 8 of {EPOCHS}", timeout=400_000)
    shoot(page, "job-log")
    assert log.evaluate("e => e.scrollTop") == 0, "whoever reads is left where they are"
    ended(page, api, job_id)
    expect(log.locator("p").last).to_contain_text("Succeeded")
    told = api.get(f"/api/v1/jobs/{job_id}/log")["items"]
    assert log.locator("p span").all_inner_texts() == [line["text"] for line in told]
    page.get_by_role("button", name="Copy log").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines() == [f"{t['at']}\t{t['level']}\t{t['text']}" for t in told]
    page.reload()
    summary = page.get_by_text("Log", exact=True)
    expect(summary).to_be_visible()
    expect(log).to_have_count(0)
    page.locator("summary").filter(has=summary).focus()
    page.keyboard.press("Enter")
    expect(log).to_contain_text("Succeeded")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_log_on_a_phone(open_page: OpenPage, stack: Stack, scheme: str) -> None:
    page = open_page(PHONE, scheme)
    api = Api(page, stack)
    done = [j for j in api.get("/api/v1/jobs?limit=500")["items"] if j["name"] == NAME]
    job_id = done[0]["job_id"] if done else submit(api)
    ended(page, api, job_id)
    page.goto(f"{stack.url}/jobs/{job_id}")
    page.get_by_text("Log", exact=True).click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("Succeeded")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    log.scroll_into_view_if_needed()
    snap(page, f"phone-job-log-{scheme}")
    if AXE.exists():
        assert violations(page) == []
