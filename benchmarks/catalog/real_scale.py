"""What the benchmarks of the catalog share: tables, servers, a running catalog, a report."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from catalog.migrate import migrate
from catalog.supervisor import CHILD_ENVIRONMENT
from chassis.database import asyncpg_url
from devstack.objects import ensure_buckets, make_client
from devstack.seaweedfs import S3Server
from devstack.synthetic import FULL_SCALE, Scale, write_tables

from benchmarks.machine import measured_on
from devstack import throwaway

BUCKET = "benchmark"
NAMES = {table: f"EMBED_OpenData_{table}.csv" for table in ("clinical", "metadata")}


def options(description: str | None) -> argparse.ArgumentParser:
    """The options that all of them have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--images", type=int, default=FULL_SCALE.images)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "embed-tables")
    parser.add_argument("--out", type=Path)
    return parser


def tables(folder: Path, images: int) -> Path:
    """The folder of synthetic tables with so many images; written where it has none yet."""
    if not all((folder / name).exists() for name in NAMES.values()):
        folder.mkdir(parents=True, exist_ok=True)
        scale = FULL_SCALE if images == FULL_SCALE.images else Scale(images=images)
        print(f"writing {images} images to {folder}", file=sys.stderr)
        write_tables(folder, scale, seed=7)
    return folder


@contextmanager
def database() -> Iterator[str]:
    """URL of a migrated database on a server of its own."""
    with throwaway.postgres() as server:
        url = server.url("postgres")
        throwaway.psql(url, "create database catalog")
        url = f"{url.rpartition('/')[0]}/catalog"
        migrate(url)
        yield url


@contextmanager
def object_store(folder: Path) -> Iterator[S3Server]:
    """An S3 server that has the tables."""
    with throwaway.s3() as server:
        client = make_client(server)
        ensure_buckets(client, [BUCKET])
        for name in NAMES.values():
            client.upload_file(str(folder / name), BUCKET, f"tables/{name}")
        yield server


def environment(url: str, jwks: Path, s3: S3Server | None, mirror: Path) -> dict[str, str]:
    """The environment of a catalog."""
    settings = {
        "DATABASE_URL": url,
        "IDENTITY_JWKS": str(jwks),
        "MIRROR_ROOT": str(mirror),
        "DEFAULT_DATASET": "embed-synthetic",
        "LOG_LEVEL": "WARNING",
    }
    if s3:
        settings |= {
            "S3_ENDPOINT_URL": s3.endpoint_url,
            "S3_REGION": s3.region,
            "S3_ACCESS_KEY_ID": s3.access_key_id,
            "S3_SECRET_ACCESS_KEY": s3.secret_access_key,
        }
    return {**os.environ, **{f"CATALOG_{name}": value for name, value in settings.items()}}


class Watched:
    """A child process: its seconds, its processor seconds and its greatest resident memory."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(command, env=dict(env))
        self.peak_mb = 0.0
        self.cpu_s = 0.0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        watched = psutil.Process(self.process.pid)
        while self.process.poll() is None:
            try:
                self.peak_mb = max(self.peak_mb, watched.memory_info().rss / 2**20)
                times = watched.cpu_times()
                self.cpu_s = times.user + times.system
            except psutil.Error:
                return
            time.sleep(0.02)

    def wait(self) -> float:
        """Seconds until it ended; it must have ended well."""
        status = self.process.wait()
        seconds = time.perf_counter() - self.started
        self._thread.join()
        assert status == 0, f"status {status}"
        return seconds


async def _queue(url: str, request: dict[str, Any]) -> int:
    """A queued revision."""
    connection = await asyncpg.connect(asyncpg_url(url))
    await connection.execute(
        "insert into catalog.dataset (name, title) values ('embed-synthetic', 'Synthetic EMBED') "
        "on conflict do nothing"
    )
    revision_id = await connection.fetchval(
        "insert into catalog.revision (dataset, request, requested_by) "
        "values ('embed-synthetic', $1::text::jsonb, 'benchmark') returning revision_id",
        json.dumps(request),
    )
    await connection.close()
    return int(revision_id)


async def _outcome(url: str, revision_id: int) -> dict[str, Any]:
    """The revision after its ingest."""
    connection = await asyncpg.connect(asyncpg_url(url))
    row = await connection.fetchrow(
        "select state, error, counts::text, report::text from catalog.revision "
        "where revision_id = $1",
        revision_id,
    )
    await connection.close()
    return dict(row)


@dataclass(frozen=True)
class Ingested:
    """An ingest that succeeded; ``report`` is its report in JSON."""

    revision_id: int
    seconds: float
    child: Watched
    report: str


def ingest(url: str, env: Mapping[str, str], root: str) -> Ingested:
    """Ingest the tables that lie at the address ``root``, in a process as the service's."""
    request = {table: f"{root}/{name}" for table, name in NAMES.items()}
    revision_id = asyncio.run(_queue(url, {**request, "image_root": "s3://images"}))
    command = [sys.executable, "-m", "catalog.ingest", str(revision_id)]
    child = Watched(command, {**env, **CHILD_ENVIRONMENT})
    seconds = child.wait()
    found = asyncio.run(_outcome(url, revision_id))
    assert found["state"] == "succeeded", found["error"]
    return Ingested(revision_id, seconds, child, found["report"])


def settle(url: str) -> None:
    """Have PostgreSQL do now what it would do beside the first requests after an ingest."""
    for command in ("vacuum analyze", "checkpoint"):
        throwaway.psql(url, command)


MEASURED = ("what", "ours", "limit or goal", "ratio")


def report(title: str, rows: Sequence[tuple[str, ...]], columns: Sequence[str] = MEASURED) -> str:
    """A table of ``rows``, with machine, date and commit."""
    lines = [
        f"# {title}",
        "",
        measured_on(),
        "",
        f"| {' | '.join(columns)} |",
        "|" + "---|" * len(columns),
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]
    return "\n".join(lines)
