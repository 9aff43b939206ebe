"""``/datasets`` and their revisions."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from botocore.exceptions import BotoCoreError
from chassis.identity import Caller, Identity, require_role
from chassis.pages import Page
from chassis.problems import Problem, invalid, not_found, unavailable
from fastapi import APIRouter, Depends, Path

from catalog.holder import ModelHolder
from catalog.ingest.faults import SourceFault
from catalog.ingest.folders import find_tables
from catalog.ingest.rules import rules
from catalog.ingest.sources import Found, locate, look, object_store
from catalog.routes.state import Config, Db, Holder, Supervisor
from catalog.schemas import (
    Basis,
    DatasetName,
    DatasetSummary,
    Progress,
    RevisionRequest,
    RevisionState,
    RevisionSummary,
    SourceFile,
)
from catalog.settings import Settings
from catalog.store import revisions
from catalog.store.revisions import Dataset, Revision

router = APIRouter(prefix="/api/v1/datasets", tags=["datasets"])

Admin = Annotated[Identity, Depends(require_role("admin"))]
RevisionId = Annotated[int, Path(ge=1, lt=2**31)]

# Emory's licence asks for an agreement of each person.
RESTRICTED_BY_NAME = frozenset(("embed",))
NO_BASIS = (
    "is needed: a restricted dataset may not be redistributed, so say on what basis this lab keeps "
    "a shared copy of it (a consent, a contract, a decision of the rights holder, with its date)"
)


def _summary(dataset: Dataset) -> DatasetSummary:
    revision = None
    if dataset.revision_id is not None and dataset.sha256 and dataset.created_at:
        revision = RevisionSummary(
            revision_id=dataset.revision_id,
            sha256=dataset.sha256,
            created_at=dataset.created_at,
            sources=[SourceFile.model_validate(source) for source in dataset.sources],
            counts=dataset.counts,
        )
    basis = None
    if dataset.basis and dataset.basis_by and dataset.basis_at:
        basis = Basis(
            text=dataset.basis, recorded_by=dataset.basis_by, recorded_at=dataset.basis_at
        )
    return DatasetSummary(
        name=dataset.name,
        title=dataset.title,
        restricted=dataset.restricted,
        licence=dataset.licence,
        attribution=dataset.attribution,
        basis=basis,
        revision=revision,
    )


@router.get("")
async def list_datasets(caller: Caller, holder: Holder) -> Page[DatasetSummary]:
    """All datasets with the revision that is served; restricted ones are listed too."""
    items = [_summary(dataset) for dataset in holder.datasets()]
    return Page(items=items, total=len(items))


@router.get("/{name}")
async def retrieve_dataset(name: DatasetName, caller: Caller, holder: Holder) -> DatasetSummary:
    """One dataset."""
    return _summary(holder.dataset(name))


@router.post("/{name}/revisions", status_code=202)
async def create_revision(
    name: DatasetName,
    request: RevisionRequest,
    admin: Admin,
    holder: Holder,
    database: Db,
    config: Config,
    supervisor: Supervisor,
) -> RevisionState:
    """Ingest two tables. The same bytes again answer the revision that has them."""
    known = next((dataset for dataset in holder.datasets() if dataset.name == name), None)
    restricted = _will_be_restricted(name, request, known)
    if restricted and not (request.dry_run or request.basis or (known and known.basis)):
        raise invalid("basis", NO_BASIS)
    tables, found = await _look_at_sources(request, config)
    if not request.dry_run:
        same = await revisions.find_same_sources(database, name, request.image_root, rules(), found)
        if same is not None:
            await revisions.describe_dataset(database, name, request, admin.person_id)
            await holder.refresh()
            return await _state(holder, database, name, same)
    document: dict[str, Any] = {**request.model_dump(exclude={"tables"}), **tables}
    if known is None:
        document["restricted"] = restricted
    revision_id = await revisions.create_revision(database, name, document, admin.person_id)
    if request.basis:
        await holder.refresh()
    supervisor.wake()
    return await _state(holder, database, name, revision_id)


def _will_be_restricted(name: str, request: RevisionRequest, known: Dataset | None) -> bool:
    """As the request says, else as it is, else by the dataset's licence."""
    if request.restricted is not None:
        return request.restricted
    return known.restricted if known else name in RESTRICTED_BY_NAME


async def _look_at_sources(
    request: RevisionRequest, settings: Settings
) -> tuple[Mapping[str, str], Sequence[tuple[str, int]]]:
    """Addresses, and tags and sizes of both tables; a 422 that names the one that lacks."""
    found: list[Found] = []
    tables: dict[str, str] = {}
    try:
        locate(request.image_root, settings, "image_root", folder=True)
        async with object_store(settings) as client:
            tables |= await _tables(client, request, settings)
            for field, uri in tables.items():
                found.append(await look(client, locate(uri, settings, field), field))
    except SourceFault as error:
        raise invalid(error.source, error.reason) from error
    except BotoCoreError as error:
        raise unavailable("The object store cannot be reached") from error
    return tables, [(source.etag, source.size) for source in found]


async def _tables(client: Any, request: RevisionRequest, settings: Settings) -> Mapping[str, str]:
    if request.tables is not None:
        folder = locate(request.tables, settings, "tables", folder=True)
        return await find_tables(client, folder, "tables")
    return {"clinical": str(request.clinical), "metadata": str(request.metadata)}


@router.get("/{name}/revisions")
async def list_revisions(name: DatasetName, admin: Admin, database: Db) -> Page[RevisionState]:
    """The ingests of a dataset, newest first."""
    found = [_revision_state(r) for r in await revisions.list_revisions(database, name)]
    return Page(items=found, total=len(found))


@router.get("/{name}/revisions/{revision_id}")
async def retrieve_revision(
    name: DatasetName, revision_id: RevisionId, admin: Admin, holder: Holder, database: Db
) -> RevisionState:
    """How an ingest is getting on, and its report."""
    return await _state(holder, database, name, revision_id)


async def _state(holder: ModelHolder, database: Any, name: str, revision_id: int) -> RevisionState:
    revision = await revisions.find_revision(database, name, revision_id)
    if revision is None:
        raise not_found("revision", revision_id)
    state = _revision_state(revision)
    served = revision.same_as or revision.revision_id
    ended = state.state == "succeeded" and not state.dry_run
    # What is the same as before may still be described anew.
    if ended and (revision.same_as or not holder.is_serving(name, served)):
        # Whoever sees "succeeded" may ask at once and must be answered from this revision.
        await holder.refresh()
        if not holder.is_serving(name, served):
            raise Problem(503, "Not serving yet", headers={"Retry-After": "1"})
    return state


def _revision_state(revision: Revision) -> RevisionState:
    return RevisionState(
        revision_id=revision.revision_id,
        dataset=revision.dataset,
        state=revision.state,  # type: ignore[arg-type]  # the table's check says so
        progress=Progress.model_validate(revision.progress),
        dry_run=bool(revision.request.get("dry_run")),
        sha256=revision.sha256,
        counts=revision.counts,
        report=revision.report,
        error=revision.error,
        same_as=revision.same_as,
        created_at=revision.created_at,
        started_at=revision.started_at,
        finished_at=revision.finished_at,
    )
