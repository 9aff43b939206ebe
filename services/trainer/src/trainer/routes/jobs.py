"""Submit, list, follow, stop and repeat jobs."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from botocore.exceptions import BotoCoreError, ClientError
from chassis.database import driver
from chassis.identity import Caller, Identity, require_role
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import Problem, invalid, not_found, problem_responses
from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from trainer import comparison, queueing, significance, store
from trainer.comparison import Comparison
from trainer.context import Context, InContext
from trainer.objects import job_key, storage_problem
from trainer.schemas import (
    FINISHED,
    Job,
    JobChange,
    JobPreview,
    NewJob,
    State,
    Storage,
)

router = APIRouter(prefix="/api/v1/jobs", tags=["training"])

Researcher = Annotated[Identity, Depends(require_role("researcher"))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Sent again with the same body, it answers with the job it made",
    ),
]
SNAPSHOT = 200


@router.post("", status_code=201, responses=problem_responses(409, 429))
async def create_job(
    body: NewJob, caller: Researcher, context: InContext, key: IdempotencyKey = None
) -> Job:
    """Check a job and queue it, with its children where it is made of jobs.

    What cannot run is refused here, with the reason.
    """
    return await queueing.queue_job(queueing.Request(body, caller, context), key)


@router.post("/preview", responses=problem_responses(409))
async def preview_job(body: NewJob, caller: Researcher, context: InContext) -> JobPreview:
    """Check a job without queueing it: what it would train, and bytes, disk and minutes."""
    return await queueing.preview_job(queueing.Request(body, caller, context))


@router.get("")
async def list_jobs(
    caller: Caller,
    context: InContext,
    limit: Limit = 50,
    cursor: Cursor = None,
    owner: Annotated[str | None, Query(description="A person's id, or `me`")] = None,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 - FastAPI copies it
    experiment: str | None = None,
    cohort_id: str | None = None,
    model: str | None = None,
    q: Annotated[str | None, Query(max_length=200, description="Words in the name")] = None,
    archived: Annotated[bool, Query(description="Those that were put away instead")] = False,
    parent: Annotated[
        str | None, Query(description="Whose children; `none`: jobs that are nobody's child")
    ] = None,
) -> Page[Job]:
    """Jobs, newest first."""
    owner_id = caller.person_id if owner == "me" else owner
    query = [owner_id, sorted(state), experiment, cohort_id, model, q, archived, parent]
    after = page_position(decode_cursor(cursor, query, 2))
    where = store.job_filter(
        owner_id,
        state,
        experiment,
        cohort_id,
        model=model,
        words=q,
        archived=archived,
        parent=parent,
    )
    async with context.database.reading() as connection:
        items, total = await store.list_jobs(connection, where=where, after=after, limit=limit + 1)
    last = items[limit - 1] if len(items) > limit else None
    following = encode_cursor([last.created_at.isoformat(), last.job_id], query) if last else None
    return Page(items=items[:limit], total=total, next=following)


def page_position(decoded: list[Any] | None) -> tuple[datetime, str] | None:
    if decoded is None:
        return None
    try:
        return datetime.fromisoformat(str(decoded[0])), str(decoded[1])
    except ValueError as error:
        raise invalid("cursor", "not a cursor of this list") from error


@router.get("/events", response_class=EventSourceResponse)
async def watch_jobs(
    caller: Caller,
    context: InContext,
    owner: Annotated[str | None, Query(description="A person's id, or `me`")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Server-Sent Events `job` with a Job as data: what is unfinished, then each change."""
    owner_id = caller.person_id if owner == "me" else owner
    async with context.events.watch() as watcher:
        for found in await _unfinished(context, owner_id):
            yield _event(found)
        while True:
            changed = await watcher.get()
            if changed is None:
                for found in await _unfinished(context, owner_id):
                    yield _event(found)
            elif owner_id in (None, changed.owner.person_id):
                yield _event(changed)


async def _unfinished(context: Context, owner_id: str | None) -> list[Job]:
    where = store.job_filter(owner_id, ("queued", "running"), None, None)
    async with context.database.reading() as connection:
        return (await store.list_jobs(connection, where=where, limit=SNAPSHOT))[0]


def _event(found: Job) -> ServerSentEvent:
    return ServerSentEvent(event="job", raw_data=found.model_dump_json(), retry=2000)


