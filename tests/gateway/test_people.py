"""Accounts, API tokens and agreements."""

import io
import json
import logging
import uuid
from typing import Any

import pytest
from chassis.identity import Verifier
from devstack.testing import IdentityKeys

from gateway import admin
from tests.gateway.conftest import PASSWORD, Gateway, StartGateway
from tests.gateway.upstream import Upstream


def test_a_token_is_shown_once_and_works_without_csrf(gateway: Gateway) -> None:
    client = gateway.signed_in()
    made = client.post("/api/v1/tokens", json={"name": "notebook"})
    assert made.status_code == 201
    secret = made.json()["token"]
    assert secret.startswith("elab_")
    assert secret.endswith(made.json()["hint"])
    listed = client.get("/api/v1/tokens").json()
    assert listed["total"] == 1
    assert secret not in json.dumps(listed)
    bearer = gateway.anonymous()
    bearer.headers["Authorization"] = f"Bearer {secret}"
    assert bearer.post("/api/v1/cohorts", json={}).status_code == 200


def test_a_token_s_secret_is_not_in_the_database(gateway: Gateway, database_url: str) -> None:
    from devstack.throwaway import psql

    secret = gateway.signed_in().post("/api/v1/tokens", json={"name": "n"}).json()["token"]
    rows = psql(database_url, "select t::text from gateway.token t")
    assert rows
    assert secret not in rows
    assert secret.removeprefix("elab_") not in rows


def test_a_revoked_token_is_refused_at_once(gateway: Gateway) -> None:
    client = gateway.signed_in()
    made = client.post("/api/v1/tokens", json={"name": "n"}).json()
    bearer = gateway.anonymous()
    bearer.headers["Authorization"] = f"Bearer {made['token']}"
    assert bearer.get("/api/v1/filters").status_code == 200
    assert client.delete(f"/api/v1/tokens/{made['token_id']}").status_code == 204
    assert bearer.get("/api/v1/filters").status_code == 401
    assert client.delete(f"/api/v1/tokens/{made['token_id']}").status_code == 404


def test_an_expired_token_is_refused(gateway: Gateway, database_url: str) -> None:
    from devstack.throwaway import psql

    client = gateway.with_token()
    psql(database_url, "update gateway.token set expires_at = now() - interval '1 second'")
    answer = client.get("/api/v1/filters")
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]


@pytest.mark.parametrize("value", ["Bearer elab_", "Bearer elab_x", "Bearer x", "Basic eA==", "x"])
def test_other_authorizations_are_refused(gateway: Gateway, value: str) -> None:
    answer = gateway.anonymous().get("/api/v1/filters", headers={"Authorization": value})
    assert answer.status_code == 401


def test_a_token_in_the_url_is_not_looked_at(gateway: Gateway) -> None:
    token = gateway.with_token().headers["Authorization"].removeprefix("Bearer ")
    for query in (f"token={token}", f"access_token={token}"):
        assert gateway.anonymous().get(f"/api/v1/filters?{query}").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["read"], "GET", "/api/v1/images", 200),
        (["read"], "POST", "/api/v1/facets", 200),
        (["read"], "POST", "/api/v1/images/search", 200),
        (["read"], "POST", "/api/v1/cohorts", 403),
        (["read"], "POST", "/api/v1/jobs", 403),
        (["read"], "GET", "/api/v1/images/1/dicom", 403),
        (["read", "write"], "POST", "/api/v1/datasets/embed/revisions", 403),
        (["write"], "GET", "/api/v1/images", 403),
        (["write"], "POST", "/api/v1/jobs", 200),
        (["export"], "GET", "/api/v1/images/1/dicom", 200),
        (["export"], "GET", "/api/v1/jobs/1/artifacts/weights", 200),
        (["admin"], "POST", "/api/v1/datasets/embed/revisions", 200),
    ],
)
def test_scopes_bound_what_a_token_may_do(
    gateway: Gateway, scopes: list[str], method: str, path: str, status: int
) -> None:
    assert gateway.with_token("admin", scopes=scopes).request(method, path).status_code == status


def test_a_token_cannot_make_further_tokens(gateway: Gateway) -> None:
    assert gateway.with_token().post("/api/v1/tokens", json={"name": "n"}).status_code == 403


@pytest.mark.parametrize("bad", [{"scopes": ["all"]}, {"expires_in_days": 1000}, {"name": ""}])
def test_impossible_tokens_are_refused(gateway: Gateway, bad: dict[str, Any]) -> None:
    answer = gateway.signed_in().post("/api/v1/tokens", json={"name": "n", **bad})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(next(iter(bad)))


def test_another_person_s_token_is_not_there(gateway: Gateway) -> None:
    made = gateway.signed_in("researcher").post("/api/v1/tokens", json={"name": "n"}).json()
    admin = gateway.signed_in("admin")
    assert admin.delete(f"/api/v1/tokens/{made['token_id']}").status_code == 404
    assert admin.get("/api/v1/tokens").json()["total"] == 0


def test_an_agreement_counts_once_an_admin_confirms_it(
    gateway: Gateway, upstream: Upstream, identity_keys: IdentityKeys
) -> None:
    client, admin = gateway.signed_in("researcher"), gateway.signed_in("admin")

    def agreements() -> frozenset[str]:
        client.get("/api/v1/filters")
        bearer = upstream.seen[-1].header("authorization") or ""
        return Verifier(identity_keys.jwks_path).verify(bearer[7:]).agreements

    body = {"dataset": "embed", "registration": "registered on 2026-05-02"}
    assert client.put("/api/v1/me/agreement", json=body).status_code == 200
    assert agreements() == frozenset()
    person = client.get("/api/v1/me").json()["person"]["person_id"]
    confirm = f"/api/v1/users/{person}/agreements/embed"
    assert client.put(confirm, json={"confirmed": True}).status_code == 403
    assert admin.put(confirm, json={"confirmed": True}).status_code == 200
    assert agreements() == {"embed"}
    changed = client.put("/api/v1/me/agreement", json={**body, "registration": "something else"})
    assert changed.json()["confirmed_at"] is None
    assert agreements() == frozenset()
    admin.put(confirm, json={"confirmed": True})
    assert admin.put(confirm, json={"confirmed": False}).status_code == 200
    assert agreements() == frozenset()


