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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

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
    operation = OPERATIONS[label]
    named = {p.name: known[p.name] for p in operation.path_parameters if p.name in known}
    places = [{"path_parameters": named}, {}] if named else [{}]
    cases: st.SearchStrategy[Case] = st.one_of(
        operation.as_strategy(mode, **place)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for place in places
    )
    base = str(fuzzed.http.base_url).rstrip("/")

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def ask(case: Case) -> None:
        headers = {"Authorization": fuzzed.authorize()}
        answer = case.call(base_url=base, headers=headers, timeout=60)
        case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], (
                case.as_curl_command()
            )

    ask()
