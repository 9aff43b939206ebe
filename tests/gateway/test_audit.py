"""Who did what: written soon, never changed, never in the way."""

import csv
import io
import time
from typing import Any

import httpx
import pytest
from devstack.throwaway import psql
from gateway.api import audit as audit_api
from gateway.audit import AuditLog

from gateway import audit as audit_module
from tests.gateway.conftest import PASSWORD, Gateway, StartGateway


def _rows(admin: httpx.Client, action: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = admin.get("/api/v1/audit", params={"action": action}).json()[
        "items"
    ]
    return items


def _wait_for(admin: httpx.Client, action: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if rows := _rows(admin, action):
            return rows
        time.sleep(0.1)
    raise AssertionError(f"no row {action}")


def test_sign_ins_and_their_failures_are_recorded(gateway: Gateway) -> None:
    admin = gateway.signed_in("admin")
    wrong = {"email": "admin@lab.example", "password": "wrong horse"}
    gateway.anonymous().post("/api/v1/session", json=wrong)
    row = _wait_for(admin, "session.create")[0]
    assert row["email"] == "admin@lab.example"
    assert row["address"] == "127.0.0.1"
    refused = _wait_for(admin, "session.refused")[0]
    assert (refused["status"], refused["person_id"]) == (401, None)


def test_an_original_is_a_row_with_who_what_and_how_much(gateway: Gateway) -> None:
    client, admin = gateway.signed_in("researcher"), gateway.signed_in("admin")
    answer = client.get("/api/v1/images/7/dicom")
    row = _wait_for(admin, "image.original")[0]
    assert row["object"] == "/api/v1/images/7/dicom"
    assert row["email"] == "researcher@lab.example"
    assert row["bytes"] == len(answer.content)
    assert row["request_id"] == answer.headers["x-request-id"]


def test_thumbnails_are_summed_per_person_and_minute(gateway: Gateway) -> None:
    client, admin = gateway.signed_in("reader"), gateway.signed_in("admin")
    size = sum(len(client.get(f"/api/v1/images/{n}/thumbnail").content) for n in range(20))
    log: AuditLog = gateway.app.state.hall.audit
    log._close_minutes(before=2**62)
    rows = _wait_for(admin, "image.thumbnail")
    assert sum(row["times"] for row in rows) == 20
    assert sum(row["bytes"] for row in rows) == size
    assert len(rows) <= 2


def test_what_is_looked_at_is_summed_per_patient_and_the_word_for_it_stays_inside(
    gateway: Gateway,
) -> None:
    client, admin = gateway.signed_in("reader"), gateway.signed_in("admin")
    for patient in ("1", "2", "2"):
        path = f"/api/v1/images/1/thumbnail?subject={patient}"
        assert "x-audit-subject" not in client.get(path).headers
    gateway.app.state.hall.audit._close_minutes(before=2**62)
    _wait_for(admin, "image.thumbnail")
    sums = {row["object"]: 0 for row in _rows(admin, "image.thumbnail")}
    for row in _rows(admin, "image.thumbnail"):
        sums[row["object"]] += row["times"]
    assert sums == {"1": 1, "2": 2}


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/api/v1/cohorts", "cohort.change"),
        ("DELETE", "/api/v1/cohorts/7", "cohort.change"),
        ("POST", "/api/v1/jobs/7/cancel", "job.change"),
        ("POST", "/api/v1/datasets/embed/revisions", "dataset.change"),
    ],
)
def test_a_change_is_a_row(gateway: Gateway, method: str, path: str, action: str) -> None:
    admin = gateway.signed_in("admin")
    assert admin.request(method, path).status_code == 200
    (row,) = _wait_for(admin, action)
    assert row["object"] == f"{method} {path}"


def test_a_search_that_is_sent_as_post_is_a_look(gateway: Gateway) -> None:
    admin = gateway.signed_in("admin")
    assert admin.post("/api/v1/images/search").status_code == 200
    gateway.app.state.hall.audit._close_minutes(before=2**62)
    (row,) = _wait_for(admin, "record.read")
    assert (row["times"], row["object"]) == (1, None)


