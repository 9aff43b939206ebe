"""A whole trainer on real servers: the API in this process, workers as processes of their own."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys, SignIdentity
from trainer.app import create_app
from trainer.migrate import migrate
from trainer.settings import TrainerSettings

from tests.trainer.running import WorkerProcess, serving, write_blobs

QUICK = {"lease_s": 8.0, "heartbeat_s": 0.2, "sweep_s": 0.2, "retry_delay_s": 0.1, "threads": 1}


@pytest.fixture
def settings(
    tmp_path: Path,
    database_url: str,
    valkey_url: str,
    valkey: object,
    s3: S3Server,
    bucket: str,
    identity_keys: IdentityKeys,
) -> TrainerSettings:
    """Settings of a migrated, empty trainer with short leases. No catalog, no imagery."""
    migrate(database_url)
    (tmp_path / "arrays").mkdir()
    return TrainerSettings(
        database_url=database_url,
        broker_url=valkey_url,
        identity_jwks=identity_keys.jwks_path,
        signing_key=identity_keys.trainer_key_path,
        artifact_bucket=bucket,
        catalog_url="http://127.0.0.1:9",
        imagery_url="http://127.0.0.1:9",
        s3_endpoint_url=s3.endpoint_url,
        s3_region=s3.region,
        s3_access_key_id=s3.access_key_id,
        s3_secret_access_key=s3.secret_access_key,
        scratch=tmp_path / "scratch",
        arrays=tmp_path / "arrays",
        device="cpu",
        **QUICK,  # type: ignore[arg-type]
    )


@pytest.fixture
async def api(
    settings: TrainerSettings, sign_identity: SignIdentity
) -> AsyncIterator[httpx.AsyncClient]:
    """A researcher's client of a running API."""
    headers = {"Authorization": sign_identity("researcher")}
    async with (
        serving(create_app(settings)) as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
    ):
        yield client


@pytest.fixture
def start_worker(settings: TrainerSettings) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers; stops them after the test. Keyword arguments change their settings."""
    started: list[WorkerProcess] = []

    def start(**changes: Any) -> WorkerProcess:
        started.append(WorkerProcess(settings.model_copy(update=changes)))
        return started[-1]

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def blobs(settings: TrainerSettings) -> str:
    """Name of an array dataset in which class 1 has a bright spot: learnt within a few epochs."""
    assert settings.arrays is not None
    write_blobs(settings.arrays / "blobs")
    return "blobs"
