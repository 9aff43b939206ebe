"""SQL of datasets and their revisions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from chassis.database import Database
from chassis.problems import unavailable
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.schemas import RevisionRequest
from catalog.store.documents import from_json, to_json
from catalog.store.loading import LOCK_CLASS


@dataclass(frozen=True)
class Dataset:
    """A dataset and its active revision, if it has one."""

    name: str
    title: str
    restricted: bool
    licence: str | None
    attribution: str | None
    basis: str | None
    basis_by: str | None
    basis_at: datetime | None
    revision_id: int | None
    sha256: str | None
    created_at: datetime | None
    sources: list[dict[str, Any]]
    counts: dict[str, int]
    columns: Mapping[str, Mapping[str, str]]
    image_root: str | None


@dataclass(frozen=True)
class Revision:
    """A revision in whatever state."""

    revision_id: int
    dataset: str
    state: str
    request: dict[str, Any]
    requested_by: str
    sha256: str | None
    sources: list[dict[str, Any]]
    counts: dict[str, int]
    report: dict[str, Any] | None
    progress: dict[str, Any]
    error: str | None
    attempts: int
    same_as: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@contextmanager
def still_there() -> Iterator[None]:
    """Around statements on a revision's own tables: a 503 where they went a moment ago."""
    try:
        yield
    except asyncpg.UndefinedTableError as error:
        raise unavailable("The data are just being removed or replaced") from error


DATASETS = """
select d.name, d.title, d.restricted, d.licence, d.attribution, d.basis,
    d.basis_by, d.basis_at, r.revision_id, r.sha256,
    r.finished_at as created_at, coalesce(r.sources, '[]') as sources,
    coalesce(r.counts, '{}') as counts, coalesce(r.columns, '{}') as columns,
    r.request ->> 'image_root' as image_root
from catalog.dataset d left join catalog.revision r on r.revision_id = d.active_revision_id
where exists (
    select from catalog.revision made where made.dataset = d.name
    and not coalesce((made.request ->> 'dry_run')::boolean, false)
)
order by d.name
"""


async def list_datasets(database: Database) -> list[Dataset]:
    """All datasets by name, but those of which there were trials alone."""
    async with database.transaction() as session:
        rows = (await session.execute(text(DATASETS))).mappings().all()
    parsed = ("sources", "counts", "columns")
    return [Dataset(**{**row, **{k: from_json(row[k]) for k in parsed}}) for row in rows]


async def create_revision(
    database: Database, dataset: str, request: Mapping[str, Any], person_id: str
) -> int:
    """Queue a revision, of a new dataset where there is none of the name."""
    async with database.transaction() as session:
        await session.execute(
            text(
                "insert into catalog.dataset (name, title, restricted, licence, attribution) "
                "values (:name, :title, :restricted, :licence, :attribution) "
                "on conflict (name) do nothing"
            ),
            {
                "name": dataset,
                "title": request.get("title") or dataset,
                "restricted": bool(request.get("restricted")),
                "licence": request.get("licence"),
                "attribution": request.get("attribution"),
            },
        )
        if request.get("basis") and not request.get("dry_run"):
            await _record_basis(session, dataset, request["basis"], person_id)
        found = await session.execute(
            text(
                "insert into catalog.revision (dataset, request, requested_by) "
                "values (:dataset, cast(:request as jsonb), :person) returning revision_id"
            ),
            {"dataset": dataset, "request": to_json(request), "person": person_id},
        )
        return int(found.scalar_one())


async def describe_dataset(
    database: Database, dataset: str, request: RevisionRequest, person_id: str
) -> None:
    """Take what a request says of a dataset whose rows are there already."""
    async with database.transaction() as session:
        await session.execute(
            text(
                "update catalog.dataset set title = coalesce(:title, title), "
                "restricted = coalesce(:restricted, restricted), "
                "licence = coalesce(:licence, licence), "
                "attribution = coalesce(:attribution, attribution) where name = :dataset"
            ),
            {
                "dataset": dataset,
                "title": request.title,
                "restricted": request.restricted,
                "licence": request.licence,
                "attribution": request.attribution,
            },
        )
        if request.basis:
            await _record_basis(session, dataset, request.basis, person_id)


