"""The servers that hold a stack's data, with the ports and passwords kept for them."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.folder import StackFolder, read_json, write_private
from devstack.ports import choose_ports, is_free
from devstack.postgres import (
    DATABASE,
    PostgresServer,
    install_folder,
    is_reachable,
    server_user,
    shared_folder,
)
from devstack.seaweedfs import SeaweedServer
from devstack.valkey import ValkeyServer

_S3_PORTS = ("s3", "s3-master", "s3-volume", "s3-filer", "s3-admin")
_PORT_NAMES = ("postgres", "broker", "cache", *_S3_PORTS, "catalog", "imagery", "trainer")


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
