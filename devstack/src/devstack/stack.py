"""The stack as one list: what runs, with which environment, after what, and ready when."""

import functools
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.children import Command
from devstack.folder import StackFolder, read_json, write_private
from devstack.people import has_people
from devstack.ports import choose_ports, is_free
from devstack.postgres import (
    DATABASE,
    PostgresServer,
    install_folder,
    is_reachable,
    server_user,
    shared_folder,
)
from devstack.probes import get
from devstack.processes import Process
from devstack.seaweedfs import SeaweedServer
from devstack.valkey import ValkeyServer

ARTIFACT_BUCKET = "artifacts"
DEFAULT_DATASET = "embed-synthetic"
WEB_ROOT = Path(__file__).resolve().parents[3] / "frontend" / "dist"

_S3_PORTS = ("s3", "s3-master", "s3-volume", "s3-filer", "s3-admin")
_PORT_NAMES = ("postgres", "broker", "cache", *_S3_PORTS, "catalog", "imagery", "trainer")

Environment = dict[str, str]


@dataclass(frozen=True)
class Servers:
    """The servers that hold the data."""

    postgres: PostgresServer
    broker: ValkeyServer
    cache: ValkeyServer
    s3: SeaweedServer

    def initialise(self) -> None:
        """Make their folders and configurations; initdb on the first start."""
        for server in (self.postgres, self.broker, self.cache, self.s3):
            server.initialise()


def keep_ports(folder: StackFolder) -> dict[str, int]:
    """A free port for each server, the same as at the last start where it is still free."""
    path = folder.root / "ports.json"
    kept: dict[str, int] = read_json(path) or {}
    kept = {name: port for name, port in kept.items() if name in _PORT_NAMES and is_free(port)}
    missing = [name for name in _PORT_NAMES if name not in kept]
    ports = kept | dict(zip(missing, choose_ports(len(missing), avoid=kept.values()), strict=True))
    write_private(path, ports)
    return ports


def postgres_folder(folder: StackFolder) -> Path:
    """Where the cluster lies: in the stack's folder, or where PostgreSQL's user can get to.

    The place is recorded, so that a later start finds the data whoever starts it.
    """
    record = folder.root / "postgres-folder"
    if record.exists():
        return Path(record.read_text())
    user = server_user()
    inside = folder.root.resolve() / "postgres"
    chosen = inside
    if user is not None and not is_reachable(folder.root.resolve(), user):
        chosen = shared_folder(folder.root) / "postgres"
        shutil.rmtree(chosen, ignore_errors=True)  # of a stack folder that was here before
    record.write_text(str(chosen))
    return chosen


def make_servers(folder: StackFolder, ports: Mapping[str, int]) -> Servers:
    """The four servers with their kept ports and passwords."""
    names = ("postgres", "broker", "cache", "s3_access_key_id", "s3_secret_access_key")
    postgres, broker, cache, *keys = folder.secrets(*names).values()
    user, place = server_user(), postgres_folder(folder)
    return Servers(
        PostgresServer(
            place,
            ports["postgres"],
            postgres,
            install_folder(user, place.parent),
            user,
            database=DATABASE,
        ),
        ValkeyServer(folder.root / "broker", ports["broker"], broker, "broker"),
        ValkeyServer(folder.root / "cache", ports["cache"], cache, "cache"),
        SeaweedServer(folder.root / "s3", [ports[n] for n in _S3_PORTS], keys[0], keys[1]),
    )


def service_environments(
    folder: StackFolder, servers: Servers, ports: Mapping[str, int]
) -> dict[str, Environment]:
    """Each service's settings, complete (docs/architecture.md, "Common behaviour")."""
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
        },
        "gateway": database
        | urls
        | {"SIGNING_KEY": str(keys / "gateway.pem"), "CACHE_URL": servers.cache.url[:-1] + "1"},
    }
    if (WEB_ROOT / "index.html").exists():
        settings["gateway"]["WEB_ROOT"] = str(WEB_ROOT)
    return {
        name: {
            f"{name.upper()}_{key}": value
            for key, value in (own | {"IDENTITY_JWKS": str(keys / "jwks.json")}).items()
        }
        for name, own in settings.items()
    }


