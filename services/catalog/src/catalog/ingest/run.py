"""One ingest, from its claim to its commit or its failure."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import asyncpg
import numpy as np
import numpy.typing as npt
import polars as pl
from botocore.exceptions import BotoCoreError
from chassis.logs import get_logger

from catalog.fields import Table, source_fields
from catalog.ingest import boxes
from catalog.ingest.build import Built, EncodedTables, build
from catalog.ingest.encode import RawColumn, TableEncoder
from catalog.ingest.faults import SourceFault
from catalog.ingest.frames import finding_frame, image_frames
from catalog.ingest.holdings import NOT_LISTED, Hashes, held_files
from catalog.ingest.records import parse_header, whole_records
from catalog.ingest.report import Report
from catalog.ingest.rules import rules
from catalog.ingest.sources import Location, locate, look, object_store, read
from catalog.ingest.spelling import canonical_names, check_required
from catalog.model import archive
from catalog.settings import Settings
from catalog.store import loading

log = get_logger(__name__)

T = TypeVar("T")

# By a pattern, which copies: the last part of a split path would keep the whole path in memory.
UID = (
    pl.col("anon_dicom_path")
    .str.replace_all("\\", "/", literal=True)
    .str.strip_chars()
    .str.strip_suffix(".dcm")
    .str.extract(r"([^/]*)$")
)
KEPT: Mapping[Table, Mapping[str, pl.Expr]] = {
    "clinical": {},
    "metadata": {"anon_dicom_path": UID},
}
EXTRA_CODED: Mapping[Table, frozenset[str]] = {"clinical": frozenset(), "metadata": boxes.COLUMNS}

PROGRESS_S = 0.5
BEHIND = 2


@dataclass
class Streamed:
    """One file, read: its codes, and what it was."""

    rows: int
    columns: dict[str, RawColumn]
    uids: pl.Series | None
    source: dict[str, Any]
    table_columns: dict[str, str]


@dataclass(frozen=True)
class Identities:
    """Which image each row of the metadata file is."""

    of_row: npt.NDArray[np.int64]
    """image_id; 0 for a row without a file."""
    kept: asyncio.Task[None]
    """Writes the identities of the images that had none."""


@dataclass
class Ingest:
    """The state of one run."""

    settings: Settings
    revision_id: int
    dataset: str
    request: dict[str, Any]
    control: asyncpg.Connection
    data: asyncpg.Connection
    identities: asyncpg.Connection
    report: Report = field(default_factory=Report)
    last_told: float = 0.0
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Have something done meanwhile."""
        task = asyncio.create_task(work)
        self.tasks.append(task)
        return task

    async def settle(self) -> None:
        """Wait until nothing is done meanwhile: a connection at work cannot be rolled back."""
        while at_work := [task for task in self.tasks if not task.done()]:
            await asyncio.gather(*at_work, return_exceptions=True)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the seconds of a phase to the report."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.report.timings[phase] = self.report.timings.get(phase, 0.0) + seconds

    async def tell(self, phase: str, rows: int, total: int | None = None) -> None:
        """Show progress, twice a second at most within a phase."""
        now = time.monotonic()
        if total is None or now - self.last_told >= PROGRESS_S:
            self.last_told = now
            await loading.tell_progress(self.control, self.revision_id, phase, rows, total)


async def run(settings: Settings, revision_id: int) -> None:
    """Ingest a queued revision, or leave it alone where another process is at it."""
    url = settings.database_url
    async with loading.connect(url) as control:
        claimed = await loading.claim(control, revision_id)
        if claimed is None:
            return
        dataset, request = claimed["dataset"], claimed["request"]
        async with loading.connect(url) as data, loading.connect(url) as identities:
            await _attempt(
                Ingest(settings, revision_id, dataset, request, control, data, identities)
            )


async def _attempt(ingest: Ingest) -> None:
    try:
        await _ingest(ingest)
    except (SourceFault, BotoCoreError) as error:
        text = str(error)
        log.warning("ingest refused", extra={"revision_id": ingest.revision_id, "reason": text})
        await loading.fail(ingest.control, ingest.revision_id, text, ingest.report.as_json())


async def _ingest(ingest: Ingest) -> None:
    request = ingest.request
    dry_run = bool(request.get("dry_run"))
    identities, rows = ingest.identities.transaction(), ingest.data.transaction()
    await identities.start()
    await rows.start()
    try:
        await ingest.data.execute("set local maintenance_work_mem = '256MB'")
        await loading.lock_dataset(ingest.data, ingest.dataset)
        outcome = await _load(ingest, dry_run=dry_run)
    except BaseException:
        await ingest.settle()
        await rows.rollback()
        await identities.rollback()
        raise
    if dry_run or outcome.get("same_as"):
        await rows.rollback()
        await identities.rollback()
        async with ingest.control.transaction():
            await loading.succeed(ingest.control, ingest.revision_id, outcome)
            if not dry_run:
                await loading.activate(ingest.control, ingest.revision_id)
    else:
        await loading.succeed(ingest.data, ingest.revision_id, outcome)
        await loading.activate(ingest.data, ingest.revision_id)
        # First the identities: killed between the two, they wait for the next ingest.
        await identities.commit()
        await rows.commit()
    log.info("ingested", extra={"revision_id": ingest.revision_id, "counts": outcome["counts"]})


