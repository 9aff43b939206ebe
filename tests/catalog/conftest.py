"""A catalog over HTTP on real servers, and tiny tables to give it."""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from catalog.app import create_app
from catalog.migrate import migrate
from catalog.settings import Settings
from chassis.identity import Role
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys, SignIdentity
from devstack.throwaway import psql


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The service on a free port of 127.0.0.1, in a thread; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        create_app(settings), host="127.0.0.1", port=port, log_config=None, lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        assert server.started
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def fresh_settings(
    postgres_url: str, s3: S3Server, identity_keys: IdentityKeys, mirror: Path
) -> Iterator[Settings]:
    """Settings on a migrated database of their own."""
    name = f"catalog_{secrets.token_hex(6)}"
    psql(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    url = f"{postgres_url.rpartition('/')[0]}/{name}"
    migrate(url)
    yield Settings(
        database_url=url,
        identity_jwks=identity_keys.jwks_path,
        mirror_root=mirror,
        default_dataset="embed-synthetic",
        s3_endpoint_url=s3.endpoint_url,
        s3_region=s3.region,
        s3_access_key_id=s3.access_key_id,
        s3_secret_access_key=s3.secret_access_key,
    )
    psql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def catalog_settings(
    postgres_url: str,
    s3: S3Server,
    identity_keys: IdentityKeys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:
    """Settings of the catalog that the tests talk to."""
    mirror = tmp_path_factory.mktemp("mirror")
    with fresh_settings(postgres_url, s3, identity_keys, mirror) as settings:
        yield settings


@pytest.fixture(scope="session")
def bare_settings(
    postgres_url: str,
    s3: S3Server,
    identity_keys: IdentityKeys,
    catalog_settings: Settings,
) -> Iterator[Settings]:
    """Settings of a database without a service: what is queued there, the test runs itself."""
    mirror = Path(str(catalog_settings.mirror_root))
    with fresh_settings(postgres_url, s3, identity_keys, mirror) as settings:
        yield settings


@pytest.fixture(scope="session")
def catalog_url(catalog_settings: Settings) -> Iterator[str]:
    """The catalog, running."""
    with served(catalog_settings) as url:
        yield url


@pytest.fixture
def folder(catalog_settings: Settings, tmp_path: Path) -> Path:
    """An empty folder below the mirror root."""
    made = Path(str(catalog_settings.mirror_root)) / tmp_path.name
    made.mkdir()
    return made


def sources(folder: Path) -> dict[str, Any]:
    """What to ingest of the tables in ``folder``, as the service is asked for it."""
    uris = {name: f"file://{folder}/EMBED_OpenData_{name}.csv" for name in ("clinical", "metadata")}
    return {**uris, "image_root": "s3://images/images"}


class Api:
    """The catalog as one person sees it."""

    def __init__(self, url: str, authorize: Callable[[], str]) -> None:
        def identify(request: httpx.Request) -> httpx.Request:
            request.headers["Authorization"] = authorize()
            return request

        self.authorize = authorize
        self.http = httpx.Client(base_url=url, auth=identify, timeout=60, trust_env=False)

    def get(self, path: str, **params: Any) -> Any:
        """The body of a 200."""
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """The body of an answer with ``status``."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ingest(self, dataset: str, folder: Path, **request: Any) -> dict[str, Any]:
        """Ingest the tables in ``folder``; the final state."""
        body = {**sources(folder), **request}
        return self.wait(self.post(f"/api/v1/datasets/{dataset}/revisions", body, 202))

    def wait(self, state: dict[str, Any], timeout_s: float = 200) -> dict[str, Any]:
        """Poll a revision until it has ended."""
        deadline = time.monotonic() + timeout_s
        path = f"/api/v1/datasets/{state['dataset']}/revisions/{state['revision_id']}"
        while state["state"] in ("queued", "running"):
            assert time.monotonic() < deadline, state
            time.sleep(0.05)
            state = self.get(path)
        return state


@pytest.fixture(scope="session")
def person(sign_identity: SignIdentity) -> Iterator[Callable[..., Api]]:
    """`person(url, role, **claims)`: a catalog as somebody sees it."""
    with ExitStack() as opened:

        def come(url: str, role: Role = "researcher", **claims: Any) -> Api:
            # Signed for each request: a session of tests outlives any token.
            api = Api(url, lambda: sign_identity(role, **claims))
            opened.callback(api.http.close)
            return api

        yield come


@pytest.fixture(scope="session")
def admin(catalog_url: str, person: Callable[..., Api]) -> Api:
    """An admin."""
    return person(catalog_url, "admin")


@pytest.fixture(scope="session")
def researcher(catalog_url: str, person: Callable[..., Api]) -> Api:
    """A researcher without any agreement."""
    return person(catalog_url, "researcher")


@pytest.fixture(scope="session")
def synthetic(admin: Api, catalog_settings: Settings, synthetic_tables: Path) -> dict[str, Any]:
    """The small synthetic tables as dataset `embed-synthetic`; the state of their revision."""
    folder = Path(str(catalog_settings.mirror_root)) / "synthetic"
    folder.mkdir()
    for table in ("clinical", "metadata"):
        name = f"EMBED_OpenData_{table}.csv"
        (folder / name).write_bytes((synthetic_tables / name).read_bytes())
    state = admin.ingest("embed-synthetic", folder, restricted=False, title="Synthetic EMBED")
    assert state["state"] == "succeeded", state["error"]
    return state