def test_one_object_s_rows_are_found(gateway: Gateway) -> None:
    client, admin = gateway.signed_in("researcher"), gateway.signed_in("admin")
    for n in (1, 2):
        client.get(f"/api/v1/images/{n}/dicom")
    query = {"object": "/api/v1/images/2/dicom"}
    deadline = time.monotonic() + 5
    while (page := admin.get("/api/v1/audit", params=query).json())["total"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [row["action"] for row in page["items"]] == ["image.original"]


def test_the_log_is_taken_away_as_csv(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_api, "EXPORT_PAGE", 2)
    admin = gateway.signed_in("admin")
    body = {"email": "=cmd@lab.example", "name": "C", "role": "reader", "password": PASSWORD}
    assert admin.post("/api/v1/users", json=body).status_code == 201
    signed = {"email": "=cmd@lab.example", "password": PASSWORD}
    assert gateway.anonymous().post("/api/v1/session", json=signed).status_code == 200
    gateway.signed_in("researcher").get("/api/v1/images/3/dicom")
    _wait_for(admin, "image.original")
    answer = admin.get("/api/v1/audit/export")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    known = admin.get("/api/v1/audit", params={"limit": 200}).json()["items"]
    ids = [int(row["audit_id"]) for row in rows]
    assert ids == sorted(ids, reverse=True)
    assert set(ids) <= {row["audit_id"] for row in known}
    assert len(ids) >= 5
    assert "'=cmd@lab.example" in {row["email"] for row in rows}
    narrowed = admin.get("/api/v1/audit/export", params={"action": "image.original"}).text
    assert len(narrowed.splitlines()) == 2
    assert gateway.signed_in("researcher").get("/api/v1/audit/export").status_code == 403


def test_rows_are_kept_as_long_as_is_set(start_gateway: StartGateway, database_url: str) -> None:
    psql(
        database_url,
        "insert into gateway.audit (at, action, status) values "
        "(now() - interval '31 days', 'old', 200), (now() - interval '29 days', 'young', 200)",
    )
    start_gateway(audit_days=30)
    deadline = time.monotonic() + 20
    while "old" in psql(database_url, "select action from gateway.audit"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "young" in psql(database_url, "select action from gateway.audit")


def test_the_log_can_be_narrowed_and_paged(gateway: Gateway) -> None:
    client, admin = gateway.signed_in("researcher"), gateway.signed_in("admin")
    for n in range(5):
        client.get(f"/api/v1/images/{n}/dicom")
    person = client.get("/api/v1/me").json()["person"]["person_id"]
    deadline = time.monotonic() + 5
    query: dict[str, Any] = {"action": "image.original", "person_id": person, "limit": 2}
    while (page := admin.get("/api/v1/audit", params=query).json())["total"] < 5:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    seen = []
    while True:
        seen += [row["object"] for row in page["items"]]
        if page["next"] is None:
            break
        page = admin.get("/api/v1/audit", params={**query, "cursor": page["next"]}).json()
    assert seen == [f"/api/v1/images/{n}/dicom" for n in (4, 3, 2, 1, 0)]
    later = admin.get("/api/v1/audit", params={"since": "2100-01-01T00:00:00Z"}).json()
    assert later["total"] == 0


@pytest.mark.parametrize(
    "sql",
    ["update gateway.audit set bytes = 0", "delete from gateway.audit", "truncate gateway.audit"],
)
def test_the_log_is_append_only(gateway: Gateway, database_url: str, sql: str) -> None:
    _wait_for(gateway.signed_in("admin"), "session.create")
    with pytest.raises(Exception, match="append-only"):
        psql(database_url, sql)


def test_what_must_be_recorded_is_refused_when_nothing_can_be(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = gateway.signed_in()
    monkeypatch.setattr(audit_module, "MOST_ROWS", 0)
    assert client.get("/api/v1/images/1/dicom").status_code == 503
    assert client.get("/api/v1/images/1/thumbnail").status_code == 200


def test_rows_survive_a_database_that_is_away(gateway: Gateway, database_url: str) -> None:
    admin = gateway.signed_in("admin")
    _wait_for(admin, "session.create")
    psql(database_url, "alter table gateway.audit rename to away")
    gateway.signed_in("admin").get("/api/v1/images/3/dicom")
    time.sleep(1.5)
    psql(database_url, "alter table gateway.away rename to audit")
    assert _wait_for(admin, "image.original")


def test_what_waits_is_written_at_the_end(gateway: Gateway, database_url: str) -> None:
    gateway.signed_in().get("/api/v1/images/4/dicom")
    gateway.stack.close()
    rows = psql(database_url, "select action from gateway.audit")
    assert "image.original" in rows


def test_sums_are_bounded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit_module, "MOST_SUMS", 3)
    log = AuditLog(database=None)  # type: ignore[arg-type]
    for n in range(5):
        log.add(f"person {n}", "image.thumbnail", None, 1)
    assert len(log._sums) == 3
    assert "lost" in caplog.text