def python(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Command:
    """A module of ours run by this interpreter, its output unbuffered."""
    argv = (sys.executable, "-m", module, *arguments)
    return Command(argv, {**(env or {}), "PYTHONUNBUFFERED": "1"})


def _answers(port: int, path: str) -> bool:
    return get(port, path)[0] == 200


def _service(name: str, port: int, needs: tuple[str, ...], env: Environment) -> Process:
    arguments = (
        *("--factory", f"{name}.app:app_from_environment"),
        *("--host", "127.0.0.1", "--port", str(port)),
        # An open event stream would hold a stopping server for ever.
        *("--timeout-graceful-shutdown", "5", "--no-access-log"),
    )
    return Process(
        name,
        python("uvicorn", *arguments, env=env),
        needs=needs,
        port=port,
        is_ready=functools.partial(_answers, port, "/readyz"),
        is_alive=functools.partial(_answers, port, "/livez"),
    )


def _worker_is_ready(env: Environment) -> bool:
    command = python("trainer.probe", env=env)
    probe = subprocess.run(
        command.argv, env=command.environment(), check=False, capture_output=True
    )
    return probe.returncode == 0


def _server_processes(servers: Servers) -> list[Process]:
    def process(
        name: str, server: PostgresServer | ValkeyServer | SeaweedServer, port: int
    ) -> Process:
        return Process(name, server.command(), is_ready=server.is_ready, port=port)

    return [
        process("postgres", servers.postgres, servers.postgres.port),
        process("broker", servers.broker, servers.broker.port),
        process("cache", servers.cache, servers.cache.port),
        process("s3", servers.s3, servers.s3.ports[0]),
    ]


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


def _first_time(
    folder: StackFolder, gateway: Environment, demo: Environment | None
) -> list[Process]:
    """What only the first start does: accounts, and the demo data by way of the public API."""
    found: list[Process] = []
    if not has_people(folder):
        people = python("devstack.people", str(folder.root.resolve()), env=gateway)
        found.append(Process("people", people, needs=("gateway-migrate",), once=True))
    if demo is None or folder.demo_mark.exists():
        return found
    upload = Process(
        "demo-data", python("devstack.demo", "upload", env=demo), ("buckets",), once=True
    )
    needs = ("demo-data", "gateway", *(p.name for p in found))
    ingest = Process("demo", python("devstack.demo", "ingest", env=demo), needs, once=True)
    return [*found, upload, ingest]


def build_stack(
    folder: StackFolder, servers: Servers, ports: Mapping[str, int], port: int, *, demo: bool
) -> list[Process]:
    """Every process of the stack; the gateway listens on `port`, `demo` adds what fills it."""
    env = service_environments(folder, servers, ports)
    filling = demo_environment(folder, servers, port)
    keys = str(folder.root.resolve() / "keys")

    def migration(name: str) -> Process:
        command = python(f"{name}.migrate", env=env[name])
        return Process(f"{name}-migrate", command, needs=("postgres", "keys"), once=True)

    everyone = ("catalog", "imagery", "trainer")
    return [
        *_server_processes(servers),
        Process("keys", python("chassis.keys", keys), once=True),
        Process("buckets", python("devstack.demo", "buckets", env=filling), ("s3",), once=True),
        *(migration(name) for name in ("catalog", "trainer", "gateway")),
        _service("catalog", ports["catalog"], ("catalog-migrate", "buckets"), env["catalog"]),
        _service(
            "imagery", ports["imagery"], ("keys", "cache", "buckets", "catalog"), env["imagery"]
        ),
        _service(
            "trainer",
            ports["trainer"],
            ("trainer-migrate", "broker", "buckets", "catalog"),
            env["trainer"],
        ),
        Process(
            "worker",
            python("trainer.worker", env=env["trainer"]),
            needs=("trainer", "imagery"),
            is_ready=functools.partial(_worker_is_ready, env["trainer"]),
            is_alive=lambda: True,
            grace_s=20,
        ),
        _service("gateway", port, ("gateway-migrate", *everyone), env["gateway"]),
        *_first_time(folder, env["gateway"], filling if demo else None),
    ]
