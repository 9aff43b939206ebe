"""Signing in and out, and what a cookie is worth."""

import time
from http.cookies import SimpleCookie

import httpx
import pytest

from tests.gateway.conftest import PASSWORD, Gateway, StartGateway


def _sign_in(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/v1/session", json={"email": email, "password": password})


def test_signing_in_sets_a_strict_http_only_cookie(gateway: Gateway) -> None:
    answer = _sign_in(gateway.anonymous(), gateway.person("reader"))
    assert answer.status_code == 200
    cookie = SimpleCookie(answer.headers["set-cookie"])["embedlab_session"]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert answer.headers["cache-control"] == "no-store"
    person = answer.json()["person"]
    assert (person["email"], person["role"]) == ("reader@lab.example", "reader")


def test_the_cookie_is_secure_behind_tls(start_gateway: StartGateway) -> None:
    gateway = start_gateway(public_url="https://lab.example")
    answer = _sign_in(gateway.anonymous(), gateway.person("reader"))
    assert "; Secure" in answer.headers["set-cookie"]
    assert "max-age=31536000" in answer.headers["strict-transport-security"]


def test_an_email_address_is_found_whatever_its_case(gateway: Gateway) -> None:
    gateway.person("reader")
    assert _sign_in(gateway.anonymous(), "READER@Lab.Example").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [("reader@lab.example", "wrong horse battery"), ("nobody@lab.example", PASSWORD)],
)
def test_unknown_people_and_wrong_passwords_get_one_answer(
    gateway: Gateway, email: str, password: str
) -> None:
    gateway.person("reader")
    answer = _sign_in(gateway.anonymous(), email, password)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The e-mail address or the password is wrong."
    assert "set-cookie" not in answer.headers


def test_unknown_people_cost_as_much_time_as_known_ones(gateway: Gateway) -> None:
    gateway.person("reader")
    client = gateway.anonymous()

    def seconds(email: str) -> float:
        started = time.perf_counter()
        _sign_in(client, email, "wrong horse battery")
        return time.perf_counter() - started

    seconds("reader@lab.example")
    known = min(seconds("reader@lab.example") for _ in range(3))
    unknown = min(seconds(f"nobody{i}@lab.example") for i in range(3))
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize("email", ["reader@lab.example", "nobody@lab.example"])
def test_repeated_failures_lock_known_and_unknown_addresses_alike(
    gateway: Gateway, email: str
) -> None:
    gateway.person("reader")
    client = gateway.anonymous()
    for _ in range(6):
        assert _sign_in(client, email, "wrong horse battery").status_code == 401
    locked = _sign_in(client, email, PASSWORD)
    assert locked.status_code == 429
    assert 1 <= int(locked.headers["retry-after"]) <= 2


def test_a_lock_grows_and_ends(gateway: Gateway) -> None:
    email = gateway.person("reader")
    client = gateway.anonymous()
    for _ in range(6):
        _sign_in(client, email, "wrong horse battery")
    time.sleep(1.1)
    assert _sign_in(client, email, "wrong horse battery").status_code == 401
    again = _sign_in(client, email)
    assert again.status_code == 429
    assert int(again.headers["retry-after"]) >= 2
    time.sleep(2.1)
    assert _sign_in(client, email).status_code == 200


def test_sign_in_attempts_of_an_address_are_limited(start_gateway: StartGateway) -> None:
    client = start_gateway(sign_ins_per_minute=3).anonymous()
    statuses = [_sign_in(client, f"x{i}@lab.example").status_code for i in range(4)]
    assert statuses in ([401, 401, 401, 429], [401, 401, 401, 401])
    if statuses[-1] == 401:  # the minute ended in between
        assert 429 in [_sign_in(client, f"y{i}@lab.example").status_code for i in range(4)]


def test_signing_in_from_another_site_is_refused(gateway: Gateway) -> None:
    client = gateway.anonymous()
    client.headers["Sec-Fetch-Site"] = "cross-site"
    assert _sign_in(client, gateway.person("reader")).status_code == 403


def test_me_tells_who_is_signed_in_and_gives_the_csrf_token_again(gateway: Gateway) -> None:
    client = gateway.signed_in("researcher")
    me = client.get("/api/v1/me").json()
    assert me["person"]["role"] == "researcher"
    assert me["csrf_token"] == client.headers["X-CSRF-Token"]


def test_nobody_is_nobody(gateway: Gateway) -> None:
    answer = gateway.anonymous().get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("cookie", ["x", "a" * 43, "%00", '"quoted"'])
def test_an_invented_cookie_is_refused(gateway: Gateway, cookie: str) -> None:
    client = gateway.anonymous()
    client.headers["Cookie"] = f"embedlab_session={cookie}"
    assert client.get("/api/v1/me").status_code == 401


def test_signing_out_ends_the_session_at_once(gateway: Gateway) -> None:
    client = gateway.signed_in()
    stolen = client.cookies["embedlab_session"]
    answer = client.delete("/api/v1/session")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    thief = gateway.anonymous()
    thief.headers["Cookie"] = f"embedlab_session={stolen}"
    assert thief.get("/api/v1/me").status_code == 401


def test_signing_out_reaches_other_processes_within_seconds(start_gateway: StartGateway) -> None:
    here, there = (start_gateway(access_cache_seconds=0.5) for _ in range(2))
    client = here.signed_in()
    other = there.anonymous()
    other.headers["Cookie"] = f"embedlab_session={client.cookies['embedlab_session']}"
    assert other.get("/api/v1/me").status_code == 200
    client.delete("/api/v1/session")
    time.sleep(0.6)
    assert other.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("given", [None, "wrong", "0" * 64])
@pytest.mark.parametrize("path", ["/api/v1/tokens", "/api/v1/cohorts"])
def test_changes_by_cookie_need_the_csrf_token(
    gateway: Gateway, path: str, given: str | None
) -> None:
    client = gateway.signed_in()
    del client.headers["X-CSRF-Token"]
    headers = {"X-CSRF-Token": given} if given else {}
    answer = client.post(path, json={"name": "n"}, headers=headers)
    assert answer.status_code == 403
    assert "X-CSRF-Token" in answer.json()["detail"]


def test_the_csrf_token_of_another_session_does_not_count(gateway: Gateway) -> None:
    first, second = gateway.signed_in(), gateway.signed_in()
    headers = {"X-CSRF-Token": second.headers["X-CSRF-Token"]}
    assert first.post("/api/v1/tokens", json={"name": "n"}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "body",
    [{}, {"email": "a@b"}, {"email": 1, "password": 2}, {"email": "a@b", "password": "x" * 10_000}],
)
def test_malformed_sign_ins_are_problems(gateway: Gateway, body: dict[str, object]) -> None:
    answer = gateway.anonymous().post("/api/v1/session", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_nul_in_an_address_is_not_a_fault_of_ours(gateway: Gateway) -> None:
    assert _sign_in(gateway.anonymous(), "a\x00b@lab.example").status_code in (401, 422)
