"""A job made of jobs: what it would take, its children, and what they came to."""

import math
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import PHONE, Api, OpenPage, Stack, shoot, snap
from .test_access import AXE, violations
from .test_model import SMALL, ended, small_cohort

pytestmark = pytest.mark.browser

RATES = [0.001, 0.0001]


def size(n: int) -> str:
    """As the page writes so many bytes."""
    value, unit = (n / 1e6, "MB") if n >= 1e6 else (n / 1e3, "KB")
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_is_told_submitted_and_combined(page: Page, api: Api, stack: Stack) -> None:
    cohort_id = small_cohort(api, "browser: to sweep", filter={}, seed=7)
    page.goto(
        f"{stack.url}/jobs/new?experiment=embed-2b6k&cohort={cohort_id}"
        "&_o.epochs=1&_o.input_size=64"
    )
    page.get_by_label("Made of").select_option("sweep")
    expect(page.get_by_text("Choose a setting to vary.")).to_be_visible()
    expect(page.get_by_role("button", name="Submit the job")).to_be_disabled()
    page.get_by_label("Vary another setting").select_option("learning_rate")
    values = page.get_by_label("Learning rate: values to try")
    expect(values).to_be_focused()
    values.fill("0.001, 7")
    expect(page.get_by_text("7: At most 1.")).to_be_visible()
    values.fill("0.001, 0.0001")
    told = api.post(
        "/api/v1/jobs/preview",
        {
            "experiment": "embed-2b6k",
            "cohort_id": cohort_id,
            "overrides": {"epochs": 1, "input_size": 64},
            "composition": {"kind": "sweep", "grid": {"learning_rate": RATES}},
        },
    )
    takes = page.get_by_role("region", name="What it takes")
    expect(takes).to_contain_text("2 jobs")
    expect(takes).to_contain_text(size(told["estimate"]["bytes"]))
    expect(takes).to_contain_text(size(told["estimate"]["disk"]))
    minutes = max(1, math.ceil(told["estimate"]["minutes"]))
    expect(takes).to_contain_text(re.compile(rf"about {minutes} minutes?"))
    takes.scroll_into_view_if_needed()
    shoot(page, "job-sweep-form")
    if AXE.exists():
        assert violations(page) == []
    page.get_by_role("button", name="Submit the job").click()
    page.wait_for_url(re.compile(r"/jobs/(?!new)"))
    job_id = page.url.rsplit("/", 1)[-1]
    rows = page.locator(".table.children tbody tr")
    expect(rows).to_have_count(2)
    job = ended(page, api, job_id)
    assert job["state"] == "succeeded", job["reason"]
    chosen = page.locator(".table.children .chosen")
    expect(chosen).to_have_count(1)
    [best] = [m for m in job["combined"]["members"] if m["job_id"] == job["combined"]["chosen"]]
    expect(chosen).to_contain_text(f"{best['validation_loss']:.3f}")
    expect(chosen.locator("td").nth(1)).to_have_text(
        f"learning rate {best['differs']['settings.learning_rate']}"
    )
    rows.first.scroll_into_view_if_needed()
    shoot(page, "job-sweep")
    if AXE.exists():
        assert violations(page) == []
    chosen.get_by_role("link").click()
    page.wait_for_url(re.compile(f"/jobs/{best['job_id']}"))
    page.get_by_role("link", name=job["name"], exact=True).click()
    page.wait_for_url(re.compile(f"/jobs/{job_id}"))


def test_a_sweep_on_a_phone(open_page: OpenPage, stack: Stack) -> None:
    page = open_page(PHONE, "light")
    cohort_id = small_cohort(Api(page, stack), "browser: to sweep", filter={}, seed=7)
    page.goto(f"{stack.url}/jobs/new?experiment=embed-2b6k&cohort={cohort_id}&_made=folds&_folds=1")
    expect(page.get_by_text("A whole number of folds from 3 to 20.")).to_be_visible()
    page.get_by_label("Folds", exact=True).fill("3")
    takes = page.get_by_role("region", name="What it takes")
    expect(takes).to_contain_text("3 jobs")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    takes.scroll_into_view_if_needed()
    snap(page, "phone-job-folds")


