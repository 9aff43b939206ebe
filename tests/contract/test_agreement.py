"""Without a confirmed agreement nothing of a restricted dataset is seen, by any operation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.throwaway import psql
from gateway.openapi import merge_openapi

from tests.contract.conftest import Documents
from tests.contract.test_access import MATRIX
from tests.contract.test_openapi import operations
from tests.gateway.conftest import Gateway

DATASET = "guarded"
BASIS = "synthetic rows, which nobody need ask for"
NEEDED = "urn:embedlab:agreement-needed"

# Operations that reach no dataset: accounts, vocabulary, what is public, what a worker does.
REACH_NOTHING = {
    "create_session", "create_first_admin", "set_password_by_link", "create_password_link",
    "change_password", "export_audit", "delete_session", "retrieve_me", "record_agreement",
    "list_tokens", "create_token", "revoke_token", "list_users", "create_user", "change_user",
    "list_agreements", "confirm_agreement", "search_audit", "list_recipes", "retrieve_recipe",
    "list_experiments", "retrieve_experiment", "list_workers", "check_compat_connection",
}  # fmt: skip
REACH_NOTHING |= {"redirect_to_image_information"}  # says where to ask, and looks at nothing
REACH_NOTHING |= {"retrieve_cache", "empty_cache"}  # sizes and counts, whatever they are of
# That a dataset is there, and how it was brought in, is no secret; who may bring it in is a role.
ABOUT_DATASETS = {
    "list_datasets", "retrieve_dataset", "create_revision", "list_revisions", "retrieve_revision",
    "purge_dataset", "purge_pictures", "purge_jobs",
}  # fmt: skip
# Lists of many datasets leave out what the caller may not see.
LISTS = {"list_cohorts", "list_queries"}
# That a job is there, and its figures, name nobody; what it shows of images does.
ABOUT_JOBS = {
    "list_jobs", "watch_jobs", "retrieve_job", "compare_jobs", "change_job", "delete_job",
    "cancel_job", "retry_job", "retrieve_storage", "list_models", "retrieve_model",
}  # fmt: skip
# A model as training describes it, of no use but to be asked for.
MODEL = {
    "key": "none", "takes": [], "samples_sha256": "0" * 64, "code_version": "0", "versions": {},
    "parameters": 1, "bytes": 1, "weights_sha256": "0" * 64, "preprocessing": {},
    "preprocessing_sha256": "0" * 64,
}  # fmt: skip


@pytest.fixture(scope="module")
def agreed(lab: Gateway, synthetic_tables: Path) -> httpx.Client:
    """An admin with a confirmed agreement, who has brought in a restricted dataset."""
    client = lab.signed_in("admin")
    tables = f"file://{synthetic_tables}"
    sources = {
        "clinical": f"{tables}/EMBED_OpenData_clinical.csv",
        "metadata": f"{tables}/EMBED_OpenData_metadata.csv",
        "image_root": tables,
    }
    path = f"/api/v1/datasets/{DATASET}/revisions"
    state = client.post(path, json={**sources, "restricted": True, "basis": BASIS}).json()
    while state["state"] in ("queued", "running"):
        state = client.get(f"{path}/{state['revision_id']}").json()
    assert state["state"] == "succeeded", state
    me = client.get("/api/v1/me").json()["person"]["person_id"]
    body = {"dataset": DATASET, "registration": "registered on 2026-05-02"}
    assert client.put("/api/v1/me/agreement", json=body).status_code == 200
    confirm = f"/api/v1/users/{me}/agreements/{DATASET}"
    assert client.put(confirm, json={"confirmed": True}).status_code == 200
    return client


@pytest.fixture(scope="module")
def job(agreed: httpx.Client, database: str) -> Iterator[dict[str, Any]]:
    """A job on a cohort of the dataset, as if it had succeeded and left a model."""
    classes = [{"name": name, "values": [name]} for name in ("B", "K")]
    frozen = {"dataset": DATASET, "label": {"field": "asses", "classes": classes}}
    cohort = _made(agreed, "/api/v1/cohorts", {**frozen, "sampling": {"per_class": 10}})
    wanted = {"experiment": "embed-2b6k", "cohort_id": cohort["cohort_id"]}
    made = _made(agreed, "/api/v1/jobs", {**wanted, "overrides": {"weights": "none"}})
    psql(
        database,
        "update trainer.job set state = 'succeeded', started_at = now(), finished_at = now(), "
        f"model = '{json.dumps(MODEL)}' where job_id = '{made['job_id']}'",
    )
    yield made
    assert agreed.delete(f"/api/v1/jobs/{made['job_id']}").status_code == 204


@pytest.fixture(scope="module")
def things(agreed: httpx.Client, job: dict[str, Any]) -> dict[str, str]:
    """Path parameter to something of the dataset that is really there."""
    image = agreed.get("/api/v1/images", params={"dataset": DATASET}).json()["items"][0]
    classes = [{"name": "N", "values": ["N"]}, {"name": "A", "values": ["A"]}]
    frozen = {"dataset": DATASET, "label": {"field": "asses", "classes": classes}}
    cohort = _made(agreed, "/api/v1/cohorts", frozen)
    query = _made(agreed, "/api/v1/queries", {"name": "mine", "dataset": DATASET, "shared": True})
    flag = _made(agreed, "/api/v1/flags", {"image_id": image["image_id"], "kind": "unreadable"})
    dicom = agreed.get("/dicomweb/instances", params={"dataset": DATASET}).json()[0]
    return {
        **{name: str(image[name]) for name in ("image_id", "exam_id", "patient_id")},
        "identifier": str(image["image_id"]),
        "cohort_id": cohort["cohort_id"],
        "query_id": query["query_id"],
        "flag_id": flag["flag_id"],
        "study": dicom["0020000D"]["Value"][0],
        "series": dicom["0020000E"]["Value"][0],
        "instance": dicom["00080018"]["Value"][0],
        "n": "0",
        "frame": "1",
        "frames": "1",
        "file": "members.csv",
        "region": "full",
        "size": "max",
        "rotation": "0",
        "quality_format": "default.jpg",
        "job_id": job["job_id"],
        "name": "report.json",
    }


def _made(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


# Bodies that would be accepted, were the agreement there.
LABEL = {"field": "asses", "classes": [{"name": n, "values": [n]} for n in ("N", "A")]}
BODIES: dict[str, dict[str, Any]] = {
    "create_cohort": {"dataset": DATASET, "label": LABEL},
    "preview_cohort": {"dataset": DATASET, "label": LABEL},
    "create_query": {"dataset": DATASET, "name": "another"},
    "change_query": {"name": "renamed"},
}
GUARDED = sorted(set(MATRIX) - REACH_NOTHING - ABOUT_DATASETS - LISTS - ABOUT_JOBS)


@pytest.fixture(scope="module")
def asked(documents: Documents, things: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Operation id to (method, path of something of the dataset)."""
    found = {}
    for method, path, operation in operations(merge_openapi(documents)):
        for name, value in things.items():
            path = path.replace(f"{{{name}}}", str(value))
        found[operation["operationId"]] = (method.upper(), path)
    return found


