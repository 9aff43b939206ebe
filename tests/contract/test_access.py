"""Who may do what: one row per operation, tried against the real services."""

import httpx
import pytest
from devstack.throwaway import psql
from gateway.credentials import SCOPES
from gateway.openapi import merge_openapi

from tests.contract.conftest import Documents
from tests.contract.test_openapi import operations
from tests.gateway.conftest import Gateway

ROLES = ("reader", "researcher", "admin")
OPEN = "open"
ANY = "any"

# operation id: (least role, scope that an API token needs)
MATRIX: dict[str, tuple[str, str]] = {
    # gateway
    "create_session": (OPEN, OPEN),
    "create_first_admin": (OPEN, OPEN),
    "set_password_by_link": (OPEN, OPEN),
    "create_password_link": ("admin", "admin"),
    "change_password": ("reader", ANY),
    "export_audit": ("admin", "admin"),
    "delete_session": ("reader", ANY),
    "retrieve_me": ("reader", ANY),
    "record_agreement": ("reader", ANY),
    "list_tokens": ("reader", ANY),
    "create_token": ("reader", ANY),
    "revoke_token": ("reader", ANY),
    "list_users": ("admin", "admin"),
    "create_user": ("admin", "admin"),
    "change_user": ("admin", "admin"),
    "list_agreements": ("admin", "admin"),
    "confirm_agreement": ("admin", "admin"),
    "search_audit": ("admin", "admin"),
    # catalog
    "list_datasets": ("reader", "read"),
    "retrieve_dataset": ("reader", "read"),
    "list_revisions": ("admin", "read"),
    "retrieve_revision": ("admin", "read"),
    "create_revision": ("admin", "admin"),
    "purge_dataset": ("admin", "admin"),
    "purge_pictures": ("admin", "admin"),
    "purge_jobs": ("admin", "admin"),
    "list_filters": ("reader", "read"),
    "list_images": ("reader", "read"),
    "search_images": ("reader", "read"),
    "count_facets": ("reader", "read"),
    "retrieve_image": ("reader", "read"),
    "retrieve_exam": ("reader", "read"),
    "retrieve_patient": ("reader", "read"),
    "list_cohorts": ("reader", "read"),
    "retrieve_cohort": ("reader", "read"),
    "list_cohort_members": ("reader", "read"),
    "list_patient_members": ("reader", "read"),
    "preview_cohort": ("reader", "read"),
    "create_cohort": ("researcher", "write"),
    "compare_cohorts": ("reader", "read"),
    "delete_cohort": ("researcher", "write"),
    "list_cohort_attrition": ("reader", "read"),
    "describe_cohort_splits": ("reader", "read"),
    "list_cohort_exports": ("researcher", "export"),
    "export_cohort": ("researcher", "export"),
    "list_recipes": ("reader", "read"),
    "retrieve_recipe": ("reader", "read"),
    "list_queries": ("reader", "read"),
    "create_query": ("reader", "write"),
    "retrieve_query": ("reader", "read"),
    "run_query": ("reader", "read"),
    "change_query": ("reader", "write"),
    "delete_query": ("reader", "write"),
    "list_flags": ("reader", "read"),
    "create_flag": ("reader", "write"),
    "retrieve_flag": ("reader", "read"),
    "delete_flag": ("reader", "write"),
    "retrieve_statistics": ("reader", "read"),
    "count_statistics": ("reader", "read"),
    "check_compat_connection": ("reader", "read"),
    "list_compat_options": ("reader", "read"),
    "list_compat_abnormality_options": ("reader", "read"),
    "list_compat_patients": ("reader", "read"),
    "list_compat_images": ("reader", "read"),
    "filter_compat_images": ("reader", "read"),
    "retrieve_compat_patient": ("reader", "read"),
    "retrieve_compat_metadata": ("reader", "read"),
    "retrieve_compat_picture": ("reader", "read"),
    # imagery
    "retrieve_image_thumbnail": ("reader", "read"),
    "retrieve_image_rendered": ("reader", "read"),
    "retrieve_image_pixels": ("reader", "read"),
    "retrieve_image_header": ("reader", "read"),
    "retrieve_image_roi": ("reader", "read"),
    "retrieve_image_dicom": ("researcher", "export"),
    "retrieve_cohort_archive": ("researcher", "export"),
    "start_cohort_warming": ("researcher", "write"),
    "retrieve_cohort_warming": ("researcher", "read"),
    "retrieve_cache": ("admin", "read"),
    "empty_cache": ("admin", "admin"),
    "cancel_cohort_warming": ("researcher", "write"),
    "redirect_to_image_information": ("reader", "read"),
    "retrieve_image_information": ("reader", "read"),
    "retrieve_iiif_image": ("reader", "read"),
    "search_for_studies": ("reader", "read"),
    "search_for_series": ("reader", "read"),
    "search_for_instances": ("reader", "read"),
    "search_for_series_of_study": ("reader", "read"),
    "search_for_instances_of_study": ("reader", "read"),
    "search_for_instances_of_series": ("reader", "read"),
    "retrieve_study_metadata": ("reader", "read"),
    "retrieve_series_metadata": ("reader", "read"),
    "retrieve_instance_metadata": ("reader", "read"),
    "retrieve_study_rendered": ("reader", "read"),
    "retrieve_series_rendered": ("reader", "read"),
    "retrieve_instance_rendered": ("reader", "read"),
    "retrieve_frame_rendered": ("reader", "read"),
    "retrieve_study_thumbnail": ("reader", "read"),
    "retrieve_series_thumbnail": ("reader", "read"),
    "retrieve_instance_thumbnail": ("reader", "read"),
    "retrieve_frame_thumbnail": ("reader", "read"),
    "retrieve_instance_frames": ("reader", "read"),
    "retrieve_instance_bulkdata": ("reader", "read"),
    "retrieve_study": ("researcher", "export"),
    "retrieve_series": ("researcher", "export"),
    "retrieve_instance": ("researcher", "export"),
    # trainer
    "list_experiments": ("reader", "read"),
    "retrieve_experiment": ("reader", "read"),
    "list_jobs": ("reader", "read"),
    "watch_jobs": ("reader", "read"),
    "retrieve_job": ("reader", "read"),
    "retrieve_job_report": ("reader", "read"),
    "retrieve_job_log": ("reader", "read"),
    "list_job_artifacts": ("reader", "read"),
    "retrieve_job_artifact": ("reader", "export"),
    "list_workers": ("reader", "read"),
    "create_job": ("researcher", "write"),
    "preview_job": ("researcher", "write"),
    "compare_jobs": ("reader", "read"),
    "create_evaluation": ("researcher", "write"),
    "explain_image": ("reader", "read"),
    "change_job": ("researcher", "write"),
    "delete_job": ("researcher", "write"),
    "cancel_job": ("researcher", "write"),
    "retry_job": ("researcher", "write"),
    "retrieve_storage": ("reader", "read"),
    "list_models": ("reader", "read"),
    "retrieve_model": ("reader", "read"),
    "predict_images": ("reader", "write"),
    "predict_cohort": ("researcher", "write"),
}

