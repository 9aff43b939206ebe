"""Behind a proxy that ends TLS: what it says of callers counts, what callers say does not."""

import contextlib
import datetime
import ipaddress
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from devstack.ports import choose_ports
from embedlab.cli import main

from tests.gateway.conftest import PASSWORD, Gateway, StartGateway
from tests.gateway.test_audit import _wait_for
from tests.gateway.upstream import Upstream

PROXY = "127.0.0.1"  # uvicorn's default of whom it believes
CALLER = "127.0.0.7"
STRANGER = "127.0.0.9"
INVENTED = "203.0.113.7"  # of TEST-NET-3


@dataclass(frozen=True)
class Certificate:
    """A key and the certificate that it signed itself, in one file."""

    file: Path

    def server(self) -> ssl.SSLContext:
        """For who shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context

    def client(self) -> ssl.SSLContext:
        """For who trusts it and nothing else."""
        return ssl.create_default_context(cafile=str(self.file))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EMBED Lab's tests")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(PROXY))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return Certificate(file)


class TlsProxy(socketserver.ThreadingTCPServer):
    """Ends TLS as Caddy does: replaces what callers say of themselves, passes the rest on."""

    allow_reuse_address = True

    def __init__(self, port: int, behind: int, certificate: Certificate) -> None:
        super().__init__((PROXY, port), PassOn)
        self.behind = behind
        self.socket = certificate.server().wrap_socket(self.socket, server_side=True)


class PassOn(socketserver.BaseRequestHandler):
    """One request and its answer."""

    server: TlsProxy

    def handle(self) -> None:
        """Until one of both sides has gone."""
        with (
            contextlib.suppress(ConnectionError),
            socket.create_connection((PROXY, self.server.behind)) as service,
        ):
            service.sendall(self._head())
            ends = {service: self.request, self.request: service}
            while True:
                for readable in select.select(list(ends), [], [])[0]:
                    chunk = readable.recv(65536)
                    if not chunk:
                        return
                    ends[readable].sendall(chunk)

    def _head(self) -> bytes:
        """The request's head with what we know of the caller, and what came behind it."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(65536)
        head, _, body = head.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        replaced = (b"x-forwarded", b"connection")
        kept = [line for line in lines if not line.lower().startswith(replaced)]
        caller = f"X-Forwarded-For: {self.client_address[0]}".encode()
        said = [caller, b"X-Forwarded-Proto: https", b"Connection: close"]
        return b"\r\n".join([first, *kept, *said, b"", body])


@pytest.fixture
def public_url() -> str:
    return f"https://{PROXY}:{choose_ports(1)[0]}"


@pytest.fixture
def lab(start_gateway: StartGateway, public_url: str) -> Gateway:
    return start_gateway(public_url=public_url)


@pytest.fixture
def browser(lab: Gateway, public_url: str, certificate: Certificate) -> Iterator[httpx.Client]:
    """A caller who comes by TLS."""
    behind = int(lab.url.rpartition(":")[2])
    transport = httpx.HTTPTransport(verify=certificate.client(), local_address=CALLER)
    with (
        TlsProxy(int(public_url.rpartition(":")[2]), behind, certificate) as proxy,
        httpx.Client(base_url=public_url, transport=transport, timeout=20) as client,
    ):
        thread = threading.Thread(target=proxy.serve_forever, args=[0.05])
        thread.start()
        yield client
        proxy.shutdown()
        thread.join()


def _sign_in(client: httpx.Client, email: str) -> httpx.Response:
    said = {"X-Forwarded-For": INVENTED, "X-Forwarded-Proto": "http"}
    body = {"email": email, "password": PASSWORD}
    answer = client.post("/api/v1/session", json=body, headers=said)
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return answer


def test_a_session_by_tls_stays_on_tls(lab: Gateway, browser: httpx.Client) -> None:
    answer = _sign_in(browser, lab.person("admin"))
    cookie = SimpleCookie(answer.headers["set-cookie"])["embedlab_session"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert "max-age=31536000" in answer.headers["strict-transport-security"]
    assert browser.get("/api/v1/me").status_code == 200, "the cookie came back by TLS"
    assert browser.post("/api/v1/tokens", json={"name": "n"}).status_code == 201


def test_the_log_has_the_caller_and_not_the_proxy(lab: Gateway, browser: httpx.Client) -> None:
    _sign_in(browser, lab.person("admin"))
    assert _wait_for(browser, "session.create")[0]["address"] == CALLER


def test_who_is_no_proxy_is_not_believed(lab: Gateway) -> None:
    email = lab.person("admin")
    transport = httpx.HTTPTransport(local_address=STRANGER)
    with httpx.Client(base_url=lab.url, transport=transport, timeout=20) as client:
        answer = _sign_in(client, email)
        assert "; Secure" in answer.headers["set-cookie"], "whatever the caller says"
        client.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
        assert _wait_for(client, "session.create")[0]["address"] == STRANGER


def test_services_learn_the_public_address_whatever_the_host_header_says(
    lab: Gateway, browser: httpx.Client, upstream: Upstream, public_url: str
) -> None:
    _sign_in(browser, lab.person("reader"))
    for host in (public_url.removeprefix("https://"), "evil.example"):
        assert browser.get("/api/v1/filters", headers={"Host": host}).status_code == 200
        seen = upstream.seen[-1]
        assert seen.header("x-forwarded-proto") == "https"
        assert seen.header("x-forwarded-host") == public_url.removeprefix("https://")
        assert seen.header("x-forwarded-for") is None


def test_events_come_one_by_one(lab: Gateway, browser: httpx.Client) -> None:
    _sign_in(browser, lab.person("reader"))
    with browser.stream("GET", "/api/v1/jobs/events") as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(2)] == ["event: job", "data: 0"]


def test_the_doctor_says_what_to_do_about_an_unknown_authority(
    browser: httpx.Client,
    public_url: str,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EMBEDLAB_TOKEN", "elab_none")
    main(["doctor", "--url", public_url])
    assert "SSL_CERT_FILE" in capsys.readouterr().out
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    main(["doctor", "--url", public_url])
    assert f"{public_url} answers" in capsys.readouterr().out