async def _record_basis(session: AsyncSession, dataset: str, basis: str, person_id: str) -> None:
    await session.execute(
        text(
            "update catalog.dataset set basis = :basis, basis_by = :person, basis_at = now() "
            "where name = :dataset and basis is distinct from :basis"
        ),
        {"dataset": dataset, "basis": basis, "person": person_id},
    )


REVISION = """
select revision_id, dataset, state, request, requested_by, sha256, sources, counts, report,
    progress, error, attempts, same_as, created_at, started_at, finished_at
from catalog.revision
"""


async def find_revision(database: Database, dataset: str, revision_id: int) -> Revision | None:
    """One revision of a dataset."""
    async with database.transaction() as session:
        found = await session.execute(
            text(REVISION + "where dataset = :dataset and revision_id = :id"),
            {"dataset": dataset, "id": revision_id},
        )
        row = found.mappings().one_or_none()
    return _revision(row) if row else None


async def list_revisions(database: Database, dataset: str) -> list[Revision]:
    """The revisions of a dataset, newest first."""
    async with database.transaction() as session:
        found = await session.execute(
            text(REVISION + "where dataset = :dataset order by revision_id desc limit 200"),
            {"dataset": dataset},
        )
        return [_revision(row) for row in found.mappings()]


def _revision(row: Mapping[Any, Any]) -> Revision:
    parsed = ("request", "sources", "counts", "report", "progress")
    return Revision(**{**row, **{k: from_json(row[k]) for k in parsed}})


async def find_same_sources(
    database: Database, dataset: str, image_root: str, rules: str, tags: Sequence[tuple[str, int]]
) -> int | None:
    """The active revision where it came by ``rules`` from objects with the same tags and sizes.

    Only where no image's file was missing: what is missing may have come since.
    """
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select r.revision_id, r.sources from catalog.dataset d "
                "join catalog.revision r on r.revision_id = d.active_revision_id "
                "where d.name = :name and r.request ->> 'image_root' = :root "
                "and r.rules = :rules and r.counts -> 'files' = r.counts -> 'images'"
            ),
            {"name": dataset, "root": image_root, "rules": rules},
        )
        row = found.mappings().one_or_none()
    if row is None:
        return None
    known = [(source["etag"], source["bytes"]) for source in from_json(row["sources"])]
    return int(row["revision_id"]) if known == list(tags) else None


async def next_queued(database: Database) -> int | None:
    """The revision that waits longest."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "select revision_id from catalog.revision where state = 'queued' "
                "order by revision_id limit 1"
            )
        )
        return found.scalar_one_or_none()


async def requeue_abandoned(database: Database, attempts: int) -> None:
    """Queue again what a process that is no more was at; give up after ``attempts``."""
    async with database.transaction() as session:
        await session.execute(
            text(
                "with running as materialized "
                "(select revision_id from catalog.revision where state = 'running'), "
                "free as materialized (select revision_id from running "
                "where pg_try_advisory_xact_lock(:class, cast(revision_id as integer))) "
                "update catalog.revision set "
                "state = case when attempts < :attempts then 'queued' else 'failed' end, "
                "error = case when attempts < :attempts then null "
                "else 'the ingest process ended ' || attempts || ' times without a word' end, "
                "finished_at = case when attempts < :attempts then null else now() end "
                "where revision_id in (select revision_id from free)"
            ),
            {"attempts": attempts, "class": LOCK_CLASS},
        )


async def give_up(database: Database, revision_id: int, error: str) -> None:
    """Close a queued revision whose process cannot even start."""
    async with database.transaction() as session:
        await session.execute(
            text(
                "update catalog.revision set state = 'failed', error = :error, finished_at = now() "
                "where revision_id = :id and state = 'queued'"
            ),
            {"id": revision_id, "error": error},
        )


async def load_model(database: Database, revision_id: int) -> bytes:
    """The read model of a revision as it was kept."""
    async with database.transaction() as session:
        found = await session.execute(
            text("select data from catalog.read_model where revision_id = :id order by part"),
            {"id": revision_id},
        )
        return b"".join(found.scalars())
