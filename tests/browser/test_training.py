"""From a filter to a frozen cohort to a job and its curves."""

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import PHONE, Api, OpenPage, Stack, shoot, snap

pytestmark = pytest.mark.browser

EPOCHS = 2

# Titles of charts with a curve that leaves its picture.
OUTSIDE = """() => [...document.querySelectorAll("figure.chart")]
    .filter(chart => [...chart.querySelectorAll("path.curve")].some(curve => {
        const box = curve.getBBox(), size = curve.ownerSVGElement.getBoundingClientRect();
        return box.x < 0 || box.x + box.width > size.width;
    }))
    .map(chart => chart.querySelector("figcaption").textContent)"""


def freeze(page: Page, stack: Stack, name: str) -> str:
    """A frozen cohort of a few images; its id."""
    page.goto(f"{stack.url}/cohorts/new?_class=B:B&_class=K:K&_cap=40&_seed=7")
    page.get_by_role("heading", name="How it came about").wait_for()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Freeze this cohort").click()
    page.wait_for_url(re.compile(r"/cohorts/(?!new)"))
    return page.url.rsplit("/", 1)[-1]


def test_cohort_preview_is_what_is_frozen(page: Page, api: Api, stack: Stack) -> None:
    page.goto(f"{stack.url}/cohorts/new?_class=B:B&_class=K:K&_cap=40&_seed=7")
    preview = page.locator(".balance tbody")
    preview.wait_for()
    page.wait_for_timeout(300)
    shoot(page, "cohort-build")
    before = preview.inner_text()
    cohort = api.get(f"/api/v1/cohorts/{freeze(page, stack, 'browser: B vs K')}")
    expect(page.locator(".balance tbody")).to_have_text(re.compile("B"))
    assert page.locator(".balance tbody").inner_text() == before
    expect(page.get_by_text(cohort["sha256"][:24])).to_be_visible()
    assert [c["name"] for c in cohort["classes"]] == ["B", "K"]
    steps = page.locator(".attrition li")
    expect(steps).to_have_count(len(cohort["attrition"]))
    expect(steps.last).to_contain_text(f"{cohort['attrition'][-1]['images']:,}")
    shoot(page, "cohort")


