"""A backup of a running stack and its way back: one folder with the database and the artifacts.

The same files as a lab server's (`scripts/backup`), so that either can be restored by either.
"""

import hashlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from devstack.children import Command
from devstack.environment import service_environments
from devstack.folder import StackFolder, read_json
from devstack.postgres import DATABASE, ROLE, PostgresServer
from devstack.servers import Servers, make_servers

DUMP, ARTIFACTS, SUMS = "database.dump", "artifacts.tar", "SHA256SUMS"
_HOLD_DATA = ("gateway", "catalog", "imagery", "trainer", "worker")


class BrokenBackupError(RuntimeError):
    """A file of a backup is not what was written."""


class NotRunningError(RuntimeError):
    """There is no stack to back up or to restore into."""


def back_up(folder: StackFolder, to: Path) -> None:
    """Write database, then artifacts (a dumped row's artifacts are there) into a new folder.

    The catalog is told before: it names those backups that still hold a purged dataset.
    """
    servers, environment, _ = _running(folder)
    place = f"{socket.gethostname()}:{to.resolve()}"
    to.mkdir(parents=True)
    _run(_module("catalog.backups", "note", place, environment=environment))
    with (to / DUMP).open("xb") as dump:
        _run(_postgres(servers.postgres, "pg_dump", "--format=custom", DATABASE), output=dump)
    with (to / ARTIFACTS).open("xb") as tar:
        _run(_module("trainer.backup", "export", environment=environment), output=tar)
    sums = [f"{_sha256(to / name)}  {name}\n" for name in (DUMP, ARTIFACTS)]
    (to / SUMS).write_text("".join(sums))


def restore(folder: StackFolder, source: Path) -> None:
    """Replace what the stack holds by a backup. The services are started anew by their keeper."""
    servers, environment, processes = _running(folder)
    _check(source)
    with (source / DUMP).open("rb") as dump, (source / ARTIFACTS).open("rb") as tar:
        server = servers.postgres
        # Nobody may look at half a database: first it is filled, then it takes the other's place.
        fresh = f"{DATABASE}_restored"
        server.execute(f'DROP DATABASE IF EXISTS "{fresh}"')
        server.execute(f'CREATE DATABASE "{fresh}" TEMPLATE template0')
        options = ("--no-owner", "--exit-on-error", f"--dbname={fresh}")
        _run(_postgres(server, "pg_restore", *options), given=dump)
        _run(_module("trainer.backup", "import", environment=environment), given=tar)
        server.execute(f'DROP DATABASE "{DATABASE}" WITH (FORCE)')
        server.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{DATABASE}"')
    migrate = ("devstack.modules", *(f"{owner}.migrate" for owner in ("catalog", "trainer")))
    _run(Command((sys.executable, "-m", *migrate, "gateway.migrate"), environment))
    for process in processes:
        if process["name"] in _HOLD_DATA and process["pid"]:
            os.kill(process["pid"], signal.SIGTERM)


def _check(source: Path) -> None:
    # pg_restore itself takes some torn dumps for whole ones.
    for line in (source / SUMS).read_text().splitlines():
        expected, _, name = line.partition("  ")
        if _sha256(source / name) != expected:
            raise BrokenBackupError(f"{source / name} is not what was backed up")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _running(folder: StackFolder) -> tuple[Servers, dict[str, str], list[dict[str, Any]]]:
    state = folder.read_state()
    ports = read_json(folder.root / "ports.json")
    if state is None or ports is None:
        raise NotRunningError("nothing is running: `up` first")
    servers = make_servers(folder, ports)
    each = service_environments(folder, servers, ports)
    environment = {name: value for own in each.values() for name, value in own.items()}
    return servers, environment, state["processes"]


def _postgres(server: PostgresServer, program: str, *arguments: str) -> Command:
    where = ("--host=127.0.0.1", f"--port={server.port}", f"--username={ROLE}", "--no-password")
    argv = (str(server.programs / "bin" / program), *where, *arguments)
    return Command(argv, {"PGPASSWORD": server.password}, Path("/"))


def _module(*words: str, environment: dict[str, str]) -> Command:
    return Command((sys.executable, "-m", *words), environment)


def _run(command: Command, given: Any = subprocess.DEVNULL, output: Any = None) -> None:
    ended = subprocess.run(
        command.argv,
        env=command.environment(),
        cwd=command.cwd,
        stdin=given,
        stdout=output,
        stderr=subprocess.PIPE,
        check=False,
    )
    if ended.returncode != 0:
        reason = ended.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{Path(command.argv[0]).name} failed:\n{reason}")
