"""The settings that the stack gives to each service (docs/architecture.md, "Common behaviour")."""

from collections.abc import Mapping
from pathlib import Path

from devstack.folder import StackFolder
from devstack.servers import Servers

ARTIFACT_BUCKET = "artifacts"
DEFAULT_DATASET = "embed-synthetic"
WEB_ROOT = Path(__file__).resolve().parents[3] / "frontend" / "dist"

Environment = dict[str, str]


def arrays_folder(folder: StackFolder) -> Path:
    """The arrays and patches that the trainer's workers find by name."""
    return folder.root.resolve() / "arrays"


def service_environments(
    folder: StackFolder, servers: Servers, ports: Mapping[str, int]
) -> dict[str, Environment]:
    """Each service's settings, complete."""
    keys, root, s3 = folder.root.resolve() / "keys", folder.root.resolve(), servers.s3.s3
    objects = {
        "S3_ENDPOINT_URL": s3.endpoint_url,
        "S3_REGION": s3.region,
        "S3_ACCESS_KEY_ID": s3.access_key_id,
        "S3_SECRET_ACCESS_KEY": s3.secret_access_key,
    }
    database = {"DATABASE_URL": servers.postgres.url()}
    urls = {
        f"{n.upper()}_URL": f"http://127.0.0.1:{ports[n]}"
        for n in ("catalog", "imagery", "trainer")
    }
    settings: dict[str, Environment] = {
        "catalog": database | objects | {"DEFAULT_DATASET": DEFAULT_DATASET},
        "imagery": objects
        | {
            "CATALOG_URL": urls["CATALOG_URL"],
            "CACHE_URL": servers.cache.url,
            "DISK_CACHE_DIR": str(root / "imagery"),
        },
        "trainer": database
        | objects
        | {
            "SIGNING_KEY": str(keys / "trainer.pem"),
            "CATALOG_URL": urls["CATALOG_URL"],
            "IMAGERY_URL": urls["IMAGERY_URL"],
            "BROKER_URL": servers.broker.url,
            "ARTIFACT_BUCKET": ARTIFACT_BUCKET,
            "SCRATCH": str(root / "scratch"),
            "ARRAYS": str(arrays_folder(folder)),
        },
        "gateway": database
        | urls
        | {"SIGNING_KEY": str(keys / "gateway.pem"), "CACHE_URL": servers.cache.url[:-1] + "1"},
    }
    if (WEB_ROOT / "index.html").exists():
        settings["gateway"]["WEB_ROOT"] = str(WEB_ROOT)
    for name in ("catalog", "imagery", "trainer"):
        settings[name]["IDENTITY_JWKS"] = str(keys / "jwks.json")
    return {
        name: {f"{name.upper()}_{key}": value for key, value in own.items()}
        for name, own in settings.items()
    }


def demo_environment(folder: StackFolder, servers: Servers, port: int) -> Environment:
    """Settings of `devstack.demo`."""
    s3 = servers.s3.s3
    return {
        "DEMO_S3_ENDPOINT_URL": s3.endpoint_url,
        "DEMO_S3_REGION": s3.region,
        "DEMO_S3_ACCESS_KEY_ID": s3.access_key_id,
        "DEMO_S3_SECRET_ACCESS_KEY": s3.secret_access_key,
        "DEMO_GATEWAY_URL": f"http://127.0.0.1:{port}",
        "DEMO_CREDENTIALS": str(folder.credentials_path.resolve()),
        "DEMO_ARTIFACT_BUCKET": ARTIFACT_BUCKET,
        "DEMO_SCRATCH": str(folder.root.resolve() / "demo"),
    }
