"""Scores from elsewhere and the published protocol: what is refused, how figures are labelled."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from .conftest import PHONE, Api, OpenPage, Stack, shoot, sign_in, snap
from .test_access import AXE, violations
from .test_model import SMALL, ended, small_cohort

pytestmark = pytest.mark.browser

UNSURE = 0.25


def table(unit: str, rows: Iterable[tuple[object, float]]) -> FilePayload:
    """A file of scores."""
    lines = [f"{unit},p_B,p_K", *(f"{key},{p_b},{1 - p_b}" for key, p_b in rows)]
    return {"name": "scores.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}


def in_test(api: Api, cohort_id: str, column: str) -> list[Any]:
    """Images or exams of the test split, each once."""
    members = api.get(f"/api/v1/cohorts/{cohort_id}/members?limit=500")["items"]
    return list(dict.fromkeys(m[column] for m in members if m["split"] == "test"))


def accessible(page: Page) -> None:
    """Axe finds nothing, where it is installed."""
    if AXE.exists():
        assert violations(page) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_scores_are_refused_by_line_and_then_evaluated(fresh_page: Page, stack: Stack) -> None:
    page = fresh_page  # Chromium writes down a refusal as an error.
    sign_in(page, stack)
    api = Api(page, stack)
    cohort_id = small_cohort(api, "browser: to score", filter={}, seed=7)
    images = in_test(api, cohort_id, "image_id")
    page.goto(f"{stack.url}/cohorts/{cohort_id}")
    page.get_by_role("link", name="Evaluate scores").click()
    page.wait_for_url(re.compile(f"/jobs/evaluate.*{cohort_id}"))
    expect(page.get_by_label("Split")).to_have_value("test")
    expect(page.get_by_text("p_B, p_K")).to_be_visible()
    send = page.get_by_role("button", name="Evaluate the scores")
    expect(send).to_be_disabled()
    accessible(page)
    shoot(page, "scores-form")
    page.get_by_label("File of scores").set_input_files(table("image_id", [(images[0], 7)]))
    send.click()
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("line 2, p_B: '7' is no probability from 0 to 1")
    accessible(page)
    shoot(page, "scores-refused")
    sent = table("image_id", [(image_id, UNSURE) for image_id in images])
    page.get_by_label("File of scores").set_input_files(sent)
    expect(refusal).to_have_count(0)
    page.get_by_label("Name").fill("browser: scores by image")
    send.click()
    page.wait_for_url(re.compile(r"/jobs/(?!evaluate)"))
    job = ended(page, api, page.url.rsplit("/", 1)[-1])
    assert job["state"] == "succeeded", job["reason"]
    assert job["spec"]["scores"]["split"] == "test"
    wrong = page.get_by_role("region", name="Misclassified cases")
    expect(wrong).to_contain_text(f"of {len(images)} test images")
    first = wrong.get_by_role("listitem").first.get_by_role("link")
    expect(first).to_have_attribute("href", re.compile(r"^/images/\d+$"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_scores_by_exam_keep_their_digits_and_lead_to_the_exam(
    page: Page, api: Api, stack: Stack
) -> None:
    cohort_id = small_cohort(api, "browser: to score", filter={}, seed=7)
    exams = in_test(api, cohort_id, "exam_id")
    page.goto(f"{stack.url}/jobs/evaluate?cohort={cohort_id}")
    page.get_by_label("File of scores").set_input_files(
        table("exam_id", [(exam_id, UNSURE) for exam_id in exams])
    )
    page.get_by_role("button", name="Evaluate the scores").click()
    page.wait_for_url(re.compile(r"/jobs/(?!evaluate)"))
    job = ended(page, api, page.url.rsplit("/", 1)[-1])
    assert job["state"] == "succeeded", job["reason"]
    wrong = page.get_by_role("region", name="Misclassified cases")
    expect(wrong).to_contain_text(f"of {len(exams)} test exams")
    first = wrong.get_by_role("listitem").first.get_by_role("link")
    exam_id = first.inner_text().removeprefix("exam ")
    assert exam_id in exams
    expect(first).to_have_attribute("href", re.compile(rf"acc_anon={exam_id}"))
    wrong.scroll_into_view_if_needed()
    shoot(page, "scores-by-exam")
    wrong.get_by_role("button", name="Save their images as a cohort").click()
    expect(wrong.get_by_text("Saved as a cohort.")).to_be_visible()
    saved = wrong.get_by_role("link", name="cohort", exact=True).get_attribute("href") or ""
    named = {link.inner_text() for link in wrong.get_by_role("listitem").get_by_role("link").all()}
    misread = {name.removeprefix("exam ") for name in named}

    def images(path: str) -> set[int]:
        members = api.get(f"/api/v1{path}/members?limit=500")["items"]
        return {m["image_id"] for m in members if m["exam_id"] in misread}

    whole = {m["image_id"] for m in api.get(f"/api/v1{saved}/members?limit=500")["items"]}
    assert whole == images(saved) == images(f"/cohorts/{cohort_id}")


def test_scores_on_a_phone(open_page: OpenPage, stack: Stack) -> None:
    page = open_page(PHONE, "light")
    cohort_id = small_cohort(Api(page, stack), "browser: to score", filter={}, seed=7)
    page.goto(f"{stack.url}/jobs/evaluate?cohort={cohort_id}")
    page.get_by_label("File of scores").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    snap(page, "phone-scores-form")


def trained(page: Page, api: Api, cohort_id: str, protocol: str) -> dict[str, Any]:
    """A small job of a cohort."""
    body = {"experiment": "embed-2b6k", "cohort_id": cohort_id, "overrides": SMALL}
    named = {"protocol": protocol, "name": f"browser: {protocol}"}
    job = ended(page, api, api.post("/api/v1/jobs", body | named)["job_id"])
    assert job["state"] == "succeeded", job["reason"]
    return job


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_split_by_image_is_labelled_and_its_inflation_told(
    page: Page, api: Api, stack: Stack
) -> None:
    by_patient = small_cohort(api, "browser: by patient", filter={}, seed=7)
    by_image = small_cohort(api, "browser: by image", filter={}, seed=7, split={"by": "image"})
    page.goto(f"{stack.url}/jobs/new?experiment=embed-2b6k&cohort={by_patient}")
    expect(page.get_by_role("region", name="What it takes")).to_be_visible()
    expect(page.get_by_text("Its figures will be inflated.")).to_have_count(0)
    page.get_by_label("Cohort", exact=True).select_option(by_image)
    expect(page.get_by_text("Its figures will be inflated.")).to_be_visible()
    expect(page.get_by_role("region", name="What it takes")).to_contain_text("inflated")
    accessible(page)
    shoot(page, "published-form")
    published = trained(page, api, by_image, "published")
    patient = trained(page, api, by_patient, "patient")
    page.goto(f"{stack.url}/jobs/{published['job_id']}")
    expect(page.locator(".page-head .badge")).to_have_text("split by image, inflated")
    expect(page.get_by_role("img", name=re.compile("^Test by"))).to_be_visible()
    shoot(page, "published-job")
    thresholds = page.get_by_role("region", name="At thresholds that validation chose")
    expect(thresholds).to_have_count(0)
    page.goto(f"{stack.url}/jobs/{patient['job_id']}")
    told = [f"{one['threshold']:.3f}" for one in patient["metrics"]["thresholds"]]
    assert told
    expect(thresholds.locator("td:nth-child(2)")).to_have_text(told)
    thresholds.scroll_into_view_if_needed()
    accessible(page)
    shoot(page, "thresholds")
    page.goto(f"{stack.url}/jobs")
    row = page.locator("tr").filter(has=page.locator(f'a[href="/jobs/{published["job_id"]}"]'))
    expect(row).to_contain_text("split by image, inflated")
    page.goto(f"{stack.url}/jobs/compare?job={patient['job_id']}&job={published['job_id']}")
    expect(page.get_by_role("list", name="Warnings")).to_contain_text("do not compare")
    cells = page.locator(".table.compare tbody tr")
    expect(cells.first).to_contain_text("by patient")
    expect(cells.last).to_contain_text("by image, as published")
    auc = [job["metrics"]["test"]["roc_auc"]["value"] for job in (patient, published)]
    inflation = page.get_by_role("region", name="Inflation by the split").locator("tbody td").first
    expect(inflation).to_have_text(f"{auc[1] - auc[0]:+.3f}".replace("-", "\u2212"))
    expect(page.get_by_text("is not tested against")).to_be_visible()
    accessible(page)
    shoot(page, "published-compare")
