"""Every public operation, through the gateway, by the merged OpenAPI: no request ends in a 500."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis

from tests.asking import ask
from tests.contract import pictured
from tests.gateway.conftest import Gateway

EXAMPLES = int(os.environ.get("EMBEDLAB_SCHEMA_EXAMPLES", "6"))  # requests of each operation
DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
OPERATIONS = {
    operation.ok().label: operation.ok()
    for operation in schemathesis.openapi.from_path(DOCUMENT).get_all_operations()
}
ENDLESS = {"GET /api/v1/jobs/events"}  # a stream of events has no end to wait for


@pytest.fixture(scope="module")
def admin(lab: Gateway, synthetic_tables: Path) -> httpx.Client:
    """An admin with a token of every scope, tables to ask about, and files of some images."""
    client = lab.with_token("admin")
    pictured.ingest(client, synthetic_tables)
    return client


@pytest.fixture(scope="module")
def known(admin: httpx.Client) -> dict[str, Any]:
    """Path parameters that name something."""
    found = admin.get("/api/v1/images", params={"has_file": "true"}).json()["items"][0]
    classes = [{"name": "N", "values": ["N"]}, {"name": "A", "values": ["A"]}]
    body = {"label": {"field": "asses", "classes": classes}}
    cohort = admin.post("/api/v1/cohorts", json=body).json()
    assert "cohort_id" in cohort, cohort
    return {
        **{name: found[name] for name in ("image_id", "exam_id", "patient_id")},
        "cohort_id": cohort["cohort_id"],
        "name": pictured.NAME,
        "revision_id": 1,
    }


@pytest.mark.parametrize("label", sorted(OPERATIONS.keys() - ENDLESS))
def test_no_request_ends_in_a_500(
    label: str, lab: Gateway, admin: httpx.Client, known: dict[str, Any]
) -> None:
    headers = {"Authorization": admin.headers["Authorization"]}
    ask(OPERATIONS[label], known, lab.url, headers, EXAMPLES)
