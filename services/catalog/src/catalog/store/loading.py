"""SQL of an ingest: one transaction makes, fills and activates a revision, one makes identities."""

import io
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import numpy as np
import numpy.typing as npt
import orjson
import polars as pl

SCHEMA = "catalog"
LOCK_CLASS = 0x0E3BED
NAME_BYTES = 63


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection without a statement timeout: COPY of a large file takes as long as it takes."""
    # Not by chassis.database: its imports cost the child more time than a small ingest takes.
    plain = url.replace("postgresql+asyncpg://", "postgresql://", 1)
    connection = await asyncpg.connect(plain, timeout=10)
    try:
        await connection.set_type_codec(
            "jsonb",
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
            schema="pg_catalog",
        )
        yield connection
    finally:
        await connection.close()


async def claim(connection: asyncpg.Connection, revision_id: int) -> dict[str, Any] | None:
    """Take a queued revision for this connection; None where another process has it."""
    if not await connection.fetchval(
        "select pg_try_advisory_lock($1, $2)", LOCK_CLASS, revision_id
    ):
        return None
    row = await connection.fetchrow(
        """
        update catalog.revision set state = 'running', attempts = attempts + 1,
            started_at = now(), error = null
        where revision_id = $1 and state in ('queued', 'running')
        returning revision_id, dataset, request
        """,
        revision_id,
    )
    return dict(row) if row else None


async def tell_progress(
    connection: asyncpg.Connection, revision_id: int, phase: str, rows: int, total: int | None
) -> None:
    """Show how far the ingest is."""
    await connection.execute(
        "update catalog.revision set progress = $2 where revision_id = $1",
        revision_id,
        {"phase": phase, "rows": rows, "total": total},
    )


async def fail(
    connection: asyncpg.Connection, revision_id: int, error: str, report: dict[str, Any]
) -> None:
    """Close a revision that will never be."""
    await connection.execute(
        """
        update catalog.revision set state = 'failed', error = $2, report = $3, finished_at = now()
        where revision_id = $1
        """,
        revision_id,
        error.replace("\x00", "�")[:2000],
        report,
    )


def column_names(names: Sequence[str]) -> list[str]:
    """Column names that PostgreSQL can hold: at most 63 bytes, distinct; ``n`` is ours."""
    found: list[str] = []
    for name in names:
        short = _cut(name, NAME_BYTES)
        if short == "n" or short in found:
            short = f"{_cut(name, NAME_BYTES - 5)}~{len(found)}"
        found.append(short)
    return found


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore")


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def study_of_path(column: str) -> str:
    """SQL: the Study Instance UID in a path `.../<study>/<series>/<instance>.dcm`."""
    return f"split_part(replace({column}, '\\', '/'), '/', -3)"


async def create_rows_table(
    connection: asyncpg.Connection, name: str, columns: Iterable[str]
) -> None:
    """A table for the rows of a file as they are; ``n`` counts them from 0."""
    cells = "".join(f", {quoted(column)} text" for column in columns)
    await connection.execute(
        f"create table {SCHEMA}.{quoted(name)} "
        f"(n integer generated always as identity (minvalue 0 start 0){cells}) "
        # A row is read whole or not at all: compressing long ones would only cost time.
        "with (toast_tuple_target = 8160)"
    )


async def copy_csv(
    connection: asyncpg.Connection,
    name: str,
    columns: Sequence[str],
    blocks: AsyncIterable[bytes] | io.BytesIO,
    *,
    own: bool,
) -> int:
    """COPY blocks of CSV records; the number of rows.

    Rows of a table that the transaction made itself are frozen: nobody has to look at them again.
    """
    status = await connection.copy_to_table(
        name,
        source=blocks,
        columns=list(columns),
        schema_name=SCHEMA,
        format="csv",
        freeze=own,
        timeout=3600,
    )
    return int(status.split()[-1])


async def finish_rows_table(connection: asyncpg.Connection, name: str) -> None:
    """Rows are looked up by ``n``."""
    await connection.execute(f"alter table {SCHEMA}.{quoted(name)} add primary key (n)")


async def index_studies(connection: asyncpg.Connection, name: str, path: str) -> None:
    """Rows of the metadata are looked up by the study in their ``path`` too."""
    study = study_of_path(quoted(path))
    await connection.execute(f'create index on {SCHEMA}.{quoted(name)} (({study}) collate "C")')


async def known_images(connection: asyncpg.Connection, dataset: str) -> pl.DataFrame:
    """The identities that images of ``dataset`` have had so far."""
    out = io.BytesIO()
    await connection.copy_from_query(
        "select image_id, sop_instance_uid from catalog.image_key where dataset = $1",
        dataset,
        output=out,
        format="csv",
    )
    schema = {"image_id": pl.Int64, "uid": pl.String}
    if out.tell() == 0:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(out.getvalue(), has_header=False, schema=schema)


async def reserve_image_ids(connection: asyncpg.Connection, count: int) -> npt.NDArray[np.int64]:
    """Identities for ``count`` new images, which nobody else writes until the transaction ends."""
    if count == 0:
        return np.zeros(0, np.int64)
    sequence = "pg_get_serial_sequence('catalog.image_key', 'image_id')"
    # Ids of a block must not interleave with another ingest's: both would ask at once.
    await connection.execute("lock table catalog.image_key in share row exclusive mode")
    first = await connection.fetchval(f"select nextval({sequence})")
    ids = np.arange(first, first + count)
    await connection.fetchval(f"select setval({sequence}, $1)", int(ids[-1]))
    return ids


async def copy_frame(
    connection: asyncpg.Connection, table: str, frame: pl.DataFrame, *, own: bool
) -> None:
    """COPY a frame whose columns are named like the table's; ``own`` as of ``copy_csv``."""
    for part in frame.iter_slices(50_000):
        out = io.BytesIO()
        part.write_csv(out, include_header=False)
        out.seek(0)
        await copy_csv(connection, table, frame.columns, out, own=own)


