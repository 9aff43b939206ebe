"""Agreements, tokens, and what administrators see."""

import re
import time
import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import DESKTOP, Api, OpenPage, Stack, shoot

pytestmark = pytest.mark.browser

PASSWORD = "long enough for a test, and random: "


def test_an_agreement_is_recorded_and_an_admin_confirms_it(
    page: Page, browser: Browser, api: Api, stack: Stack, open_page: OpenPage
) -> None:
    email = f"reader-{uuid.uuid4().hex[:8]}@lab.example"
    secret = PASSWORD + uuid.uuid4().hex
    page.goto(f"{stack.url}/admin/people")
    page.get_by_text("Invite somebody").click()
    page.get_by_label("Name", exact=True).fill("Rita Reader")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Invite", exact=True).click()
    row = page.get_by_role("row").filter(has_text=email)
    expect(row).to_have_count(1)
    link = page.get_by_role("status").filter(has_text=email).locator(".mono").inner_text()
    shoot(page, "invitation")
    _set_password(browser, link, secret)
    reader = open_page(DESKTOP, "light", Stack(stack.url, email, secret))
    expect(reader.get_by_role("link", name="Admin")).to_have_count(0)
    reader.goto(f"{stack.url}/account")
    reader.get_by_label("How you are registered").fill("Rita Reader, registered 2026-05-02")
    reader.get_by_role("button", name="Record my agreement").click()
    own = reader.get_by_role("region", name="Agreements")
    expect(own).to_contain_text("an administrator has to confirm it")
    shoot(reader, "agreement")
    page.reload()
    row.get_by_role("button", name=re.compile("^Confirm")).click()
    expect(row.get_by_role("button", name=re.compile("^Withdraw"))).to_be_visible()
    shoot(page, "admin-people")
    reader.reload()
    expect(own).to_contain_text("confirmed")
    [person] = [one for one in api.get("/api/v1/users?limit=500")["items"] if one["email"] == email]
    [agreement] = api.get(f"/api/v1/users/{person['person_id']}/agreements")["items"]
    assert agreement["dataset"] == "embed"
    assert agreement["confirmed_at"]
    row.get_by_role("button", name=re.compile("^Disable")).click()
    expect(row.get_by_role("button", name=re.compile("^Enable"))).to_be_visible()


def _set_password(browser: Browser, link: str, secret: str) -> None:
    """As the person does whom the link was sent to, once; a second time it is refused."""
    for outcome in ("Your password is set.", "Link not valid"):
        invited = browser.new_page()
        invited.goto(link)
        invited.get_by_label("New password").fill(secret)
        invited.get_by_label("The same again").fill(secret)
        shoot(invited, "welcome")
        invited.get_by_role("button", name="Set the password").click()
        expect(invited.get_by_text(outcome)).to_be_visible()
        invited.close()


def test_a_token_is_shown_once_works_and_is_revoked(page: Page, stack: Stack) -> None:
    name = f"notebook {uuid.uuid4().hex[:8]}"
    page.goto(f"{stack.url}/account")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create a token").click()
    token = page.get_by_role("status").locator(".mono").inner_text()
    ask = {"Authorization": f"Bearer {token}", "Cookie": ""}
    assert page.request.get(f"{stack.url}/api/v1/filters", headers=ask).ok
    shoot(page, "tokens")
    page.reload()
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text(token[-4:])
    expect(page.get_by_text(token)).to_have_count(0)
    row.get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    assert page.request.get(f"{stack.url}/api/v1/filters", headers=ask).status == 401


def test_admin_searches_the_audit_log(page: Page, api: Api, stack: Stack) -> None:
    image = api.get("/api/v1/images?has_file=true&limit=1")["items"][0]["image_id"]
    original = f"/api/v1/images/{image}/dicom"
    assert page.request.get(f"{stack.url}{original}").ok
    wanted = "/api/v1/audit?action=image.original&limit=100"
    deadline = time.monotonic() + 30
    while not any(row["object"] == original for row in api.get(wanted)["items"]):
        assert time.monotonic() < deadline, "the log is written once a second"
        time.sleep(0.2)
    page.goto(f"{stack.url}/admin/audit")
    page.get_by_label("Action").fill("image.original")
    page.get_by_label("Action").press("Enter")
    page.wait_for_url(re.compile("_action=image.original"))
    rows = page.locator(".table.audit tbody tr")
    expect(rows.first).to_contain_text(original)
    kept = api.get(wanted)
    expect(page.get_by_text(f"{kept['total']:,} entr")).to_be_visible()
    assert rows.count() == len(kept["items"])
    assert set(rows.locator("td:nth-child(3)").all_inner_texts()) == {"image.original"}
    shoot(page, "admin-audit")


def test_admin_sees_workers_ingest_reports_and_services(page: Page, api: Api, stack: Stack) -> None:
    page.goto(f"{stack.url}/admin/workers")
    for worker in api.get("/api/v1/workers")["items"]:
        expect(page.get_by_role("cell").filter(has_text=worker["name"]).first).to_be_visible()
    page.goto(f"{stack.url}/admin/datasets")
    page.locator(".revision summary").last.click()
    [revision] = api.get("/api/v1/datasets/embed-synthetic/revisions")["items"][:1]
    expect(page.locator(".revision").last).to_contain_text(f"{revision['counts']['images']:,}")
    expect(page.locator(".report").first).to_contain_text("repaired")
    shoot(page, "admin-datasets")
    page.goto(f"{stack.url}/admin/system")
    expect(page.get_by_role("region", name="Services")).to_contain_text("imagery")


def test_admin_sees_the_caches_and_forgets_pictures(page: Page, api: Api, stack: Stack) -> None:
    image = api.get("/api/v1/images?has_file=true&limit=1")["items"][0]["image_id"]
    thumbnail = f"{stack.url}/api/v1/images/{image}/thumbnail?size=100"
    assert page.request.get(thumbnail).ok
    page.goto(f"{stack.url}/admin/cache")
    rows = page.get_by_role("region", name="Caches").locator("tbody tr")
    expect(rows).to_have_count(4)
    told = {tier["name"]: tier for tier in api.get("/api/v1/cache")["tiers"]}
    disk = rows.filter(has_text="Source files")
    expect(disk).to_contain_text(f"{told['disk']['entries']:,} file")
    shoot(page, "admin-cache")
    page.get_by_text("Forget all pictures").click()
    page.get_by_role("button", name="Forget them").click()
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^[1-9][\d,]* pictures? forgotten"))
    expect(page.get_by_role("button", name="Forget them")).to_be_hidden()
    expect(rows.filter(has_text="ready to send")).to_contain_text("0 pictures")
    assert page.request.get(thumbnail).ok
    told = {tier["name"]: tier for tier in api.get("/api/v1/cache")["tiers"]}
    assert told["memory"]["entries"] == 1
    wanted = "/api/v1/audit?action=cache.change"
    deadline = time.monotonic() + 30
    while not api.get(wanted)["total"]:
        assert time.monotonic() < deadline, "the log is written once a second"
        time.sleep(0.2)
