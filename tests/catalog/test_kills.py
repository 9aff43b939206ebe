"""kill -9 half way through an ingest: of its process, of the service, of PostgreSQL.

The metadata table is a named pipe that gives half of the file and then nothing more, so that the
ingest is half way for as long as the test likes.
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from catalog.migrate import migrate
from catalog.settings import Settings
from catalog.supervisor import child_environment
from devstack.ports import choose_ports
from devstack.postgres import PostgresServer, server_user

from devstack import throwaway
from tests.catalog.conftest import Api

pytestmark = pytest.mark.slow

DATASET = "killed"
CLINICAL, METADATA = (f"EMBED_OpenData_{table}.csv" for table in ("clinical", "metadata"))


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 90) -> None:
    """Until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.05)


class Database:
    """A PostgreSQL that keeps what it was told to, and may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(
            folder / "postgres",
            choose_ports(1)[0],
            secrets.token_hex(16),
            throwaway.programs_folder(folder),
            server_user(),
            database="catalog",
        )
        self.server.initialise()
        self.log = folder / "postgres.log"
        self._running = ExitStack()

    def start(self) -> None:
        """Start it; it recovers by its log where it was killed."""
        started = throwaway.running(
            self.server.command(), self.server.is_ready, self.log, signal.SIGQUIT
        )
        self._running.enter_context(started)

    def processes(self) -> list[psutil.Process]:
        """The server and its backends."""
        pid = int((self.server.data / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(pid)
        return [server, *server.children(recursive=True)]

    def kill(self) -> None:
        """kill -9, all of it."""
        found = self.processes()
        for process in found:
            process.send_signal(signal.SIGKILL)
        wait_for(lambda: not any(map(alive, found)), "the end of PostgreSQL")
        self._running.close()

    def close(self) -> None:
        """Stop it."""
        self._running.close()

    def sql(self, query: str) -> str:
        """The bare answer."""
        return self.server.execute(query, "catalog")


def alive(process: psutil.Process) -> bool:
    """Whether it runs."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Service:
    """The catalog as it runs in a deployment: a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self.port = choose_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "uvicorn", "--factory", "catalog.app:app_from_environment"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--no-access-log"]
        self.process = subprocess.Popen(command, env=child_environment(settings))
        wait_for(self.is_ready, "a ready service")

    def is_ready(self) -> bool:
        """Whether it says so."""
        assert self.process.poll() is None
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def ingests(self) -> list[psutil.Process]:
        """The ingests that it started."""
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def database() -> Iterator[Database]:
    """A durable PostgreSQL of the test's own."""
    with throwaway.scratch_folder() as folder:
        made = Database(folder)
        made.start()
        migrate(made.server.url("catalog"))
        yield made
        made.close()


@pytest.fixture
def services(catalog_settings: Settings, database: Database) -> Iterator[Callable[[], Service]]:
    """Starts services on that database."""
    url = database.server.url("catalog")
    settings = catalog_settings.model_copy(update={"database_url": url, "log_level": "ERROR"})
    with ExitStack() as opened:

        def start() -> Service:
            service = Service(settings)
            opened.callback(service.kill)
            return service

        yield start


class HalfGiven:
    """``path`` as a pipe: whoever opens it is given half of the content and waits for the rest."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self.content = path, content
        self._half_given, self._released = threading.Event(), threading.Event()
        os.mkfifo(path)
        self._thread = threading.Thread(target=self._give, daemon=True)
        self._thread.start()

    def _give(self) -> None:
        with self.path.open("wb") as pipe:
            pipe.write(self.content[: len(self.content) // 2])
            pipe.flush()
            self._half_given.set()
            self._released.wait()

    def is_half_given(self) -> bool:
        """Whether the reader has its half."""
        return self._half_given.is_set()

    def put_whole(self) -> None:
        """The whole file in its place; who reads the pipe still waits."""
        self.path.unlink()
        self.path.write_bytes(self.content)

    def release(self) -> None:
        """End the pipe."""
        self._released.set()
        self._thread.join(10)


@pytest.fixture
def folders(
    catalog_settings: Settings, synthetic_tables: Path, tmp_path: Path
) -> tuple[Path, Path]:
    """Folders below the mirror: small tables, and the clinical one of larger tables."""
    mirror = Path(str(catalog_settings.mirror_root)) / tmp_path.name
    small, large = mirror / "small", mirror / "large"
    for folder in (small, large):
        folder.mkdir(parents=True)
        (folder / CLINICAL).write_bytes((synthetic_tables / CLINICAL).read_bytes())
    lines = (synthetic_tables / METADATA).read_bytes().splitlines(keepends=True)
    (small / METADATA).write_bytes(b"".join(lines[:200]))
    return small, large


def sixfold(table: bytes) -> bytes:
    """The rows six times under other UIDs: half of them is more than the ingest reads at once."""
    head, *rows = table.splitlines(keepends=True)
    copies = [row.replace(b".dcm", b"%d.dcm" % n) for n in range(6) for row in rows]
    return b"".join([head, *copies])


@pytest.mark.parametrize("victim", ["ingest", "service", "database"])
def test_a_kill_half_way_leaves_the_former_revision_and_the_ingest_starts_again(
    victim: str,
    database: Database,
    services: Callable[[], Service],
    folders: tuple[Path, Path],
    synthetic_tables: Path,
    person: Callable[..., Api],
) -> None:
    small, large = folders
    service = services()
    admin = person(service.url, "admin")
    first = admin.ingest(DATASET, small, restricted=False)
    assert first["state"] == "succeeded", first["error"]
    pipe = HalfGiven(large / METADATA, sixfold((synthetic_tables / METADATA).read_bytes()))
    request = {
        "clinical": f"file://{large / CLINICAL}",
        "metadata": f"file://{large / METADATA}",
        "image_root": "s3://images/images",
    }
    state = admin.post(f"/api/v1/datasets/{DATASET}/revisions", request, 202)
    wait_for(pipe.is_half_given, "half of the file read")
    table = f"metadata_{state['revision_id']}"
    copying = f"select count(*) from pg_stat_activity where query like 'COPY%{table}%'"
    wait_for(lambda: database.sql(copying) == "1", "COPY of the metadata table")
    (ingest,) = service.ingests()
    pipe.put_whole()

    def images() -> Any:
        return admin.get("/api/v1/images", dataset=DATASET, limit=1)["total"]

    if victim == "ingest":
        ingest.send_signal(signal.SIGKILL)
    elif victim == "service":
        service.kill()
        wait_for(lambda: not alive(ingest), "the ingest's end with its service")
    else:
        database.kill()
        down = admin.http.get("/api/v1/images", params={"dataset": DATASET})
        assert down.status_code == 503
        assert down.headers["content-type"] == "application/problem+json"
        assert admin.post("/api/v1/facets", {"dataset": DATASET})["total"]["images"] == 199
    pipe.release()
    if victim == "service":
        service = services()
        admin = person(service.url, "admin")
    if victim == "database":
        database.start()
        wait_for(service.is_ready, "a ready service")
    meanwhile = images()
    final = admin.wait(state)
    assert final["state"] == "succeeded", final["error"]
    assert images() == final["counts"]["images"] > 199
    assert meanwhile in (199, final["counts"]["images"])  # never a part
    kept = "select count(*) from pg_tables where schemaname = 'catalog' and tablename ~ '_[0-9]+$'"
    tables = ("clinical", "metadata", "image", "finding")
    assert database.sql(kept) == str(len(tables) * 2)
