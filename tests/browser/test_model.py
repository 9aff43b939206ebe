"""Asking a trained model about the image in sight: what it says, and what it went by."""

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import DATASET, PHONE, Api, OpenPage, Stack, shoot, snap
from .test_access import AXE, violations
from .test_case import find_record, open_case

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

CLASSES = [{"name": "B", "values": ["B"]}, {"name": "K", "values": ["K"]}]
SMALL = {"epochs": 1, "input_size": 64, "model": "resnet18", "weights": "none"}
TURN_MS = 1_000
TURNS = 600


def ended(page: Page, api: Api, job_id: str) -> dict[str, Any]:
    """The job once it has ended."""
    for _ in range(TURNS):
        job: dict[str, Any] = api.get(f"/api/v1/jobs/{job_id}")
        if job["state"] not in ("queued", "running"):
            return job
        page.wait_for_timeout(TURN_MS)
    raise AssertionError(f"job {job_id} did not end")


def small_cohort(api: Api, name: str, **more: Any) -> str:
    """A frozen cohort of a few images of two classes; its id."""
    label = {"field": "asses", "policy": "worst", "classes": CLASSES}
    sampling = {"per_class": 40}
    definition = {"name": name, "dataset": DATASET, "label": label, "sampling": sampling, **more}
    return str(api.post("/api/v1/cohorts", definition)["cohort_id"])


def find_model(page: Page, api: Api) -> dict[str, Any]:
    """A model that saw MLO views only, trained where there is none yet."""
    name = "browser: MLO only"
    for model in api.get("/api/v1/models?limit=200")["items"]:
        if model["name"] == name:
            found: dict[str, Any] = model
            return found
    cohort_id = small_cohort(api, name, filter={"ViewPosition": ["MLO"]}, seed=7)
    body = {"experiment": "embed-2b6k", "cohort_id": cohort_id, "overrides": SMALL, "name": name}
    job = ended(page, api, api.post("/api/v1/jobs", body)["job_id"])
    assert job["state"] == "succeeded", job["reason"]
    trained: dict[str, Any] = api.get(f"/api/v1/models/{job['job_id']}")
    return trained


SPLIT_WORDS = {
    "train": "Training image.",
    "validation": "Validation image.",
    "test": "Test image.",
}


def told_apart(api: Api, model: dict[str, Any], image_id: int) -> str:
    """What the page must say of an image that a model may have seen."""
    patient = api.get(f"/api/v1/images/{image_id}")["patient_id"]
    path = f"/api/v1/cohorts/{model['lineage']['cohort_id']}/patients/{patient}/members"
    splits = {one["image_id"]: one["split"] for one in api.get(path)["items"]}
    if image_id in splits:
        return SPLIT_WORDS[splits[image_id]]
    known = {"train", "validation"} & set(splits.values())
    return "Patient known." if known else "Unseen."


def test_an_image_that_a_model_learnt_from_is_marked(page: Page, api: Api, stack: Stack) -> None:
    model = find_model(page, api)
    path = f"/api/v1/cohorts/{model['lineage']['cohort_id']}/members?limit=500"
    members = api.get(path)["items"]
    for split, words in SPLIT_WORDS.items():
        image_id = next(one["image_id"] for one in members if one["split"] == split)
        open_case(page, stack, image_id, f"?_layout=one&_model={model['model_id']}")
        panel = page.get_by_role("region", name="Model")
        expect(panel.get_by_text(words)).to_be_visible()
        marked = panel.locator(".note.warning").filter(has_text=words)
        expect(marked).to_have_count(0 if split == "test" else 1)
        if split == "train":
            panel.scroll_into_view_if_needed()
            shoot(page, "case-model-training-image")


def test_a_model_is_asked_about_the_image_in_sight(page: Page, api: Api, stack: Stack) -> None:
    model = find_model(page, api)
    query = "has_file=true&FinalImageType=2D&ViewPosition=MLO&ImageLateralityFinal=R"
    image_id = find_record(api, query)["image_id"]
    open_case(page, stack, image_id, "?_layout=one")
    panel = page.get_by_role("region", name="Model")
    panel.get_by_label("Ask a trained model").select_option(model["model_id"])
    page.wait_for_url(re.compile(f"_model={model['model_id']}"))
    [told] = api.post(f"/api/v1/jobs/{model['model_id']}/predict", {"image_ids": [image_id]})[
        "predictions"
    ]
    rows = panel.get_by_role("table", name="Class probabilities").get_by_role("row")
    expect(rows).to_have_count(2)
    said = max(told["probs"], key=lambda name: told["probs"][name])
    expect(rows.first).to_contain_text(f"{said}{told['probs'][said] * 100:.1f}")
    expect(panel.get_by_role("list", name="Warnings about this model")).to_have_count(0)
    expect(panel.get_by_role("status")).to_contain_text(told_apart(api, model, image_id))
    # By keys alone: on, fainter, off. The address keeps all of it.
    page.locator(".viewer").click(position={"x": 5, "y": 5})
    page.keyboard.press("a")
    heat = page.locator(".heat canvas")
    expect(heat).to_have_count(1)
    shoot(page, "case-model")
    strong = float(heat.evaluate("e => getComputedStyle(e).opacity"))
    page.keyboard.press("o")
    page.wait_for_url(re.compile("_opacity=50"))
    assert float(heat.evaluate("e => getComputedStyle(e).opacity")) == pytest.approx(strong - 0.1)
    assert heat.evaluate(
        "e => e.getContext('2d').getImageData(0, 0, e.width, e.height).data.some(x => x > 200)"
    )
    frame = page.locator(".marks").bounding_box()
    box = heat.bounding_box()
    assert frame is not None
    assert box is not None
    prepared = model["preprocessing"]
    side = frame["width"] * prepared["centre"] / prepared["stored"]["size"]
    assert box["width"] == pytest.approx(side, rel=0.02)
    assert box["height"] == pytest.approx(side, rel=0.02)
    with page.expect_response(re.compile("method=grad-cam")) as answer:
        panel.get_by_label("What it went by").select_option("grad-cam")
    assert answer.value.ok
    page.reload()
    expect(heat).to_have_count(1)
    if AXE.exists():
        assert violations(page) == []
    page.keyboard.press("a")
    expect(heat).to_have_count(0)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_model_of_other_views_says_so(open_page: OpenPage, stack: Stack, scheme: str) -> None:
    page = open_page(PHONE, scheme)
    api = Api(page, stack)
    model = find_model(page, api)
    record = find_record(api, "has_file=true&FinalImageType=2D&ViewPosition=CC")
    query = f"?_layout=one&_model={model['model_id']}&_heat=saliency"
    open_case(page, stack, record["image_id"], query)
    panel = page.get_by_role("region", name="Model")
    expect(panel.get_by_role("list", name="Warnings about this model")).to_contain_text(
        "trained on MLO only; the view of this image is CC"
    )
    expect(panel.get_by_role("table", name="Class probabilities")).to_be_visible()
    expect(page.locator(".heat canvas")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    panel.scroll_into_view_if_needed()
    snap(page, f"phone-case-model-{scheme}")
    if AXE.exists():
        assert violations(page) == []


def test_a_model_that_is_not_there(page: Page, api: Api, stack: Stack) -> None:
    find_model(page, api)
    record = find_record(api, "has_file=true")
    open_case(page, stack, record["image_id"], f"?_model={uuid.uuid4()}&_heat=saliency")
    panel = page.get_by_role("region", name="Model")
    expect(panel).to_contain_text("The model of this link is not there")
    expect(page.locator(".heat")).to_have_count(0)