async def _load(ingest: Ingest, *, dry_run: bool) -> dict[str, Any]:
    tables, held = await _read(ingest)
    listed = len(held) if held is not None else 0
    content = sha256(
        "".join(tables[table].source["sha256"] for table in ("clinical", "metadata")).encode()
    ).hexdigest()
    outcome: dict[str, Any] = {
        "sha256": content,
        "sources": [tables[table].source for table in ("clinical", "metadata")],
        "columns": {table: streamed.table_columns for table, streamed in tables.items()},
        "counts": {},
        "rules": rules(),
    }
    await ingest.tell("join", tables["metadata"].rows)
    active = await loading.active_content(ingest.data, ingest.dataset)
    wanted = (content, ingest.request["image_root"], listed, rules())
    if active and active[1:] == wanted and not dry_run:
        return {**outcome, "same_as": active[0], "report": ingest.report.as_json()}
    built, identities = await _build(ingest, tables, held)
    await ingest.tell("store", tables["metadata"].rows)
    uids = tables["metadata"].uids
    assert uids is not None
    await _store(ingest, built, uids, identities, content)
    counts = {**built.counts, "files_listed": listed}
    return {**outcome, "counts": counts, "report": ingest.report.as_json()}


async def _read(ingest: Ingest) -> tuple[dict[Table, Streamed], Hashes | None]:
    """Both tables; beside them the store is asked which images it holds."""
    tables: dict[Table, Streamed] = {}
    request, settings = ingest.request, ingest.settings
    root = locate(request["image_root"], settings, "image_root", folder=True)
    async with object_store(settings) as client:
        listing = asyncio.create_task(held_files(client, root))
        try:
            for table in ("clinical", "metadata"):
                at = locate(request[table], settings, table)
                with ingest.timed(f"read and copy {table}"):
                    tables[table] = await _stream(ingest, client, at, table)
            await ingest.tell("list files", tables["metadata"].rows)
            with ingest.timed("list files"):
                held = await listing
        finally:
            listing.cancel()
    if held is None:
        rows = tables["metadata"].rows
        ingest.report.add("noticed", "metadata", "anon_dicom_path", NOT_LISTED, rows)
    return tables, held


async def _stream(ingest: Ingest, client: Any, at: Location, table: Table) -> Streamed:
    found = await look(client, at, table)
    blocks = whole_records(table, read(client, at, table))
    head = await anext(blocks)
    header = parse_header(table, head)
    names = canonical_names(table, header)
    check_required(table, table, names)
    coded = {f.column for f in source_fields(table)} | EXTRA_CODED[table]
    encoder = TableEncoder(table, names, coded, KEPT[table])
    digest = sha256(head)
    name = f"{table}_{ingest.revision_id}"
    cells = loading.column_names(names)
    await loading.create_rows_table(ingest.data, name, cells)

    feed = Feed(ingest, table, blocks, encoder, digest, found.size)
    copied = await _copy(ingest, name, cells, feed)
    if copied == 0:
        raise SourceFault(table, "the file has no rows", 1)
    if copied != encoder.rows:
        raise SourceFault(table, f"its quotes are ambiguous: {copied} or {encoder.rows} rows")
    uids = encoder.texts("anon_dicom_path") if table == "metadata" else None
    source = {"uri": at.uri, "sha256": digest.hexdigest(), "rows": copied}
    source |= {"table": table, "bytes": found.size, "etag": found.etag}
    named = dict(zip(names, cells, strict=True))
    _notice_renames(ingest.report, table, header, names)
    return Streamed(copied, encoder.columns(), uids, source, named)


