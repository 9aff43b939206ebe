"""The way to a service and back."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Self

import httpx
import psutil
import pytest
from chassis.identity import Verifier
from devstack.ports import choose_ports
from devstack.testing import IdentityKeys
from gateway.routes import ROUTES, RouteTable

from gateway import bodies
from tests.gateway.conftest import Gateway, StartGateway, serving
from tests.gateway.upstream import Upstream


def test_a_request_arrives_as_it_was_sent(gateway: Gateway, upstream: Upstream) -> None:
    client = gateway.signed_in()
    path = "/api/v1/images/caf%C3%A9%2Fx?asses=S&asses=M&q=%2B+%25"
    answer = client.get(path, headers={"Accept": "application/json", "X-Own": "1"})
    assert answer.status_code == 200
    seen = upstream.seen[-1]
    assert f"{seen.path}?{seen.query}" == path
    assert seen.header("accept") == "application/json"
    assert seen.header("x-own") == "1"


def test_credentials_stay_and_an_identity_goes(
    gateway: Gateway, upstream: Upstream, identity_keys: IdentityKeys
) -> None:
    client = gateway.signed_in("researcher")
    forged = {
        "X-Forwarded-For": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "X-Request-ID": "bad id!",
        "Connection": "keep-alive, x-drop",
        "X-Drop": "1",
        "TE": "trailers",
        "Proxy-Authorization": "Basic eA==",
    }
    answer = client.post("/api/v1/cohorts", json={"name": "x"}, headers=forged)
    assert answer.status_code == 200
    seen = upstream.seen[-1]
    names = {name for name, _ in seen.headers}
    assert not names & {
        "cookie", "x-csrf-token", "x-forwarded-for", "forwarded", "x-drop", "te",
        "proxy-authorization",
    }  # fmt: skip
    bearer = seen.header("authorization") or ""
    identity = Verifier(identity_keys.jwks_path).verify(bearer.removeprefix("Bearer "))
    assert identity.role == "researcher"
    assert identity.person_id == client.get("/api/v1/me").json()["person"]["person_id"]
    assert seen.header("x-request-id") == answer.headers["x-request-id"]


def test_an_api_token_is_replaced_by_an_identity(gateway: Gateway, upstream: Upstream) -> None:
    client = gateway.with_token()
    assert client.get("/api/v1/filters").status_code == 200
    authorization = upstream.seen[-1].header("authorization") or ""
    assert "elab_" not in authorization
    assert authorization.startswith("Bearer ey")


def test_one_identity_serves_many_requests(gateway: Gateway, upstream: Upstream) -> None:
    client = gateway.signed_in()
    for _ in range(3):
        client.get("/api/v1/filters")
    assert len({seen.header("authorization") for seen in upstream.seen[-3:]}) == 1


def test_response_headers_are_the_service_s_without_hop_by_hop_ones(gateway: Gateway) -> None:
    answer = gateway.signed_in().get("/api/v1/filters")
    assert answer.headers["x-public"] == "yes"
    assert answer.headers["etag"] == '"abc"'
    assert "x-private" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for once in ("server", "date", "x-request-id", "content-length"):
        assert len(answer.headers.get_list(once)) == 1, once


def test_a_problem_of_a_service_passes_unchanged(gateway: Gateway) -> None:
    answer = gateway.signed_in().get("/api/v1/images/problem")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Unknown filter"


def test_ranges_and_conditional_requests_pass(gateway: Gateway) -> None:
    client = gateway.signed_in()
    part = client.get("/api/v1/images/ranged", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    same = client.get("/api/v1/images/unchanged", headers={"If-None-Match": '"abc"'})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["cache-control"] == "private, max-age=60"


def test_a_head_request_has_no_body(gateway: Gateway) -> None:
    answer = gateway.signed_in().head("/api/v1/filters")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_redirect_does_not_show_the_service_s_address(gateway: Gateway) -> None:
    answer = gateway.signed_in().get("/iiif/3/redirect")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/iiif/3/7/info.json"


def test_a_report_may_not_run_scripts(gateway: Gateway) -> None:
    policy = gateway.signed_in().get("/api/v1/jobs/1/report").headers["content-security-policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def test_a_refused_identity_is_our_fault_and_not_the_caller_s(gateway: Gateway) -> None:
    answer = gateway.signed_in().get("/api/v1/images/refused")
    assert answer.status_code == 503
    assert "catalog" in answer.json()["title"]


def test_events_arrive_one_by_one_and_end_with_the_reader(
    gateway: Gateway, upstream: Upstream
) -> None:
    client = gateway.signed_in()
    started = time.monotonic()
    arrivals = []
    with client.stream("GET", "/api/v1/jobs/events") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        for line in answer.iter_lines():
            if line.startswith("data:"):
                arrivals.append(time.monotonic() - started)
            if len(arrivals) == 3:
                break
    assert arrivals[0] < 0.15
    assert arrivals[2] - arrivals[0] > 0.3
    deadline = time.monotonic() + 3
    while not upstream.seen[-1].closed.is_set():
        assert time.monotonic() < deadline, "the service was not told that the reader left"
        time.sleep(0.02)


def test_half_a_body_is_not_passed_off_as_whole(gateway: Gateway) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        gateway.signed_in().get("/api/v1/images/broken")


@pytest.mark.parametrize("count", [1, 256])
def test_large_downloads_stream(gateway: Gateway, count: int) -> None:
    process = psutil.Process()
    client = gateway.signed_in()
    size = 0
    before = process.memory_info().rss
    with client.stream("GET", f"/api/v1/images/large?mib={count}") as answer:
        assert answer.headers["content-length"] == str(count * 2**20)
        for chunk in answer.iter_raw():
            size += len(chunk)
    assert size == count * 2**20
    assert process.memory_info().rss - before < 48 * 2**20


def test_large_uploads_stream(start_gateway: StartGateway) -> None:
    gateway = start_gateway(max_body_bytes=2**30)
    client = gateway.signed_in()
    process = psutil.Process()
    before = process.memory_info().rss
    chunk = bytes(2**20)
    answer = client.post("/api/v1/cohorts/swallow", content=(chunk for _ in range(128)))
    assert answer.text == str(128 * 2**20)
    assert process.memory_info().rss - before < 48 * 2**20


def test_bodies_beyond_the_limit_are_refused(start_gateway: StartGateway) -> None:
    client = start_gateway(max_body_bytes=1000).signed_in()
    announced = client.post("/api/v1/cohorts/swallow", content=bytes(1001))
    assert announced.status_code == 413
    assert "1000 bytes" in announced.json()["detail"]
    chunked = client.post("/api/v1/cohorts/swallow", content=(bytes(300) for _ in range(4)))
    assert chunked.status_code == 413
    assert client.post("/api/v1/cohorts/swallow", content=bytes(1000)).text == "1000"


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/setup"])
def test_strangers_cannot_fill_the_memory(gateway: Gateway, path: str) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"email": "'
        for _ in range(512):
            sent += 2**16
            yield b"a" * 2**16

    try:
        answer = gateway.anonymous().post(path, content=chunks())
        assert answer.status_code in (400, 413)
    except httpx.WriteError:
        assert sent < 2**24, "the connection was closed long before the end"


def test_a_stalled_body_is_given_up(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOW_BODY_S", 0.3)
    token = gateway.with_token().headers["Authorization"]
    head = f"POST /api/v1/cohorts HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
    answer = send_raw(gateway.url, f"{head}Content-Length: 10\r\n\r\nhalf")
    assert answer.split()[1] == b"408"


def test_a_stranger_s_body_has_to_come_soon(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SLOW_BODY_S", 0.5)
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    head = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(0.1)
        connection.sendall(head)
        answer = b""
        for _ in range(900):  # each byte in time, the body not
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(65536)
                break
            connection.sendall(b" ")
    assert answer.split()[1] in {b"400", b"408"}


def test_an_absent_service_is_a_503_that_names_it(start_gateway: StartGateway) -> None:
    port = choose_ports(1)[0]
    client = start_gateway(trainer_url=f"http://127.0.0.1:{port}").signed_in()
    for _ in range(8):
        answer = client.get("/api/v1/jobs")
        assert answer.status_code == 503
        assert "trainer" in answer.json()["title"]
        assert answer.headers["retry-after"]
    assert client.get("/api/v1/filters").status_code == 200, "the others still answer"


def test_a_service_that_comes_back_is_used_again(start_gateway: StartGateway) -> None:
    port = choose_ports(1)[0]
    client = start_gateway(trainer_url=f"http://127.0.0.1:{port}").signed_in()
    for _ in range(4):
        assert client.get("/api/v1/jobs").status_code == 503
    with _upstream_at(port):
        deadline = time.monotonic() + 5
        while client.get("/api/v1/jobs").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _upstream_at(port: int) -> AbstractContextManager[str]:
    return serving(Upstream(), port)


def test_a_slow_service_is_a_504_that_names_it(gateway: Gateway) -> None:
    client = gateway.signed_in()
    gateway.app.state.hall.table = RouteTable(replace(r, deadline_s=0.2) for r in ROUTES)
    answer = client.get("/api/v1/images/slow")
    assert answer.status_code == 504
    assert "catalog" in answer.json()["title"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_only_safe_methods_are_tried_again(start_gateway: StartGateway, method: str) -> None:
    with HangingUp() as server:
        client = start_gateway(trainer_url=server.url).signed_in()
        assert client.request(method, "/api/v1/jobs").status_code == 503
        assert len(server.requests) == (3 if method == "GET" else 1)


class HangingUp:
    """A server that reads a request and closes the connection."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(4096))

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


