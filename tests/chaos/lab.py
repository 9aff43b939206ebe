"""A trainer on servers of its own: PostgreSQL, Valkey, SeaweedFS, API, workers."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from chassis.identity import Identity, Signer
from chassis.keys import ensure_keys
from devstack.objects import make_client
from devstack.ports import choose_ports
from devstack.postgres import PostgresServer, server_user
from devstack.probes import get
from devstack.seaweedfs import PORTS, SeaweedServer
from devstack.valkey import ValkeyServer
from trainer.migrate import migrate
from trainer.settings import TrainerSettings

from devstack import throwaway
from tests.chaos.servers import Program, python
from tests.trainer.running import environment, training_processes, write_blobs

BUCKET = "artifacts"
PEOPLE = ("ann", "bob")


@dataclass
class Lab:
    """Its programs by name; `worker-*` train."""

    settings: TrainerSettings
    programs: dict[str, Program]
    url: str
    keys: Path
    seaweed: SeaweedServer

    def named(self, kind: str) -> list[Program]:
        """The programs of a kind: `worker` names all workers."""
        return [p for name, p in self.programs.items() if name.partition("-")[0] == kind]

    @property
    def scratches(self) -> list[Path]:
        """The scratch folder of each worker."""
        return sorted(self.settings.scratch.glob("worker-*"))

    def training(self, job_id: str = "") -> list[int]:
        """PIDs of the processes that train a job, or any."""
        return [pid for scratch in self.scratches for pid in training_processes(scratch, job_id)]

    @contextmanager
    def client(self, person: str) -> Iterator[httpx.Client]:
        """A researcher's client; its identity is signed for each request."""
        signer = Signer(self.keys / "gateway.pem", "gateway")
        who = Identity(person, person, "researcher", frozenset(), frozenset())

        def sign(request: httpx.Request) -> None:
            request.headers["Authorization"] = f"Bearer {signer.sign(who, lifetime_s=60)}"

        with httpx.Client(base_url=self.url, timeout=20, event_hooks={"request": [sign]}) as client:
            yield client

    def objects(self) -> Any:
        """A client of the object store, to close."""
        return closing(make_client(self.seaweed.s3))


@contextmanager
def running(folder: Path, workers: int) -> Iterator[Lab]:
    """Everything started; killed at the end."""
    postgres = PostgresServer(
        folder / "postgres", choose_ports(1)[0], secrets.token_hex(16),
        throwaway.programs_folder(folder), server_user(),
    )  # fmt: skip
    valkey = ValkeyServer(folder / "valkey", choose_ports(1)[0], secrets.token_hex(16), "broker")
    seaweed = SeaweedServer(
        folder / "weed", choose_ports(PORTS), secrets.token_hex(10), secrets.token_hex(20)
    )
    programs: dict[str, Program] = {}
    try:
        for name, server in (("postgres", postgres), ("valkey", valkey), ("s3", seaweed)):
            server.initialise()
            log = folder / f"{name}.log"
            programs[name] = Program(name, server.command(), server.is_ready, log)
            programs[name].start()
        yield _start_trainer(folder, workers, programs, postgres.url("postgres"), valkey, seaweed)
    finally:
        for program in reversed(programs.values()):
            program.kill()


def _start_trainer(
    folder: Path,
    workers: int,
    programs: dict[str, Program],
    database_url: str,
    valkey: ValkeyServer,
    seaweed: SeaweedServer,
) -> Lab:
    with closing(make_client(seaweed.s3)) as client:
        client.create_bucket(Bucket=BUCKET)
    migrate(database_url)
    jwks = ensure_keys(folder / "keys")
    write_blobs(folder / "arrays" / "blobs")
    settings = TrainerSettings(
        database_url=database_url, broker_url=valkey.url, identity_jwks=jwks,
        signing_key=folder / "keys" / "trainer.pem", artifact_bucket=BUCKET,
        catalog_url="http://127.0.0.1:9", imagery_url="http://127.0.0.1:9",
        s3_endpoint_url=seaweed.s3.endpoint_url, s3_region=seaweed.s3.region,
        s3_access_key_id=seaweed.access_key_id, s3_secret_access_key=seaweed.secret_access_key,
        scratch=folder / "scratch", arrays=folder / "arrays", device="cpu", threads=1,
        lease_s=6.0, heartbeat_s=0.3, sweep_s=0.5, retry_delay_s=0.2, patience_s=60.0,
    )  # fmt: skip
    port = choose_ports(1)[0]
    api = ("-m", "uvicorn", "--factory", "trainer.app:app_from_environment", "--port", str(port))
    programs["api"] = python("api", api, environment(settings), folder / "api.log")
    programs["api"].is_ready = lambda: get(port, "/livez")[0] == 200
    for n in range(workers):
        name = f"worker-{n}"
        own = {"scratch": settings.scratch / name, "worker_name": name}
        env = environment(settings.model_copy(update=own))
        programs[name] = python(name, ("-m", "trainer.worker"), env, folder / f"{name}.log")
    for program in programs.values():
        if program.process is None:
            program.start()
    return Lab(settings, programs, f"http://127.0.0.1:{port}", folder / "keys", seaweed)