@dataclass
class Feed:
    """Blocks on their way to COPY; the codes of one are made while it is sent.

    It never raises, because a COPY that fails on both ends at once would wait for ever: a fault
    ends the feed and is kept.
    """

    ingest: Ingest
    table: Table
    blocks: AsyncIterator[bytes]
    encoder: TableEncoder
    digest: Any
    size: int
    fault: SourceFault | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The blocks."""
        try:
            async for block in self._encoded():
                yield block
        except SourceFault as fault:
            self.fault = fault

    async def _encoded(self) -> AsyncIterator[bytes]:
        # One thread, for the order; up to two blocks behind, so that neither end waits for the
        # other's slow ones.
        encoding, pending = ThreadPoolExecutor(1), deque[asyncio.Future[None]]()
        loop, sent = asyncio.get_running_loop(), 0
        try:
            async for block in self.blocks:
                while len(pending) > BEHIND:
                    await pending.popleft()
                pending.append(loop.run_in_executor(encoding, self._take, block))
                yield block
                sent += len(block)
                rows = self.encoder.rows
                estimate = round(rows * max(1.0, self.size / sent))
                await self.ingest.tell(f"read {self.table}", rows, estimate)
            while pending:
                await pending.popleft()
        finally:
            encoding.shutdown(wait=False, cancel_futures=True)

    def _take(self, block: bytes) -> None:
        self.digest.update(block)
        self.encoder.add(block)


async def _copy(ingest: Ingest, name: str, cells: list[str], feed: Feed) -> int:
    try:
        copied = await loading.copy_csv(ingest.data, name, cells, feed, own=True)
    except asyncpg.DataError as error:
        if feed.fault:
            raise feed.fault from error
        # PostgreSQL counts lines from the first that it is sent, which is the second of the file.
        context = (getattr(error, "context", None) or "").partition(", line ")[2]
        digits = context.split(":")[0].split(",")[0]
        line = int(digits) + 1 if digits.isdigit() else None
        raise SourceFault(feed.table, str(error), line) from error
    if feed.fault:
        raise feed.fault
    return copied


def _notice_renames(report: Report, table: Table, header: list[str], names: list[str]) -> None:
    for written, name in zip(header, names, strict=True):
        if written != name:
            report.add("noticed", table, name, f"column is called {written} in the file", 1)


async def _build(
    ingest: Ingest, tables: Mapping[Table, Streamed], held: Hashes | None
) -> tuple[Built, Identities]:
    """Join in a thread while PostgreSQL indexes the rows and says which images it knows."""
    metadata, clinical = tables["metadata"], tables["clinical"]
    assert metadata.uids is not None
    # Handed over, not shared: a column is given up as soon as its typed codes are made.
    encoded = EncodedTables(clinical.columns, clinical.rows, metadata.columns, metadata.uids, held)
    clinical.columns, metadata.columns = {}, {}
    with ingest.timed("join, index, identities"):
        building = ingest.start(asyncio.to_thread(build, encoded, ingest.report))
        identifying = ingest.start(_identify(ingest, metadata.uids))
        await _index(ingest, metadata.table_columns["anon_dicom_path"])
        return await building, await identifying


async def _index(ingest: Ingest, path: str) -> None:
    for table in ("metadata", "clinical"):
        await loading.finish_rows_table(ingest.data, f"{table}_{ingest.revision_id}")
    await loading.index_studies(ingest.data, f"metadata_{ingest.revision_id}", path)


async def _store(
    ingest: Ingest, built: Built, uids: pl.Series, identities: Identities, content: str
) -> None:
    image_id = identities.of_row[built.images.row]
    model = built.model(ingest.revision_id, ingest.dataset, content, image_id)
    dumping = ingest.start(asyncio.to_thread(archive.dump, model))
    with ingest.timed("images and findings"):
        await _store_partitions(ingest, built, uids, image_id)
        await identities.kept
    with ingest.timed("read model"):
        await loading.save_model(ingest.data, ingest.revision_id, await dumping)


async def _store_partitions(
    ingest: Ingest, built: Built, uids: pl.Series, image_id: npt.NDArray[np.int64]
) -> None:
    frames = {
        "image": image_frames(ingest.revision_id, built, uids, image_id),
        "finding": iter([finding_frame(ingest.revision_id, built)]),
    }
    indexes = {
        "image": ("image_id", "exam_id"),
        "finding": ("exam_id", "patient_id"),
    }
    for parent, parts in frames.items():
        name = await loading.create_partition(ingest.data, parent, ingest.revision_id)
        for frame in parts:
            await loading.copy_frame(ingest.data, name, frame, own=True)
        await loading.attach_partition(ingest.data, parent, ingest.revision_id, indexes[parent])


async def _identify(ingest: Ingest, uids: pl.Series) -> Identities:
    """image_id by row of the metadata file; new ones are given in the order of the file."""
    wanted = uids.set(uids == "", None).drop_nulls().unique(maintain_order=True).rename("uid")
    known = await loading.known_images(ingest.identities, ingest.dataset)
    ids = wanted.to_frame().join(known, on="uid", how="left", maintain_order="left")["image_id"]
    missing = np.flatnonzero(ids.is_null().to_numpy())
    given = ids.fill_null(0).to_numpy().copy()
    given[missing] = await loading.reserve_image_ids(ingest.identities, len(missing))
    named = pl.DataFrame({"uid": wanted, "image_id": given})
    rows = uids.rename("uid").to_frame().join(named, on="uid", how="left", maintain_order="left")
    fresh = pl.DataFrame(
        {
            "image_id": given[missing],
            "dataset": pl.repeat(ingest.dataset, len(missing), eager=True),
            "sop_instance_uid": wanted.gather(missing),
        }
    )
    # In the order of the unique index, which then grows at its end instead of everywhere.
    fresh = fresh.sort("sop_instance_uid")
    kept = ingest.start(loading.copy_frame(ingest.identities, "image_key", fresh, own=False))
    return Identities(rows["image_id"].fill_null(0).to_numpy().astype(np.int64), kept)
