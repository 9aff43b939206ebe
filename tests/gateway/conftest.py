"""A gateway on a socket, with real PostgreSQL and Valkey; arbitrary HTTP servers behind it."""

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from devstack.testing import IdentityKeys
from devstack.throwaway import psql
from gateway.admin import create_user
from gateway.app import create_app
from gateway.migrate import migrate
from gateway.settings import Settings

from tests.gateway.upstream import Upstream

PASSWORD = "correct horse battery"


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """``app`` on the loopback (port 0: a free one), in a thread of its own; its address."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=1, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server took too long to start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@dataclass
class Gateway:
    """A running gateway, and people who can sign in."""

    url: str
    app: Any
    settings: Settings
    stack: ExitStack
    people: dict[str, dict[str, object]] = field(default_factory=dict)

    def person(self, role: str) -> str:
        """The e-mail address of an account with ``role``, made when first asked for."""
        email = f"{role}@lab.example"
        if email not in self.people:
            made = create_user(
                self.settings.database_url, email, role.title(), role, PASSWORD, if_missing=True
            )
            self.people[email] = asyncio.run(made)
        return email

    def anonymous(self) -> httpx.Client:
        """A client without credentials."""
        return self.stack.enter_context(httpx.Client(base_url=self.url, timeout=20))

    def signed_in(self, role: str = "researcher") -> httpx.Client:
        """A client with a session cookie and its CSRF token."""
        client = self.anonymous()
        body = {"email": self.person(role), "password": PASSWORD}
        answer = client.post("/api/v1/session", json=body)
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    def with_token(self, role: str = "researcher", **request: Any) -> httpx.Client:
        """A client with an API token."""
        body = {"name": "test", "scopes": ["read", "write", "export", "admin"], **request}
        made = self.signed_in(role).post("/api/v1/tokens", json=body)
        assert made.status_code == 201, made.text
        client = self.anonymous()
        client.headers["Authorization"] = f"Bearer {made.json()['token']}"
        return client


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """An HTTP server that does what a path says; not one of our services."""
    app = Upstream()
    with serving(app) as url:
        app.url = url
        yield app


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Iterator[str]:
    """Name of a database with the schema `gateway`, to be copied: quicker than migrating anew."""
    name = f"gateway_{secrets.token_hex(6)}"
    psql(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    migrate(f"{postgres_url.rpartition('/')[0]}/{name}")
    yield name
    psql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(postgres_url: str, migrated: str) -> Iterator[str]:
    """A fresh database that is migrated already."""
    name = f"test_{secrets.token_hex(6)}"
    psql(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{migrated}"')
    yield f"{postgres_url.rpartition('/')[0]}/{name}"
    psql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


StartGateway = Callable[..., Gateway]


@pytest.fixture
def start_gateway(
    database_url: str, identity_keys: IdentityKeys, upstream: Upstream
) -> Iterator[StartGateway]:
    """Starts gateways on one fresh database; arguments are settings."""
    upstream.seen.clear()
    with ExitStack() as stack:

        def start(**given: Any) -> Gateway:
            settings = Settings(
                **{
                    "database_url": database_url,
                    "signing_key": identity_keys.gateway_key_path,
                    "catalog_url": upstream.url,
                    "imagery_url": upstream.url,
                    "trainer_url": upstream.url,
                    **given,
                }
            )
            app = create_app(settings)
            url = stack.enter_context(serving(app))
            return Gateway(url, app, settings, stack)

        yield start


@pytest.fixture
def gateway(start_gateway: StartGateway) -> Gateway:
    """A gateway with the default settings."""
    return start_gateway()


@pytest.fixture
def web_root(tmp_path: Path) -> Path:
    """A folder as Vite leaves it."""
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>EMBED Lab</title>")
    (root / "assets" / "index-Bq3xV9aZ.js").write_text("console.log('embed');\n" * 200)
    (root / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "secret.txt").write_text("not to be served")
    return root