async def create_partition(connection: asyncpg.Connection, parent: str, revision_id: int) -> str:
    """A table to be attached to ``parent``: reading the parent goes on meanwhile."""
    name = f"{parent}_{revision_id}"
    await connection.execute(
        f"create table catalog.{name} (like catalog.{parent} including all, "
        f"check (revision_id = {revision_id}))"
    )
    return name


async def attach_partition(
    connection: asyncpg.Connection, parent: str, revision_id: int, indexes: Iterable[str]
) -> None:
    """Index, analyse and attach a filled partition."""
    name = f"{parent}_{revision_id}"
    for columns in indexes:
        await connection.execute(f"create index on catalog.{name} ({columns})")
    # By keys alone are rows looked up: what a tenth of the usual sample tells is enough.
    await connection.execute("set local default_statistics_target = 10")
    await connection.execute(f"analyze catalog.{name}")
    await connection.execute(
        f"alter table catalog.{parent} attach partition catalog.{name} "
        f"for values in ({revision_id})"
    )


async def save_model(
    connection: asyncpg.Connection, revision_id: int, parts: Sequence[bytes]
) -> None:
    """Keep the read model of a revision."""
    for number, data in enumerate(parts):
        await connection.execute(
            "insert into catalog.read_model (revision_id, part, data) values ($1, $2, $3)",
            revision_id,
            number,
            data,
        )


async def lock_dataset(connection: asyncpg.Connection, dataset: str) -> None:
    """One ingest of a dataset at a time."""
    await connection.execute(
        "select pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS + 1, dataset
    )


async def active_content(
    connection: asyncpg.Connection, dataset: str
) -> tuple[int, str, str, int, str | None] | None:
    """(revision, content hash, image root, files listed there, rules) of the active revision."""
    row = await connection.fetchrow(
        """
        select r.revision_id, r.sha256, r.request ->> 'image_root' as image_root,
            coalesce((r.counts ->> 'files_listed')::bigint, 0) as listed, r.rules
        from catalog.dataset d join catalog.revision r on r.revision_id = d.active_revision_id
        where d.name = $1
        """,
        dataset,
    )
    return tuple(row) if row else None


async def succeed(
    connection: asyncpg.Connection, revision_id: int, outcome: dict[str, Any]
) -> None:
    """Close a revision."""
    await connection.execute(
        """
        update catalog.revision set state = 'succeeded', sha256 = $2, sources = $3, columns = $4,
            counts = $5, report = $6, same_as = $7, rules = $8, finished_at = now(),
            progress = jsonb_build_object(
                'phase', 'done', 'rows', coalesce($5::jsonb -> 'images', to_jsonb(0)),
                'total', $5::jsonb -> 'images')
        where revision_id = $1
        """,
        revision_id,
        outcome["sha256"],
        outcome["sources"],
        outcome["columns"],
        outcome["counts"],
        outcome["report"],
        outcome.get("same_as"),
        outcome["rules"],
    )


async def activate(connection: asyncpg.Connection, revision_id: int) -> None:
    """Make a revision the one that everybody sees, and take what its request says of the dataset.

    One that is the same as another leaves to be seen what is: a newer may have come meanwhile.
    """
    await connection.execute(
        """
        update catalog.dataset d set
            active_revision_id =
                case when r.same_as is null then r.revision_id else d.active_revision_id end,
            title = coalesce(r.request ->> 'title', d.title),
            restricted = coalesce((r.request ->> 'restricted')::boolean, d.restricted),
            licence = coalesce(r.request ->> 'licence', d.licence),
            attribution = coalesce(r.request ->> 'attribution', d.attribution)
        from catalog.revision r where r.revision_id = $1 and d.name = r.dataset
        """,
        revision_id,
    )
