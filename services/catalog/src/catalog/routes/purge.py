"""``DELETE /datasets/{name}``: the catalog's part of a purge."""

from datetime import datetime
from typing import Annotated

from chassis.identity import Identity, require_role
from chassis.problems import Problem, problem_responses
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from catalog.routes.state import Curations, Db, Holder
from catalog.schemas import DatasetName
from catalog.store import purge

router = APIRouter(prefix="/api/v1/datasets", tags=["datasets"])


class Backup(BaseModel):
    """A backup that was written while the dataset was there."""

    place: str
    written_at: datetime


class PurgedDataset(BaseModel):
    """What the catalog had of a dataset."""

    dataset: str
    removed: dict[str, int] = Field(examples=[{"images": 480323, "cohorts": 4}])
    backups: list[Backup] = Field(description="Backups that still hold it")


@router.delete("/{name}", responses=problem_responses(409))
async def purge_dataset(
    name: DatasetName,
    admin: Annotated[Identity, Depends(require_role("admin"))],
    holder: Holder,
    curation: Curations,
    database: Db,
) -> PurgedDataset:
    """Forget a dataset: tables, revisions, cohorts, flags and saved queries, all or nothing.

    Asked again it finds nothing left, and tells of the backups as before.
    """
    try:
        async with database.transaction() as session:
            removed = await purge.purge_dataset(session, name)
            backups = await purge.list_backups(session, name)
    except purge.IngestAtWorkError as error:
        detail = f"An ingest of {name} is under way; nothing was removed. Ask again at its end."
        raise Problem(409, "Ingest under way", detail=detail) from error
    await holder.refresh()
    curation.forget()
    return PurgedDataset(
        dataset=name, removed=removed, backups=[Backup.model_validate(one) for one in backups]
    )