VALUES = {"image_id": "1", "person_id": "00000000-0000-4000-8000-000000000000"}


@pytest.fixture(scope="session")
def requests(documents: Documents) -> dict[str, tuple[str, str]]:
    """Operation id to (method, path with values)."""
    found = {}
    for method, path, operation in operations(merge_openapi(documents)):
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", VALUES.get(name, "x"))
        found[operation["operationId"]] = (method.upper(), path)
    return found


@pytest.fixture(scope="session")
def people(lab: Gateway) -> dict[str, httpx.Client]:
    """A signed-in client of each role, and two whose tokens are not valid any more."""
    found = {role: lab.signed_in(role) for role in ROLES}
    found["expired"] = lab.with_token("admin", name="expired")
    psql(
        lab.settings.database_url,
        "update gateway.token set expires_at = now() - interval '1 s' where name = 'expired'",
    )
    found["revoked"] = lab.with_token("admin", name="revoked")
    listed = found["admin"].get("/api/v1/tokens").json()["items"]
    revoked = next(token["token_id"] for token in listed if token["name"] == "revoked")
    assert found["admin"].delete(f"/api/v1/tokens/{revoked}").status_code == 204
    return found


def ask(client: httpx.Client, request: tuple[str, str]) -> int:
    """The status of an answer, without waiting for the end of a stream."""
    method, path = request
    body = {} if method in ("POST", "PUT", "PATCH") else None
    with client.stream(method, path, json=body) as answer:
        return answer.status_code


def test_every_operation_has_a_row(requests: dict[str, tuple[str, str]]) -> None:
    assert set(requests) == set(MATRIX)


@pytest.mark.parametrize("operation", [name for name, row in MATRIX.items() if row[0] != OPEN])
def test_nobody_unknown_gets_anything(
    lab: Gateway,
    people: dict[str, httpx.Client],
    requests: dict[str, tuple[str, str]],
    operation: str,
) -> None:
    for client in (lab.anonymous(), people["expired"], people["revoked"]):
        assert ask(client, requests[operation]) == 401


@pytest.mark.parametrize(
    "operation", [n for n, row in MATRIX.items() if row[0] != OPEN and n != "delete_session"]
)
def test_roles_reach_as_far_as_the_matrix_says(
    people: dict[str, httpx.Client], requests: dict[str, tuple[str, str]], operation: str
) -> None:
    least = ROLES.index(MATRIX[operation][0])
    for rank, role in enumerate(ROLES):
        status = ask(people[role], requests[operation])
        if rank < least:
            assert status == 403, role
        else:
            assert status not in (401, 403, 500, 502, 503, 504), (role, status)


SCOPED = [name for name, row in MATRIX.items() if row[1] not in (OPEN, ANY)]


@pytest.fixture(scope="session")
def scoped(lab: Gateway) -> dict[str, tuple[httpx.Client, httpx.Client]]:
    """Scope to (an admin's token with only it, one with all others)."""
    return {
        scope: (
            lab.with_token("admin", scopes=[scope]),
            lab.with_token("admin", scopes=[other for other in SCOPES if other != scope]),
        )
        for scope in SCOPES
    }


@pytest.mark.parametrize("operation", SCOPED)
def test_a_token_needs_its_scope_and_no_other(
    scoped: dict[str, tuple[httpx.Client, httpx.Client]],
    requests: dict[str, tuple[str, str]],
    operation: str,
) -> None:
    only, others = scoped[MATRIX[operation][1]]
    assert ask(others, requests[operation]) == 403
    assert ask(only, requests[operation]) != 403


@pytest.mark.parametrize("path", ["/internal/v1/image-sources", "/openapi.json", "/readyz/x"])
def test_internal_paths_are_nobody_s(people: dict[str, httpx.Client], path: str) -> None:
    assert people["admin"].post(path, json={"image_ids": [1]}).status_code in (404, 405)
