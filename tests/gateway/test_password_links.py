"""Passwords are set by links that work once; a changed one ends every session."""

import httpx
from devstack.throwaway import psql

from tests.gateway.conftest import PASSWORD, Gateway, StartGateway

NEW = "another long phrase"


def _invite(admin: httpx.Client, email: str = "grace@lab.example") -> tuple[str, str]:
    body = {"email": email, "name": "Grace", "role": "researcher"}
    made = admin.post("/api/v1/users", json=body)
    assert made.status_code == 201, made.text
    return made.json()["person_id"], _link(admin, made.json()["person_id"])


def _link(admin: httpx.Client, person_id: str) -> str:
    made = admin.post(f"/api/v1/users/{person_id}/password-link")
    assert made.status_code == 201, made.text
    address, _, secret = made.json()["link"].partition("#")
    assert address.endswith("/welcome")
    return str(secret)


def _sign_in(gateway: Gateway, email: str, password: str) -> httpx.Response:
    body = {"email": email, "password": password}
    return gateway.anonymous().post("/api/v1/session", json=body)


def test_an_invited_person_sets_a_password_and_signs_in(gateway: Gateway) -> None:
    admin = gateway.signed_in("admin")
    _, secret = _invite(admin)
    assert _sign_in(gateway, "grace@lab.example", NEW).status_code == 401
    body = {"token": secret, "password": NEW}
    assert gateway.anonymous().put("/api/v1/password", json=body).status_code == 204
    assert _sign_in(gateway, "grace@lab.example", NEW).status_code == 200
    again = gateway.anonymous().put("/api/v1/password", json={**body, "password": "a third one"})
    assert again.status_code == 403
    assert "Ask an admin" in again.json()["detail"]


def test_only_the_last_link_works_and_not_for_ever(gateway: Gateway, database_url: str) -> None:
    admin = gateway.signed_in("admin")
    person_id, first = _invite(admin)
    second = _link(admin, person_id)
    ask = gateway.anonymous()
    body = {"token": first, "password": NEW}
    assert ask.put("/api/v1/password", json=body).status_code == 403
    psql(database_url, "update gateway.password_link set expires_at = now()")
    assert ask.put("/api/v1/password", json={**body, "token": second}).status_code == 403


def test_a_link_s_secret_is_not_in_the_database(gateway: Gateway, database_url: str) -> None:
    _, secret = _invite(gateway.signed_in("admin"))
    rows = psql(database_url, "select l::text from gateway.password_link l")
    assert rows
    assert secret not in rows


def test_a_reset_ends_sessions_and_the_lock_of_failures(gateway: Gateway) -> None:
    admin, client = gateway.signed_in("admin"), gateway.signed_in("researcher")
    person_id = client.get("/api/v1/me").json()["person"]["person_id"]
    secret = _link(admin, person_id)
    for _ in range(6):
        _sign_in(gateway, "researcher@lab.example", "wrong horse")
    assert _sign_in(gateway, "researcher@lab.example", PASSWORD).status_code == 429
    body = {"token": secret, "password": NEW}
    assert gateway.anonymous().put("/api/v1/password", json=body).status_code == 204
    assert client.get("/api/v1/me").status_code == 401
    assert _sign_in(gateway, "researcher@lab.example", NEW).status_code == 200


def test_a_disabled_account_gets_no_link_and_its_link_sets_nothing(gateway: Gateway) -> None:
    admin = gateway.signed_in("admin")
    person_id, secret = _invite(admin)
    admin.patch(f"/api/v1/users/{person_id}", json={"disabled": True})
    body = {"token": secret, "password": NEW}
    assert gateway.anonymous().put("/api/v1/password", json=body).status_code == 403
    assert admin.post(f"/api/v1/users/{person_id}/password-link").status_code == 409


def test_links_are_made_by_admins_for_people_who_are_there(gateway: Gateway) -> None:
    path = "/api/v1/users/00000000-0000-4000-8000-000000000000/password-link"
    assert gateway.signed_in("researcher").post(path).status_code == 403
    assert gateway.signed_in("admin").post(path).status_code == 404


def test_another_site_cannot_set_a_password(gateway: Gateway) -> None:
    _, secret = _invite(gateway.signed_in("admin"))
    answer = gateway.anonymous().put(
        "/api/v1/password",
        json={"token": secret, "password": NEW},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


def test_guesses_are_limited(start_gateway: StartGateway) -> None:
    ask = start_gateway(sign_ins_per_minute=3).anonymous()
    answers = [
        ask.put("/api/v1/password", json={"token": "x", "password": NEW}).status_code
        for _ in range(8)
    ]
    assert set(answers) == {403, 429}


def test_one_s_own_password_is_changed_with_the_current_one(gateway: Gateway) -> None:
    client = gateway.signed_in("researcher")
    body = {"current": "wrong horse", "password": NEW}
    assert client.put("/api/v1/me/password", json=body).status_code == 403
    weak = client.put("/api/v1/me/password", json={"current": PASSWORD, "password": "short"})
    assert weak.status_code == 422
    right = {"current": PASSWORD, "password": NEW}
    assert (
        gateway.with_token("researcher").put("/api/v1/me/password", json=right).status_code == 403
    )
    assert client.put("/api/v1/me/password", json=right).status_code == 204
    assert client.get("/api/v1/me").status_code == 401
    assert _sign_in(gateway, "researcher@lab.example", NEW).status_code == 200
