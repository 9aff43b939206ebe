"""``DELETE /datasets/{name}/jobs``: the trainer's part of a purge."""

from typing import Annotated

from botocore.exceptions import BotoCoreError, ClientError
from chassis.identity import Identity, require_role
from chassis.problems import problem_responses
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from trainer import store
from trainer.context import Context, InContext
from trainer.objects import job_key, storage_problem
from trainer.store import purge

AT_ONCE = 100

router = APIRouter(
    prefix="/api/v1/datasets", tags=["datasets"], responses=problem_responses(403, 422, 503)
)
DatasetName = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="The dataset", examples=["embed"])
]


class PurgedJobs(BaseModel):
    """What the trainer had of a dataset; ``stopping`` jobs still run and are there."""

    dataset: str
    removed: dict[str, int] = Field(examples=[{"jobs": 12}])
    stopping: int = Field(description="Jobs that were told to stop: ask again until there is none")
    workers: list[str] = Field(
        description="Workers of the last day. Each removes its arrays of the dataset's pixels "
        "within seconds, or when it next starts"
    )


@router.delete("/{name}/jobs")
async def purge_jobs(
    name: DatasetName,
    admin: Annotated[Identity, Depends(require_role("admin"))],
    context: InContext,
) -> PurgedJobs:
    """Stop the jobs on a dataset, and delete those that have ended with weights and reports."""
    async with context.database.transaction() as session:
        await purge.note_purge(session, name)
        stopping = await purge.cancel_jobs_of(session, name)
    removed = await _remove(context, name)
    async with context.database.transaction() as session:
        workers = [worker.name for worker in await store.list_workers(session)]
    return PurgedJobs(dataset=name, removed={"jobs": removed}, stopping=stopping, workers=workers)


async def _remove(context: Context, name: str) -> int:
    """Objects first: what is broken off half way is found again by its jobs."""
    removed = 0
    while True:
        async with context.database.transaction() as session:
            job_ids = await purge.list_ended_jobs_of(session, name, AT_ONCE)
        if not job_ids:
            return removed
        try:
            for job_id in job_ids:
                await context.objects.delete_under(job_key(job_id, ""))
        except (BotoCoreError, ClientError) as error:
            raise storage_problem(error) from error
        async with context.database.transaction() as session:
            removed += await purge.forget_ended_jobs(session, job_ids)
