"""The four applications as they are deployed, on sockets, with real servers behind them."""

import runpy
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from catalog.app import create_app as create_catalog
from catalog.migrate import migrate as migrate_catalog
from catalog.settings import Settings as CatalogSettings
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys
from devstack.throwaway import psql
from gateway.app import create_app as create_gateway
from gateway.migrate import migrate as migrate_gateway
from gateway.settings import Settings as GatewaySettings
from imagery.app import create_app as create_imagery
from imagery.settings import ImagerySettings
from trainer.app import create_app as create_trainer
from trainer.migrate import migrate as migrate_trainer
from trainer.settings import TrainerSettings

from tests.gateway.conftest import Gateway, serving

Documents = dict[str, dict[str, Any]]
StartLab = Callable[[], AbstractContextManager[Gateway]]


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """Each application's own OpenAPI document."""
    script = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "openapi.py"))
    found: Documents = script["service_documents"](tmp_path_factory.mktemp("keys"))
    return found


@contextmanager
def _fresh_database(postgres_url: str) -> Iterator[str]:
    """One database with the schemas of all services."""
    name = f"contract_{secrets.token_hex(6)}"
    psql(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    url = f"{postgres_url.rpartition('/')[0]}/{name}"
    for migrate in (migrate_catalog, migrate_trainer, migrate_gateway):
        migrate(url)
    yield url
    psql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def start_lab(
    postgres_url: str,
    valkey_url: str,
    s3: S3Server,
    identity_keys: IdentityKeys,
    synthetic_tables: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> StartLab:
    """Starts a gateway with the real services behind it, without data; tables may be ingested."""
    from devstack.objects import make_client

    objects = {
        "s3_endpoint_url": s3.endpoint_url,
        "s3_region": s3.region,
        "s3_access_key_id": s3.access_key_id,
        "s3_secret_access_key": s3.secret_access_key,
    }
    common = {"identity_jwks": identity_keys.jwks_path}

    @contextmanager
    def start() -> Iterator[Gateway]:
        folder = tmp_path_factory.mktemp("lab")
        bucket = f"contract-{secrets.token_hex(6)}"
        with closing(make_client(s3)) as client:
            client.create_bucket(Bucket=bucket)
        with ExitStack() as stack:
            database = stack.enter_context(_fresh_database(postgres_url))
            catalog = CatalogSettings(
                **common,
                **objects,
                database_url=database,
                default_dataset="embed-synthetic",
                mirror_root=synthetic_tables.parent,
            )
            catalog_url = stack.enter_context(serving(create_catalog(catalog)))
            imagery = ImagerySettings(
                **common,
                **objects,
                catalog_url=catalog_url,
                cache_url=valkey_url,
                workers=1,
                mirror_root=synthetic_tables.parent,
                disk_cache_dir=folder / "sources",
            )
            imagery_url = stack.enter_context(serving(create_imagery(imagery)))
            trainer = TrainerSettings(
                **common,
                **objects,
                database_url=database,
                broker_url=valkey_url,
                signing_key=identity_keys.trainer_key_path,
                artifact_bucket=bucket,
                catalog_url=catalog_url,
                imagery_url=imagery_url,
                scratch=folder / "scratch",
            )
            trainer_url = stack.enter_context(serving(create_trainer(trainer)))
            settings = GatewaySettings(
                database_url=database,
                signing_key=identity_keys.gateway_key_path,
                cache_url=valkey_url,
                catalog_url=catalog_url,
                imagery_url=imagery_url,
                trainer_url=trainer_url,
                # One address asks for all tests, as fast as the machine is.
                address_requests_per_minute=10**6,
            )
            app = create_gateway(settings)
            url = stack.enter_context(serving(app))
            yield Gateway(url, app, settings, stack)

    return start


@pytest.fixture(scope="session")
def lab(start_lab: StartLab) -> Iterator[Gateway]:
    """A lab that tests share: what one leaves in it, others find."""
    with start_lab() as gateway:
        yield gateway


@pytest.fixture(scope="session")
def database(lab: Gateway) -> str:
    """The database of the lab that tests share."""
    return lab.settings.database_url