def test_the_sentence_edits_the_preview(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/cohorts/new?_class=B:B&_class=K:K&_cap=40")
    rows = page.locator(".balance tbody tr")
    expect(rows).to_have_count(2)
    cap = page.get_by_label("Images of each class at most")
    cap.fill("5")
    cap.press("Enter")
    page.wait_for_url(re.compile("_cap=5"))
    expect(rows.first.locator("td").nth(5)).to_have_text("5")
    page.get_by_role("button", name="Another class").click()
    expect(page.get_by_text("has no values yet")).to_be_visible()
    expect(page.get_by_role("button", name="Freeze this cohort")).to_be_disabled()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_job_is_submitted_and_followed_to_its_curves(page: Page, api: Api, stack: Stack) -> None:
    cohort_id = freeze(page, stack, "browser: to train")
    page.get_by_role("link", name="Train on it").click()
    page.get_by_role("heading", name="New job").wait_for()
    expect(page.get_by_text("Published by others").first).to_be_visible()
    shoot(page, "experiments")
    page.locator(".experiment").filter(has_text="embed-2b6k").click()
    page.wait_for_url(re.compile(f"cohort={cohort_id}"))
    page.get_by_label("Epochs").fill("9999")
    expect(page.get_by_text("At most")).to_be_visible()
    expect(page.get_by_role("button", name="Submit the job")).to_be_disabled()
    page.get_by_label("Epochs").fill(str(EPOCHS))
    page.get_by_label("Input size").fill("64")
    shoot(page, "job-form")
    page.get_by_role("button", name="Submit the job").click()
    page.wait_for_url(re.compile(r"/jobs/(?!new)"))
    job_id = page.url.rsplit("/", 1)[-1]
    expect(page.locator(".state")).to_have_text(re.compile("Queued|Running"))
    page.get_by_role("img", name=re.compile("^Loss by")).wait_for(timeout=400_000)
    shoot(page, "job-running")
    page.get_by_role("region", name="Result").wait_for(timeout=400_000)
    job = api.get(f"/api/v1/jobs/{job_id}")
    assert job["state"] == "succeeded"
    assert len(job["epochs"]) == EPOCHS
    auc = job["metrics"]["test"]["roc_auc"]["value"]
    expect(page.locator(".figure")).to_have_text(f"{auc:.3f}")
    cells = page.locator(".matrix td strong").all_inner_texts()
    counts = [str(n) for row in job["metrics"]["confusion_matrix"]["counts"] for n in row]
    assert cells == counts
    text = api.text(f"/api/v1/jobs/{job_id}/artifacts/predictions.csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    said = [(row["label"], float(row["p_B"]), float(row["p_K"])) for row in rows]
    wrong = [row for row in said if (row[1] > row[2]) != (row[0] == "B")]
    expect(page.get_by_role("region", name="Misclassified cases")).to_contain_text(
        f"{len(wrong)} of {len(rows)} test images"
    )
    page.get_by_role("heading", name="Calibration").scroll_into_view_if_needed()
    assert page.evaluate(OUTSIDE) == []
    shoot(page, "job-calibration")
    page.get_by_role("heading", level=1).scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    shoot(page, "job-done")
    if wrong:
        page.locator(".wrong-case").first.click()
        page.wait_for_url(re.compile("/images/"))


@pytest.mark.slow
def test_jobs_are_compared(page: Page, api: Api, stack: Stack) -> None:
    """The jobs of the tests above, overlaid; hundreds are drawn the same way."""
    found = [job for job in api.get("/api/v1/jobs?limit=100")["items"] if job["epochs"]]
    assert found, "no job has an epoch yet: the test of submitting one comes first"
    page.goto(f"{stack.url}/jobs")
    page.get_by_label("Compare all of these").check()
    names = page.locator(".table.jobs tbody tr")
    page.get_by_role("link", name=re.compile(r"^Compare \d+")).click()
    page.wait_for_url(re.compile("/jobs/compare"))
    rows = page.locator(".table.compare tbody tr")
    expect(rows).to_have_count(len(api.get("/api/v1/jobs?limit=500")["items"]))
    assert names.count() == 0
    done = next(job for job in found if job["state"] == "succeeded")
    auc = done["metrics"]["test"]["roc_auc"]
    row = rows.filter(has=page.locator(f'a[href="/jobs/{done["job_id"]}"]'))
    expect(row).to_contain_text(f"{auc['value']:.3f} {auc['low']:.3f} to {auc['high']:.3f}")
    row.get_by_role("link").focus()
    expect(page.locator(".overlay .chosen path")).to_have_count(1)
    shoot(page, "jobs-compare")


def test_cohorts_are_compared_and_exported(page: Page, api: Api, stack: Stack) -> None:
    first = freeze(page, stack, "browser: compare a")
    page.goto(f"{stack.url}/cohorts/new?_class=B:B&_class=K:K&_match=K~age,density~2")
    page.get_by_text("Take every case with its controls").wait_for()
    page.get_by_role("heading", name="How it came about").wait_for()
    page.get_by_role("button", name="Freeze this cohort").click()
    page.wait_for_url(re.compile(r"/cohorts/(?!new)"))
    second = page.url.rsplit("/", 1)[-1]
    assert api.get(f"/api/v1/cohorts/{second}")["definition"]["match"]["on"] == ["age", "density"]
    page.get_by_text("Export", exact=True).click()
    files = page.get_by_role("list", name="Files of this cohort")
    with page.expect_download() as caught:
        files.get_by_role("link", name=re.compile("members.csv")).click()
    members = caught.value.path().read_text().splitlines()
    assert len(members) - 1 == api.get(f"/api/v1/cohorts/{second}")["counts"]["images"]
    page.goto(f"{stack.url}/cohorts/compare?a={first}&b={second}")
    told = api.get(f"/api/v1/cohorts/compare?a={first}&b={second}")
    shared = page.get_by_role("region", name="Members").locator("dd").nth(1)
    expect(shared).to_have_text(re.compile(f"^{told['in_both']:,} images?$"))
    expect(page.get_by_role("region", name="Definition")).to_contain_text("match.on")
    shoot(page, "cohort-compare")


def test_a_recipe_is_a_cohort(page: Page, api: Api, stack: Stack) -> None:
    page.goto(f"{stack.url}/cohorts/new?_cap=40")
    page.get_by_label("Curation").select_option("nus")
    page.wait_for_url(re.compile("_recipe=nus"))
    recipe = {"name": "preview", "dataset": "embed-synthetic", "recipe": {"name": "nus"}}
    told = api.post("/api/v1/cohorts/preview", {**recipe, "sampling": {"per_class": 40}, "seed": 7})
    expect(page.locator(".attrition li")).to_have_count(len(told["attrition"]))
    expect(page.locator(".attrition li").last).to_contain_text(
        f"{told['attrition'][-1]['images']:,}"
    )
    shoot(page, "cohort-recipe")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_job_is_cancelled(page: Page, api: Api, stack: Stack) -> None:
    cohort_id = freeze(page, stack, "browser: to cancel")
    page.goto(f"{stack.url}/jobs/new?experiment=embed-2b6k&cohort={cohort_id}&_o.epochs=400")
    page.get_by_role("button", name="Submit the job").click()
    page.wait_for_url(re.compile(r"/jobs/(?!new)"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".page-head .state")).to_have_text("Cancelled", timeout=120_000)
    page.goto(f"{stack.url}/jobs")
    page.locator(".table.jobs tbody tr").first.wait_for()
    page.wait_for_timeout(300)
    shoot(page, "jobs")


@pytest.mark.parametrize("path", ["/cohorts", "/cohorts/new", "/jobs", "/jobs/new"])
def test_phone(open_page: OpenPage, stack: Stack, path: str) -> None:
    page = open_page(PHONE, "light")
    page.goto(f"{stack.url}{path}")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_timeout(600)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    snap(page, f"phone{path.replace('/', '-')}")
