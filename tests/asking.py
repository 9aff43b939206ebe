"""Requests drawn from an OpenAPI document, of what it allows and of what it forbids."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

PROBLEM = "application/problem+json"
LONGEST_TARGET = 65_536  # bytes of a request line that the HTTP parser reads; it ends longer ones
MISSING = "urn:embedlab:source-missing"  # the tables name an image whose file is not there
SESSION = "embedlab_session"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    positive_data_acceptance,
)
# What a valid request is, a schema cannot say of everything: the standards' own grammars of paths
# and queries, and parameters that exclude each other.
BEYOND_SCHEMAS = (
    "/compat/",
    "/dicomweb/",
    "/iiif/",
    "/api/v1/cohorts/{cohort_id}/archive",
    "/api/v1/images/{image_id}/pixels",
    "/api/v1/images/{image_id}/rendered",
    "/api/v1/images/{image_id}/rois/",
)
# Their queries name filters and columns of the dataset, whose values the vocabulary decides.
FILTERED = ("/api/v1/images", "/api/v1/statistics")


def ask(
    operation: "APIOperation[Any, Any, Any]",
    known: Mapping[str, Any],
    base_url: str,
    headers: Mapping[str, str],
    examples: int,
) -> None:
    """Send ``examples`` requests; each is answered as declared, or refused with a problem.

    ``known`` are path parameters that name something: half of the requests use them.
    """
    named = {p.name: known[p.name] for p in operation.path_parameters if p.name in known}
    places = [{"path_parameters": named}, {}] if named else [{}]
    cases: st.SearchStrategy[Case] = st.one_of(
        operation.as_strategy(mode, **place)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for place in places
    )

    # A failing request is shown as it was drawn: to shrink it takes minutes of requests. The same
    # requests each time, so that a change answers for its own faults; more examples draw further.
    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: Case) -> None:
        # Who asks is told by the token alone: a session drawn at random beside it would be no test.
        case.cookies = {n: v for n, v in (case.cookies or {}).items() if n != SESSION}
        answer = case.call(base_url=base_url, headers=dict(headers), timeout=60)
        _check(case, answer, headers)

    send()


def _check(case: Case, answer: Response, headers: Mapping[str, str]) -> None:
    if len(answer.request.url or "") > LONGEST_TARGET:
        assert answer.status_code == 400, case.as_curl_command()
        return
    checks = list(CHECKS)
    if answer.status_code == 502 and answer.json()["type"] == MISSING:
        checks.remove(not_a_server_error)  # said of the bucket, not of ourselves
    if _is_beyond_schemas(case, answer):
        checks.remove(positive_data_acceptance)
    case.validate_response(answer, checks=checks, headers=dict(headers))
    if answer.status_code >= 400 and case.method != "HEAD":
        assert answer.headers["content-type"] == [PROBLEM], case.as_curl_command()


def _is_beyond_schemas(case: Case, answer: Response) -> bool:
    """Whether a request may fit its schema and be refused all the same.

    Bodies have rules between their members; a cursor is text that only its list can read; 410 is
    the 404 of what an earlier request deleted.
    """
    return (
        case.operation.path.startswith(BEYOND_SCHEMAS)
        or case.operation.path in FILTERED
        or not isinstance(case.body, NotSet)
        or "cursor" in (case.query or {})
        or answer.status_code == 410
    )
