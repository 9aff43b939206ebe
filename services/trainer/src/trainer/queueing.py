"""From a request to rows in the queue: a job, and its children where it is made of jobs."""

import uuid
from dataclasses import dataclass
from typing import Any

from chassis.database import driver
from chassis.identity import Identity
from chassis.problems import FieldError, Problem
from sqlalchemy.ext.asyncio import AsyncSession

from trainer import store
from trainer.catalog import CatalogClient
from trainer.composing import prepare_family
from trainer.context import Context
from trainer.estimates import estimate_job, estimate_together
from trainer.identity import job_identity, owner_of, renewing_token
from trainer.schemas import Estimate, Job, JobPreview, NewJob, Progress
from trainer.submit import Prepared
from trainer.webhooks import Rules, pending


@dataclass(frozen=True)
class Request:
    """What somebody asks for."""

    body: NewJob
    caller: Identity
    context: Context


async def queue_job(request: Request, key: str | None) -> Job:
    """Check and queue; the job of before where ``key`` was used with the same body."""
    job_id = str(uuid.uuid4())
    parent, children = await _prepare(request, job_id)
    async with request.context.database.transaction() as session:
        rows = await _rows(session, request, job_id, parent, children)
        webhook = pending(request.body.webhook) if request.body.webhook else None
        first = rows[0] | {"idempotency_key": key, "webhook": webhook}
        await _check_quota(session, request, len(rows))
        created = await store.insert_job(session, first)
        if created:
            await store.insert_children(session, rows[1:])
        else:
            job_id = await _submitted_before(session, request, key or "", first["spec_sha256"])
        found = await store.find_job(await driver(session), job_id)
    if created:
        request.context.wakeups.send_soon()
    assert found is not None
    return found


async def queue_prediction(request: Request, prepared: Prepared) -> Job:
    """Queue a job that predicts and trains nothing."""
    return await queue_alone(request, prepared, str(uuid.uuid4()))


async def queue_alone(request: Request, prepared: Prepared, job_id: str) -> Job:
    """Queue a job that trains nothing and has no children."""
    async with request.context.database.transaction() as session:
        await _check_quota(session, request, 1)
        row = _row(request, job_id, prepared, estimate_job(prepared.spec))
        await store.insert_job(session, row)
        found = await store.find_job(await driver(session), job_id)
    request.context.wakeups.send_soon()
    assert found is not None
    return found


async def preview_job(request: Request) -> JobPreview:
    """What queueing would queue."""
    parent, children = await _prepare(request, str(uuid.uuid4()))
    async with request.context.database.transaction() as session:
        estimates = [await _estimate(session, one) for one in children or [parent]]
    return JobPreview(
        spec=parent.spec,
        spec_sha256=parent.spec.sha256(),
        warnings=parent.warnings,
        estimate=estimate_together(estimates) if children else estimates[0],
        children=[child.spec for child in children],
    )


async def _prepare(request: Request, job_id: str) -> tuple[Prepared, list[Prepared]]:
    context = request.context
    if request.body.webhook is not None:
        Rules.of(context.settings).check_url(request.body.webhook)
    identity = job_identity(owner_of(request.caller), job_id, None)
    authorize = renewing_token(context.signer, identity, context.settings.token_lifetime_s)
    catalog = CatalogClient(context.http, context.settings.catalog_url, authorize)
    return await prepare_family(
        context.database, request.body, request.caller, catalog, context.settings
    )


async def _estimate(session: AsyncSession, prepared: Prepared) -> Estimate:
    settings = prepared.spec.settings
    pace = await store.measured_pace(session, settings.model, settings.input_size)
    return estimate_job(prepared.spec, pace)


async def _check_quota(session: AsyncSession, request: Request, adding: int) -> None:
    settings = request.context.settings
    most, room = settings.max_queued, settings.artifact_quota
    if room and (kept := await store.count_kept(session, request.caller.person_id)) >= room:
        detail = f"Your jobs keep {kept:,} bytes and {room:,} may be kept: delete some jobs."
        raise Problem(409, "The artifact quota is used up", detail=detail)
    waiting = await store.count_queued(session, request.caller.person_id)
    if waiting + adding > most:
        detail = f"You have {waiting} jobs waiting and {most} may; this would add {adding}."
        raise Problem(429, "Too many jobs are queued", detail=detail)


async def _rows(
    session: AsyncSession,
    request: Request,
    job_id: str,
    parent: Prepared,
    children: list[Prepared],
) -> list[dict[str, Any]]:
    """The job's row, then those of its children."""
    estimates = [await _estimate(session, child) for child in children]
    own = estimate_together(estimates) if children else await _estimate(session, parent)
    first = _row(request, job_id, parent, own)
    rows = [first]
    for place, (child, estimate) in enumerate(zip(children, estimates, strict=True)):
        row = _row(request, str(uuid.uuid4()), child, estimate)
        name = f"{first['name']}: {child.name or place + 1}"[:200]
        rows.append(row | {"name": name, "parent_id": job_id, "place": place})
    return rows


def _row(request: Request, job_id: str, prepared: Prepared, estimate: Estimate) -> dict[str, Any]:
    body, spec, owner = request.body, prepared.spec, owner_of(request.caller)
    trains = not (spec.composition or spec.prediction or spec.scores)
    return {
        "job_id": job_id,
        "name": body.name or f"{spec.experiment} {spec.settings.model}",
        "experiment": spec.experiment,
        "cohort_id": spec.source.cohort_id if spec.source.kind == "cohort" else None,
        "dataset": spec.source.dataset if spec.source.kind == "cohort" else None,
        "restricted": prepared.restricted,
        "owner_id": request.caller.person_id,
        "owner": owner,
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": spec.sha256(),
        "warnings": prepared.warnings,
        "estimate": estimate.model_dump(),
        "progress": Progress(epochs=spec.settings.epochs if trains else 0).model_dump(),
        "priority": body.priority,
        "time_limit_s": body.time_limit_minutes and body.time_limit_minutes * 60,
    }


async def _submitted_before(
    session: AsyncSession, request: Request, key: str, spec_sha256: str
) -> str:
    former = await store.find_submitted(session, request.caller.person_id, key)
    assert former is not None, "the unique constraint says that it is there"
    job_id, former_sha256 = former
    if former_sha256 != spec_sha256:
        error = FieldError(field="Idempotency-Key", message=f"was used for job {job_id}")
        raise Problem(409, "Idempotency key was used for another job", errors=[error])
    return job_id
