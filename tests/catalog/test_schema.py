"""Every route under what its OpenAPI allows and forbids: an answer or a problem, never a 500."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from catalog.app import create_app
from catalog.settings import Settings
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys

from tests.asking import ask
from tests.catalog.conftest import Api, fresh_settings, served

EXAMPLES = int(os.environ.get("EMBEDLAB_SCHEMA_EXAMPLES", "15"))  # requests of each operation
NOWHERE = Settings(database_url="postgresql+asyncpg://nowhere/x", identity_jwks=Path("/nowhere"))
SCHEMA = schemathesis.openapi.from_dict(create_app(NOWHERE).openapi())
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}


@pytest.fixture(scope="module")
def fuzzed(
    postgres_url: str,
    s3: S3Server,
    identity_keys: IdentityKeys,
    synthetic_tables: Path,
    person: Callable[..., Api],
) -> Iterator[Api]:
    """An admin of a catalog that nobody else asks."""
    with (
        fresh_settings(postgres_url, s3, identity_keys, synthetic_tables) as made,
        served(made) as url,
    ):
        admin = person(url, "admin")
        state = admin.ingest("embed-synthetic", synthetic_tables, restricted=False)
        assert state["state"] == "succeeded", state["error"]
        yield admin


@pytest.fixture(scope="module")
def known(fuzzed: Api) -> dict[str, Any]:
    """Path parameters that name something."""
    image = fuzzed.get("/api/v1/images", asses="S", limit=1)["items"][0]
    classes = [{"name": "N", "values": ["N"]}, {"name": "A", "values": ["A"]}]
    cohort = fuzzed.post("/api/v1/cohorts", {"label": {"field": "asses", "classes": classes}}, 201)
    return {
        **{name: image[name] for name in ("image_id", "exam_id", "patient_id")},
        "cohort_id": cohort["cohort_id"],
        "name": "embed-synthetic",
        "revision_id": 1,
    }


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_ends_in_a_500(label: str, fuzzed: Api, known: dict[str, Any]) -> None:
    base = str(fuzzed.http.base_url).rstrip("/")
    ask(OPERATIONS[label], known, base, {"Authorization": fuzzed.authorize()}, EXAMPLES)
