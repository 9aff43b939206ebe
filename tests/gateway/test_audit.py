"""Who did what: written soon, never changed, never in the way."""

import time
from typing import Any

import httpx
import pytest
from devstack.throwaway import psql
from gateway.audit import AuditLog

from gateway import audit as audit_module
from tests.gateway.conftest import Gateway


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
        log.add(f"person {n}", "image.thumbnail", 1)
    assert len(log._sums) == 3
    assert "lost" in caplog.text