def test_admins_manage_accounts(gateway: Gateway) -> None:
    admin = gateway.signed_in("admin")
    body = {"email": "new@lab.example", "name": "New", "role": "reader", "password": PASSWORD}
    made = admin.post("/api/v1/users", json=body)
    assert made.status_code == 201
    assert "password" not in made.text
    assert admin.post("/api/v1/users", json={**body, "email": "NEW@lab.example"}).status_code == 409
    first = admin.get("/api/v1/users?limit=1").json()
    assert first["total"] == 2
    assert first["items"][0]["email"] == "admin@lab.example"
    second = admin.get("/api/v1/users", params={"limit": 1, "cursor": first["next"]}).json()
    assert second["items"][0]["email"] == "new@lab.example"
    assert second["next"] is None


def test_a_disabled_person_is_out_at_once(gateway: Gateway) -> None:
    client, token = gateway.signed_in("reader"), gateway.with_token("reader")
    person = client.get("/api/v1/me").json()["person"]["person_id"]
    admin = gateway.signed_in("admin")
    assert admin.patch(f"/api/v1/users/{person}", json={"disabled": True}).status_code == 200
    assert client.get("/api/v1/filters").status_code == 401
    assert token.get("/api/v1/filters").status_code == 401
    sign_in = {"email": "reader@lab.example", "password": PASSWORD}
    assert gateway.anonymous().post("/api/v1/session", json=sign_in).status_code == 401
    admin.patch(f"/api/v1/users/{person}", json={"disabled": False})
    assert gateway.anonymous().post("/api/v1/session", json=sign_in).status_code == 200


def test_a_change_of_role_takes_effect_at_once(
    gateway: Gateway, upstream: Upstream, identity_keys: IdentityKeys
) -> None:
    client = gateway.signed_in("reader")
    person = client.get("/api/v1/me").json()["person"]["person_id"]
    gateway.signed_in("admin").patch(f"/api/v1/users/{person}", json={"role": "researcher"})
    client.get("/api/v1/filters")
    bearer = upstream.seen[-1].header("authorization") or ""
    assert Verifier(identity_keys.jwks_path).verify(bearer[7:]).role == "researcher"


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "reader"}])
def test_the_last_admin_stays(gateway: Gateway, change: dict[str, Any]) -> None:
    admin = gateway.signed_in("admin")
    person = admin.get("/api/v1/me").json()["person"]["person_id"]
    assert admin.patch(f"/api/v1/users/{person}", json=change).status_code == 409
    assert admin.get("/api/v1/users").status_code == 200


@pytest.mark.parametrize("identifier", ["x", str(uuid.UUID(int=1)), "%00", "a" * 65])
def test_unknown_people_are_not_found(gateway: Gateway, identifier: str) -> None:
    answer = gateway.signed_in("admin").patch(f"/api/v1/users/{identifier}", json={"name": "n"})
    assert answer.status_code in (400, 404, 422)


@pytest.mark.parametrize("role", ["reader", "researcher"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/users"),
        ("POST", "/api/v1/users"),
        ("GET", "/api/v1/audit"),
        ("GET", "/metrics"),
    ],
)
def test_only_admins_look_after_the_house(
    gateway: Gateway, role: str, method: str, path: str
) -> None:
    assert gateway.signed_in(role).request(method, path, json={}).status_code == 403


def test_an_admin_s_token_without_the_scope_is_not_an_admin_s(gateway: Gateway) -> None:
    assert gateway.with_token("admin", scopes=["read"]).get("/api/v1/users").status_code == 403
    assert gateway.with_token("admin", scopes=["admin"]).get("/metrics").status_code == 200


def test_the_first_admin_is_made_with_the_token_in_the_log(
    start_gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        gateway = start_gateway()
    record = next(record for record in caplog.records if hasattr(record, "setup_token"))
    body = {"email": "first@lab.example", "name": "First", "password": PASSWORD}
    client = gateway.anonymous()
    wrong = client.post("/api/v1/setup", json={**body, "token": "guess"})
    assert wrong.status_code == 403
    made = client.post("/api/v1/setup", json={**body, "token": record.setup_token})
    assert made.status_code == 201
    assert made.json()["role"] == "admin"
    again = {**body, "email": "second@lab.example", "token": record.setup_token}
    assert client.post("/api/v1/setup", json=again).status_code == 403
    caplog.clear()
    start_gateway()
    assert not any(hasattr(record, "setup_token") for record in caplog.records)


def test_accounts_come_from_the_command_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", database_url)

    def create(password: str, *options: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        words = ["create-user", "--email", "a@lab.example", "--name", "A", "--role", "admin"]
        return admin.main([*words, "--password-stdin", *options])

    assert create("short") == 1
    assert "8 to 200" in capsys.readouterr().err
    assert create(PASSWORD) == 0
    assert json.loads(capsys.readouterr().out)["created"] is True
    assert create(PASSWORD) == 1
    assert "already" in capsys.readouterr().err
    assert create(PASSWORD, "--if-missing") == 0
    assert json.loads(capsys.readouterr().out)["created"] is False
