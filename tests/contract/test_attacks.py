"""What an attacker tries of an API (OWASP ASVS 5), against the real services.

Elsewhere: path traversal, header smuggling, oversized and slow bodies (gateway/test_proxy.py),
cookie flags and CSRF (gateway/test_session.py), tokens in URLs (gateway/test_people.py), TLS
(gateway/test_behind_tls.py), what webhooks call (trainer/test_webhooks.py).
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.gateway.conftest import Gateway

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
ENDLESS = "/api/v1/jobs/events"
OPERATIONS = [
    (method, path)
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item and path != ENDLESS
]
EVIL = "evil.example"


class Listener:
    """An address inside, that no service has a reason to call; who called is known."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def callers(self) -> int:
        """How many connections wait."""
        count = 0
        while True:
            try:
                connection, _ = self._socket.accept()
            except BlockingIOError:
                return count
            connection.close()
            count += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    inside = Listener()
    yield inside
    inside.close()


@pytest.fixture(scope="module")
def admin(lab: Gateway) -> httpx.Client:
    """Who may do the most."""
    return lab.with_token("admin")


def test_the_listener_knows_who_called(listener: Listener) -> None:
    host, _, port = listener.address.partition(":")
    with socket.create_connection((host, int(port))):
        assert listener.callers() == 1


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_parameter_makes_a_service_call_an_address(
    admin: httpx.Client, listener: Listener, method: str, path: str
) -> None:
    url = f"http://{listener.address}/x"
    operation = DOCUMENT["paths"][path][method]
    target, query = path, {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            target = target.replace(f"{{{parameter['name']}}}", quote(url, safe=""))
        elif parameter["in"] == "query":
            query[parameter["name"]] = url
    said = {"X-Forwarded-Host": listener.address, "Referer": url, "Origin": url}
    body = dict.fromkeys(_body_fields(operation), url)
    sent: dict[str, Any] = {"json": body} if body else {}
    answer = admin.request(method, target, params=query, headers=said, **sent)
    assert answer.status_code < 500, answer.text
    assert listener.callers() == 0


def _body_fields(operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    fields: dict[str, Any] = (
        DOCUMENT["components"]["schemas"].get(name, schema).get("properties", {})
    )
    return list(fields)


@pytest.mark.parametrize("form", [
    "http://{}/tables", "https://{}/tables", "ftp://{}/tables", "s3://{}/tables", "//{}/tables",
    "file://{}/tables", "file:///etc", "file:///proc/self", "file:///mirror/../etc",
    "gopher://{}/_x", "s3://bucket@{}/x", "s3://arn:aws:s3:::{}/x",
])  # fmt: skip
def test_tables_and_images_come_from_nowhere_else(
    admin: httpx.Client, listener: Listener, form: str
) -> None:
    root = form.format(listener.address)
    sources = {"clinical": f"{root}/c.csv", "metadata": f"{root}/m.csv", "image_root": root}
    path = "/api/v1/datasets/attacked/revisions"
    answer = admin.post(path, json={**sources, "restricted": False})
    assert answer.status_code == 422, answer.text
    assert listener.callers() == 0


REDIRECTS = [
    "/api/v1/users/", "/api/v1/datasets/", "/api/v1/jobs/", "/iiif/3/1", "/iiif/3/1/",
    "/dicomweb/studies/", "/compat/embed-server/patients", "/compat/embed-server/images/1/full",
    f"//{EVIL}/", f"/%2F{EVIL}", f"/%5C{EVIL}", f"/?next=//{EVIL}", f"/api/docs?url=//{EVIL}/x",
    f"/iiif/3/%2F%2F{EVIL}", f"/.{EVIL}/..;/",
]  # fmt: skip


@pytest.mark.parametrize("target", REDIRECTS)
def test_nobody_is_sent_to_another_site(lab: Gateway, admin: httpx.Client, target: str) -> None:
    said = {"Host": EVIL, "X-Forwarded-Host": EVIL, "Authorization": admin.headers["Authorization"]}
    answer = httpx.get(f"{lab.url}{target}", headers=said, follow_redirects=False)
    assert answer.status_code != 500
    location = answer.headers.get("location", "/")
    assert urlsplit(location).netloc == "", location
    assert not location.startswith(("//", "/\\")), location