@router.get("/compare", responses=problem_responses(404))
async def compare_jobs(
    caller: Caller,
    context: InContext,
    ids: Annotated[list[str], Query(min_length=2, max_length=20, description="Two to twenty")],
) -> Comparison:
    """Jobs side by side: settings that differ, metrics, and the best on validation.

    Each is tested against the first where both used the same test images.
    """
    async with context.database.reading() as connection:
        found = await store.find_jobs(connection, ids)
    missing = [job_id for job_id in ids if job_id not in {job.job_id for job in found}]
    if missing:
        raise not_found("job", missing[0])
    tests, refused = await significance.compare_significance(context, found)
    side_by_side = comparison.compare_jobs(found)
    return side_by_side.model_copy(update={"tests": tests, "refused": refused})


@router.get("/storage")
async def retrieve_storage(caller: Caller, context: InContext) -> Storage:
    """How much the caller's jobs keep, and how much they may."""
    settings = context.settings
    async with context.database.transaction() as session:
        kept = await store.count_kept(session, caller.person_id)
    return Storage(
        bytes=kept,
        quota=settings.artifact_quota or None,
        retention_days=settings.retention_days or None,
    )


@router.get("/{job_id}")
async def retrieve_job(job_id: str, caller: Caller, context: InContext) -> Job:
    """One job as it stands."""
    return await _find(context, job_id)


async def _find(context: Context, job_id: str) -> Job:
    async with context.database.reading() as connection:
        found = await store.find_job(connection, job_id)
    if found is None:
        raise not_found("job", job_id)
    return found


async def _check_owner(context: Context, job_id: str, caller: Identity) -> None:
    async with context.database.transaction() as session:
        access = await store.find_access(session, job_id)
    if access is None:
        raise not_found("job", job_id)
    if access.owner_id != caller.person_id and not caller.has_role("admin"):
        raise Problem(
            403, "Not permitted", detail="Only its owner or an admin may do this to a job."
        )


@router.patch("/{job_id}")
async def change_job(job_id: str, body: JobChange, caller: Researcher, context: InContext) -> Job:
    """Rename a job, put it away, keep its files, or move it among its owner's waiting jobs."""
    await _check_owner(context, job_id, caller)
    values = body.model_dump(exclude_none=True)
    if values:
        async with context.database.transaction() as session:
            await store.change_job(session, job_id, values)
    return await _find(context, job_id)


@router.delete("/{job_id}", status_code=204, responses=problem_responses(409))
async def delete_job(job_id: str, caller: Researcher, context: InContext) -> None:
    """Delete a job that has ended, with its files and its children."""
    await _check_owner(context, job_id, caller)
    async with context.database.transaction() as session:
        connection = await driver(session)
        children = await store.find_jobs(connection, await store.list_children(session, job_id))
        found = await store.find_job(connection, job_id)
    for one in [*children, *([found] if found else [])]:
        if one.state not in FINISHED:
            detail = f"{one.name} is {one.state}; cancel it first."
            raise Problem(409, "The job has not ended", detail=detail)
    if found is not None and found.parent_id is not None:
        detail = f"It is a part of job {found.parent_id}: delete that."
        raise Problem(409, "The job is a child", detail=detail)
    try:
        for one_id in (job_id, *(child.job_id for child in children)):
            await context.objects.delete_under(job_key(one_id, ""))
    except (BotoCoreError, ClientError) as error:
        raise storage_problem(error) from error
    async with context.database.transaction() as session:
        await store.delete_job(session, job_id)


@router.post("/{job_id}/cancel", responses=problem_responses(409))
async def cancel_job(job_id: str, caller: Researcher, context: InContext) -> Job:
    """Stop a job and its children: at once what waits, within one batch what runs."""
    await _check_owner(context, job_id, caller)
    async with context.database.transaction() as session:
        stopped = await store.cancel_job(session, job_id)
    found = await _find(context, job_id)
    if not stopped and found.state != "cancelled":
        raise Problem(
            409, "The job has ended", detail=f"It is {found.state}; nothing is left to stop."
        )
    return found


@router.post("/{job_id}/retry", responses=problem_responses(409))
async def retry_job(job_id: str, caller: Researcher, context: InContext) -> Job:
    """Queue a failed or cancelled job again; it goes on from its last checkpoint.

    So do its children that failed or were cancelled.
    """
    await _check_owner(context, job_id, caller)
    async with context.database.transaction() as session:
        queued = await store.retry_job(session, job_id)
    found = await _find(context, job_id)
    if not queued:
        raise Problem(
            409,
            "The job cannot be retried",
            detail=f"It is {found.state}, not failed or cancelled.",
        )
    context.wakeups.send_soon()
    return found