def averaged(page: Page, api: Api) -> list[dict[str, Any]]:
    """Two jobs that were tested on the same images, trained where there are none."""
    listed = api.get("/api/v1/jobs?limit=500&state=succeeded")["items"]
    single = [j for j in listed if j["cohort_id"] and not (j["children"] or j["combined"])]
    single = [j for j in single if not j["spec"]["fold"] and not j["spec"]["prediction"]]
    for cohort_id in {job["cohort_id"] for job in single}:
        found = [job for job in single if job["cohort_id"] == cohort_id and not job["control"]]
        if len(found) > 1:
            return found[:2]
    cohort_id = small_cohort(api, "browser: to average", filter={}, seed=7)
    body = {"experiment": "embed-2b6k", "cohort_id": cohort_id}
    jobs = [
        api.post("/api/v1/jobs", {**body, "overrides": {**SMALL, "seed": seed}}) for seed in (1, 2)
    ]
    return [ended(page, api, job["job_id"]) for job in jobs]


def folded(api: Api, cohort_id: str) -> dict[str, Any]:
    """A job of three folds, submitted where there is none."""
    name = "browser: folds"
    for job in api.get(f"/api/v1/jobs?limit=500&parent=none&cohort_id={cohort_id}")["items"]:
        if job["name"] == name and job["state"] not in ("failed", "cancelled"):
            found: dict[str, Any] = job
            return found
    composition = {"kind": "folds", "count": 3, "method": "k-fold", "seed": 0}
    body = {"experiment": "embed-2b6k", "cohort_id": cohort_id, "overrides": SMALL}
    made: dict[str, Any] = api.post(
        "/api/v1/jobs", {**body, "composition": composition, "name": name}
    )
    return made


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_finished_jobs_are_averaged(page: Page, api: Api, stack: Stack) -> None:
    first, second = averaged(page, api)
    folds = folded(api, first["cohort_id"])
    page.goto(f"{stack.url}/jobs/new?experiment={first['experiment']}")
    page.get_by_label("Made of").select_option("ensemble")
    expect(page.get_by_text("Choose the data first")).to_be_visible()
    page.get_by_label("Cohort", exact=True).select_option(first["cohort_id"])
    expect(page.get_by_text("Choose 2 to 20 jobs.")).to_be_visible()
    expect(page.get_by_role("button", name="Submit the job")).to_be_disabled()
    candidates = page.locator(".candidates li")
    made = candidates.filter(has_text="browser: folds").filter(has_text="it is ")
    expect(made.first.get_by_role("checkbox")).to_be_disabled()
    ids = f"{first['job_id']},{second['job_id']}"
    page.goto(f"{page.url}&_jobs={ids}")
    expect(page.locator(".candidates input:checked")).to_have_count(2)
    expect(page.get_by_role("region", name="What it takes")).to_be_visible()
    page.locator(".candidates").scroll_into_view_if_needed()
    shoot(page, "job-ensemble-form")
    if AXE.exists():
        assert violations(page) == []
    page.get_by_role("button", name="Submit the job").click()
    page.wait_for_url(re.compile(r"/jobs/(?!new)"))
    job = ended(page, api, page.url.rsplit("/", 1)[-1])
    assert job["state"] == "succeeded", job["reason"]
    assert [one["job_id"] for one in job["combined"]["members"]] == ids.split(",")
    expect(page.locator(".table.children tbody tr")).to_have_count(2)
    # The folds' test parts, side by side, from what their jobs were tested on.
    assert ended(page, api, folds["job_id"])["state"] == "succeeded"
    page.goto(f"{stack.url}/jobs/{folds['job_id']}")
    page.get_by_text("Patients and classes of each fold").click()
    rows = page.locator(".folds tbody tr")
    expect(rows).to_have_count(3)
    children = api.get(f"/api/v1/jobs?parent={folds['job_id']}")["items"]
    counted = {c["name"]: c["metrics"]["test"] for c in children}
    for row in rows.all():
        test = counted[row.locator("th").inner_text()]
        assert row.locator("td.number").all_inner_texts()[:2] == [
            f"{test['patients']:,}", f"{test['n']:,}",
        ]  # fmt: skip
    rows.first.scroll_into_view_if_needed()
    shoot(page, "job-folds")
    if AXE.exists():
        assert violations(page) == []
