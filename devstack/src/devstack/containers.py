"""The test session's servers as containers, by testcontainers."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy, LogMessageWaitStrategy

from devstack.seaweedfs import REGION, S3Server

# PostgreSQL's image says it once while it prepares itself and once when it serves.
_POSTGRES_READY = "database system is ready to accept connections"


def _image(server: str, default: str) -> str:
    return os.environ.get(f"EMBEDLAB_TEST_{server}_IMAGE", default)


def _address(container: DockerContainer, port: int) -> str:
    return f"{container.get_container_host_ip()}:{container.get_exposed_port(port)}"


@contextmanager
def postgres() -> Iterator[str]:
    """SQLAlchemy URL of a fresh PostgreSQL."""
    password = secrets.token_hex(16)
    container = (
        DockerContainer(_image("POSTGRES", "postgres:18"))
        .with_env("POSTGRES_USER", "embedlab")
        .with_env("POSTGRES_PASSWORD", password)
        .with_exposed_ports(5432)
        .waiting_for(LogMessageWaitStrategy(_POSTGRES_READY, times=2))
    )
    with container:
        address = _address(container, 5432)
        yield f"postgresql+asyncpg://embedlab:{password}@{address}/postgres"


@contextmanager
def valkey() -> Iterator[str]:
    """URL of a fresh evicting Valkey with a password."""
    password = secrets.token_hex(16)
    policy = "--maxmemory 256mb --maxmemory-policy allkeys-lru"
    container = (
        DockerContainer(_image("VALKEY", "valkey/valkey:9"))
        .with_command(f"valkey-server {policy} --requirepass {password}")
        .with_exposed_ports(6379)
        .waiting_for(LogMessageWaitStrategy("Ready to accept connections"))
    )
    with container:
        yield f"redis://:{password}@{_address(container, 6379)}/0"


@contextmanager
def s3() -> Iterator[S3Server]:
    """A fresh object store."""
    keys = secrets.token_hex(10), secrets.token_hex(20)
    container = (
        DockerContainer(_image("S3", "chrislusf/seaweedfs:4.48"))
        .with_command("mini -dir=/data -ip.bind=0.0.0.0 -master.telemetry=false -webdav=false")
        .with_env("AWS_ACCESS_KEY_ID", keys[0])
        .with_env("AWS_SECRET_ACCESS_KEY", keys[1])
        .with_exposed_ports(8333)
        .waiting_for(HttpWaitStrategy(8333).for_status_code_matching(lambda code: code < 500))
    )
    with container:
        yield S3Server(f"http://{_address(container, 8333)}", REGION, *keys)