RAW_TARGETS = [
    "/internal/v1/image-sources",
    "/api/v1/images/../../../internal/v1/image-sources",
    "/api/v1/images/%2e%2e/%2e%2e/%2e%2e/internal/v1/image-sources",
    "/api/v1/images/%2E%2E%2F..%2f../internal/v1/image-sources",
    "//internal/v1/image-sources",
    "/api/v1/images//x",
    "/api/v1/images/..%5c..%5cinternal",
    "/api/v1/images/%00",
    "/metrics",
    "/openapi.json",
]


@pytest.mark.parametrize("target", RAW_TARGETS)
def test_nothing_but_public_paths_is_forwarded(
    gateway: Gateway, upstream: Upstream, target: str
) -> None:
    client = gateway.signed_in()
    before = len(upstream.seen)
    cookie = client.cookies["embedlab_session"]
    answer = send_raw(
        gateway.url,
        f"GET {target} HTTP/1.1\r\nHost: x\r\nCookie: embedlab_session={cookie}\r\n\r\n",
    )
    assert answer.split()[1] in {b"400", b"403", b"404", b"503"}, answer[:200]
    assert len(upstream.seen) == before


SMUGGLED = [
    "Content-Length: 4\r\nTransfer-Encoding: chunked",
    "Content-Length: 4\r\nContent-Length: 6",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: xchunked",
    "Content-Length: +4",
    "Content-Length: 4, 4",
]


@pytest.mark.parametrize("headers", SMUGGLED)
def test_ambiguous_framing_never_smuggles_a_second_request(
    gateway: Gateway, upstream: Upstream, headers: str
) -> None:
    token = gateway.with_token().headers["Authorization"]
    before = len(upstream.seen)
    inner = "GET /api/v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    raw = (
        f"POST /api/v1/cohorts HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n{headers}\r\n\r\n"
        f"0\r\n\r\n{inner}"
    )
    send_raw(gateway.url, raw)
    time.sleep(0.1)
    assert all("smuggled" not in seen.path for seen in upstream.seen[before:])


def send_raw(url: str, text: str) -> bytes:
    """Send bytes that no HTTP library would, and read what comes within a second."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=1) as connection:
        connection.sendall(text.encode("latin-1"))
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except TimeoutError:
            return answer
        return answer


def test_too_many_header_bytes_are_refused(gateway: Gateway) -> None:
    client = gateway.signed_in()
    answer = client.get("/api/v1/filters", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 431
