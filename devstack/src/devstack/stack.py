"""The stack as one list: what runs, with which environment, after what, and ready when."""

import functools
import subprocess
import sys
from collections.abc import Mapping

from devstack.children import Command
from devstack.environment import (
    Environment,
    arrays_folder,
    demo_environment,
    service_environments,
)
from devstack.folder import StackFolder
from devstack.people import has_people
from devstack.postgres import PostgresServer
from devstack.probes import get
from devstack.processes import Process
from devstack.seaweedfs import SeaweedServer
from devstack.servers import Servers
from devstack.valkey import ValkeyServer

OWNERS = ("catalog", "trainer", "gateway")
PATCHES = "cbis-synthetic"


def build_stack(
    folder: StackFolder, servers: Servers, ports: Mapping[str, int], port: int, *, demo: bool
) -> list[Process]:
    """Every process of the stack; the gateway listens on `port`, `demo` adds what fills it."""
    env = service_environments(folder, servers, ports)
    filling = demo_environment(folder, servers, port)

    def service(name: str, uses: tuple[str, ...], port: int) -> Process:
        return _service(name, port, env[name], needs=("keys", "migrations", "buckets"), uses=uses)

    return [
        *_server_processes(servers),
        *_preparations(folder, env, filling),
        service("catalog", ("postgres", "s3"), ports["catalog"]),
        service("imagery", ("catalog", "cache", "s3"), ports["imagery"]),
        service("trainer", ("postgres", "broker", "s3", "catalog"), ports["trainer"]),
        _worker(env["trainer"]),
        service("gateway", ("postgres", "cache", "catalog", "imagery", "trainer"), port),
        *_first_time(folder, env["gateway"], filling if demo else None),
    ]


def python(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Command:
    """A module of ours run by this interpreter, its output unbuffered."""
    argv = (sys.executable, "-m", module, *arguments)
    return Command(argv, {**(env or {}), "PYTHONUNBUFFERED": "1"})


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


def _preparations(
    folder: StackFolder, env: Mapping[str, Environment], filling: Environment
) -> list[Process]:
    """What every start does before the services: keys, migrations, buckets."""
    everything = {name: value for owner in OWNERS for name, value in env[owner].items()}
    migrate = python("devstack.modules", *(f"{owner}.migrate" for owner in OWNERS), env=everything)
    keys = python("chassis.keys", str(folder.root.resolve() / "keys"))
    return [
        Process("keys", keys, once=True),
        Process("migrations", migrate, needs=("postgres",), once=True),
        Process("buckets", python("devstack.demo", "buckets", env=filling), ("s3",), once=True),
    ]


def _service(
    name: str, port: int, env: Environment, needs: tuple[str, ...], uses: tuple[str, ...]
) -> Process:
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
        uses=uses,
        port=port,
        is_ready=functools.partial(_answers, port, "/readyz"),
        is_alive=functools.partial(_answers, port, "/livez"),
        describe=lambda: get(port, "/readyz")[1].decode(errors="replace"),
    )


def _answers(port: int, path: str) -> bool:
    return get(port, path)[0] == 200


def _worker(env: Environment) -> Process:
    return Process(
        "worker",
        python("trainer.worker", env=env),
        needs=("keys", "migrations", "buckets", "broker"),
        uses=("trainer", "imagery", "catalog"),
        is_ready=functools.partial(_worker_is_ready, env),
        is_alive=lambda: True,
        grace_s=20,
    )


def _worker_is_ready(env: Environment) -> bool:
    command = python("trainer.probe", env=env)
    probe = subprocess.run(
        command.argv, env=command.environment(), check=False, capture_output=True
    )
    return probe.returncode == 0


def _first_time(
    folder: StackFolder, gateway: Environment, demo: Environment | None
) -> list[Process]:
    """What only the first start does: accounts, and the demo data by way of the public API."""
    found: list[Process] = []
    if not has_people(folder):
        people = python("devstack.people", str(folder.root.resolve()), env=gateway)
        found.append(Process("people", people, needs=("migrations",), once=True))
    if demo is None:
        return found
    patches = arrays_folder(folder) / PATCHES
    if not (patches / "patches.json").exists():  # it is written last
        write = python("devstack.synthetic.patches", str(patches))
        found.append(Process("demo-patches", write, once=True))
    if folder.demo_mark.exists():
        return found
    upload = Process(
        "demo-data", python("devstack.demo", "upload", env=demo), ("buckets",), once=True
    )
    needs = ("demo-data", "gateway", *(p.name for p in found))
    ingest = Process("demo", python("devstack.demo", "ingest", env=demo), needs, once=True)
    return [*found, upload, ingest]
