"""The imagery service on a socket's application interface, with real S3 and Valkey."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from chassis.identity import Identity  # noqa: F401 - the plugin signs these
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys, SignIdentity
from fastapi import FastAPI

sys.path.insert(0, str(Path(__file__).parent))  # dicom_files, beside the tests

from imagery.app import create_app
from imagery.settings import ImagerySettings
from imagery.sources import FileSources
from public_lab import PublicLab, running_lab


@dataclass
class Lab:
    """One running service: its client, its application, and the way to add images to it."""

    client: httpx.AsyncClient
    app: FastAPI
    put: Callable[..., str]
    settings: ImagerySettings

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/api/v1/images{path}", headers=headers)

    def counter(self, name: str, **labels: str) -> float:
        value = self.app.state.registry.get_sample_value(f"imagery_{name}_total", labels)
        assert value is not None
        return float(value)


StartLab = Callable[..., Awaitable[Lab]]


@pytest.fixture
def settings(
    tmp_path: Path, valkey_url: str, s3: S3Server, identity_keys: IdentityKeys
) -> ImagerySettings:
    return ImagerySettings(
        identity_jwks=identity_keys.jwks_path,
        catalog_url="http://127.0.0.1:9",
        cache_url=valkey_url,
        s3_endpoint_url=s3.endpoint_url,
        s3_region=s3.region,
        s3_access_key_id=s3.access_key_id,
        s3_secret_access_key=s3.secret_access_key,
        disk_cache_dir=tmp_path / "cache",
        mirror_root=tmp_path / "mirror",
        workers=1,
    )


@pytest.fixture
async def start_lab(
    settings: ImagerySettings,
    tmp_path: Path,
    s3: S3Server,
    bucket: str,
    valkey: redis.Redis,
    sign_identity: SignIdentity,
) -> AsyncIterator[StartLab]:
    """Starts services over the same objects: ``await start_lab(**changed_settings)``."""
    objects = make_client(s3)
    listed: list[dict[str, Any]] = []
    sources = tmp_path / "sources.json"

    def put(image_id: int, content: bytes | None, *, uri: str | None = None, **changed: Any) -> str:
        """Store an object and list it as an image; its URI."""
        key = f"images/{image_id}.dcm"
        if content is not None:
            objects.put_object(Bucket=bucket, Key=key, Body=content)
        source = {
            "image_id": image_id,
            "dataset": "embed-synthetic",
            "restricted": False,
            "revision_id": 1,
            "patient_id": "10000001",
            "exam_id": "2000000000000001",
            "sop_instance_uid": f"image-{image_id}",  # no UID: of whatever instance the file is
            "source": uri or f"s3://{bucket}/{key}",
        }
        listed.append(source | changed)
        sources.write_text(json.dumps(listed))
        for lab in started:
            lab.app.state.sources = FileSources(sources)
        return str(listed[-1]["source"])

    @asynccontextmanager
    async def running(changes: dict[str, Any]) -> AsyncIterator[Lab]:
        sources.write_text(json.dumps(listed))
        chosen = settings.model_copy(update=changes)
        app = create_app(chosen, FileSources(sources))
        headers = {"Authorization": sign_identity("researcher")}
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://imagery", headers=headers) as c,
        ):
            yield Lab(c, app, put, chosen)

    started: list[Lab] = []
    with closing(objects):
        async with AsyncExitStack() as stack:

            async def start(**changes: Any) -> Lab:
                lab = await stack.enter_async_context(running(changes))
                started.append(lab)
                return lab

            yield start


@pytest.fixture
async def lab(start_lab: StartLab) -> Lab:
    """A service with the settings of the tests."""
    return await start_lab()


@pytest.fixture(scope="session")
def public_lab(
    postgres_url: str,
    valkey_url: str,
    s3: S3Server,
    identity_keys: IdentityKeys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PublicLab]:
    """Gateway, catalog and imagery, as a client meets them."""
    folder = tmp_path_factory.mktemp("public")
    with running_lab(postgres_url, valkey_url, s3, identity_keys, folder) as lab:
        yield lab