@pytest.fixture(scope="module")
def stranger(lab: Gateway) -> httpx.Client:
    """A researcher with every right but the agreement."""
    return lab.with_token("researcher")


@pytest.mark.parametrize("operation", GUARDED)
def test_nothing_is_seen_without_an_agreement(
    stranger: httpx.Client,
    asked: dict[str, tuple[str, str]],
    things: dict[str, str],
    operation: str,
) -> None:
    method, path = asked[operation]
    assert "{" not in path, "a path parameter without something that is there"
    flagged = {"image_id": int(things["image_id"]), "kind": "unreadable"}
    image, cohort = int(things["image_id"]), things["cohort_id"]
    about = {
        "create_flag": flagged,
        "create_job": {"experiment": "embed-2b6k", "cohort_id": cohort},
        "preview_job": {"experiment": "embed-2b6k", "cohort_id": cohort},
        "predict_images": {"image_ids": [image]},
    }
    body = BODIES.get(operation) or about.get(operation, {"dataset": DATASET})
    asked_by_query = {
        "compare_cohorts": {"a": cohort, "b": cohort},
        "create_evaluation": {"cohort_id": cohort},
    }
    scores = f"image_id,p_N,p_A\n{image},0.5,0.5\n" if operation == "create_evaluation" else None
    answer = stranger.request(
        method,
        path,
        params=asked_by_query.get(operation, {"dataset": DATASET}),
        json=body if method in ("POST", "PUT", "PATCH") and scores is None else None,
        content=scores,
        headers={"Content-Type": "text/csv"} if scores else None,
    )
    assert answer.status_code == 403, answer.text[:300]
    assert answer.json()["type"] == NEEDED


@pytest.mark.parametrize("path", ["/api/v1/cohorts", "/api/v1/queries"])
def test_lists_leave_out_what_needs_an_agreement(
    agreed: httpx.Client, stranger: httpx.Client, things: dict[str, str], path: str
) -> None:
    name = "cohort_id" if path.endswith("cohorts") else "query_id"
    seen = [
        {item[name] for item in client.get(path, params={"limit": 200}).json()["items"]}
        for client in (agreed, stranger)
    ]
    assert things[name] in seen[0]
    assert things[name] not in seen[1]


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("delete_cohort", None),
        ("change_query", {"name": "taken over"}),
        ("delete_query", None),
        ("delete_flag", None),
        ("change_job", {"name": "taken over"}),
        ("cancel_job", None),
        ("retry_job", None),
        ("delete_job", None),
    ],
)
def test_what_is_another_s_stays_theirs(
    lab: Gateway,
    agreed: httpx.Client,
    asked: dict[str, tuple[str, str]],
    operation: str,
    change: dict[str, str] | None,
) -> None:
    other = lab.with_token("researcher")
    me = other.get("/api/v1/me").json()["person"]["person_id"]
    body = {"dataset": DATASET, "registration": "registered on 2026-06-01"}
    assert other.put("/api/v1/me/agreement", json=body).status_code == 200
    confirm = f"/api/v1/users/{me}/agreements/{DATASET}"
    assert agreed.put(confirm, json={"confirmed": True}).status_code == 200
    try:
        method, path = asked[operation]
        itself = path.removesuffix("/cancel").removesuffix("/retry")
        before = agreed.get(itself).json()
        assert other.request(method, path, json=change).status_code in (403, 404)
        assert agreed.get(itself).json() == before
    finally:
        assert agreed.put(confirm, json={"confirmed": False}).status_code == 200
