"""Nobody is shut out: axe finds nothing serious on any page, at either size, in either theme."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import DESKTOP, PHONE, Api, OpenPage, Stack, snap

pytestmark = pytest.mark.browser

AXE = Path("frontend/node_modules/axe-core/axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    """What axe calls serious or critical, with the elements at fault."""
    # Evaluated, not added as a script: the page's policy allows no inline script.
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(
        "async rules => (await axe.run({runOnly: rules})).violations", RULES
    )
    return [
        f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_no_serious_issue_on_any_page(
    open_page: OpenPage, stack: Stack, size: tuple[int, int], scheme: str
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in frontend")
    page = open_page(size, scheme)
    api = Api(page, stack)
    image = api.get("/api/v1/images?has_roi=true&limit=1")["items"][0]["image_id"]
    job = api.get("/api/v1/jobs?state=succeeded&experiment=embed-2b6k&limit=1")["items"][0]
    paths = {
        "/explore?asses=S&age_at_study.gte=40": ".tile[data-image]",
        f"/images/{image}": ".finding",
        "/cohorts": "h1",
        "/cohorts/new": ".balance",
        f"/cohorts/{job['cohort_id']}": ".definition",
        "/jobs": "h1",
        "/jobs/new": ".gallery",
        "/jobs/new?experiment=embed-2b6k": ".settings",
        f"/jobs/{job['job_id']}": ".curves",
        "/jobs/evaluate": "#scores",
        "/jobs/compare": "h1",
        "/cohorts/compare": "h1",
        "/statistics?asses=S": ".bars",
        "/account": ".token-form",
        "/admin/people": ".table",
        "/admin/audit": ".table",
        "/admin/workers": ".table",
        "/admin/datasets": ".revision",
        "/admin/cache": ".table",
        "/admin/system": ".report",
        "/nowhere": "h2",
    }
    found = {}
    for number, (path, ready) in enumerate(paths.items()):
        page.goto(f"{stack.url}{path}")
        page.locator(ready).first.wait_for()
        page.wait_for_timeout(400)
        snap(page, f"page-{number:02}-{size[0]}-{scheme}")
        found[path] = violations(page)
    issues = [f"{path}: {issue}" for path, several in found.items() for issue in several]
    assert not issues, "\n".join(issues)
