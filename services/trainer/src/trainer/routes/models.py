"""Trained models: what they are, where they come from, what they say of images."""

from typing import Annotated, Any

from chassis.identity import Caller, Identity, require_agreement
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import Problem, not_found, problem_responses
from fastapi import APIRouter, Depends, Query

from trainer import queueing, store
from trainer.catalog import CatalogClient, UpstreamError
from trainer.context import Context, InContext
from trainer.identity import job_identity, owner_of, renewing_token
from trainer.model_schemas import ImagesToPredict, Model, Predictions
from trainer.routes.jobs import Researcher, page_position
from trainer.schemas import Job, NewJob
from trainer.spec import CohortSource, JobSpec, PredictionSpec
from trainer.submit import Prepared, upstream_problem

router = APIRouter(prefix="/api/v1", tags=["training"])


@router.get("/models")
async def list_models(
    caller: Caller,
    context: InContext,
    limit: Limit = 50,
    cursor: Cursor = None,
    owner: Annotated[str | None, Query(description="A person's id, or `me`")] = None,
    experiment: str | None = None,
    cohort_id: str | None = None,
    model: Annotated[str | None, Query(description="Architecture")] = None,
) -> Page[Model]:
    """Weights that jobs left, with their lineage, newest first."""
    owner_id = caller.person_id if owner == "me" else owner
    query = [owner_id, experiment, cohort_id, model]
    after = page_position(decode_cursor(cursor, query, 2))
    where = store.job_filter(owner_id, (), experiment, cohort_id, model=model)
    async with context.database.transaction() as session:
        rows, total = await store.list_models(session, where=where, after=after, limit=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor([last.created_at.isoformat(), last.job_id], query) if last else None
    return Page(items=[store.as_model(row) for row in rows[:limit]], total=total, next=following)


@router.get("/models/{model_id}")
async def retrieve_model(model_id: str, caller: Caller, context: InContext) -> Model:
    """One model; its id is that of its job."""
    async with context.database.transaction() as session:
        row = await store.find_model(session, model_id)
    if row is None:
        raise not_found("model", model_id)
    return store.as_model(row)


async def _usable(job_id: str, caller: Caller, context: InContext) -> Any:
    """The row of a model that the caller may use on images."""
    async with context.database.transaction() as session:
        row = await store.find_model(session, job_id)
    if row is None:
        raise not_found("model", job_id)
    require_agreement(caller, row.dataset or "", restricted=row.restricted)
    if row.spec["source"]["kind"] != "cohort":
        detail = "It was trained on an array: how pictures became that is not known here."
        raise Problem(409, "The model takes no images of the catalog", detail=detail)
    return row


Usable = Annotated[Any, Depends(_usable)]


@router.post("/jobs/{job_id}/predict", responses=problem_responses(409))
async def predict_images(
    body: ImagesToPredict, caller: Caller, found: Usable, context: InContext
) -> Predictions:
    """What the model of a job says of up to 256 images, prepared as those it was trained on."""
    answer = await ask_model(found, list(dict.fromkeys(body.image_ids)), caller, context)
    about = found.model
    return Predictions(
        model_id=found.job_id, preprocessing_sha256=about["preprocessing_sha256"], **answer
    )


async def ask_model(
    found: Any, image_ids: list[int], caller: Identity, context: Context, **more: str
) -> dict[str, Any]:
    """What a predictor answers of images; a problem where the model needs more than them."""
    about = found.model
    if about["takes"]:
        detail = f"It is told {', '.join(about['takes'])} beside the picture: predict a cohort."
        raise Problem(409, "The model takes more than images", detail=detail)
    await _require_worker(context)
    request = {
        "model": {
            "key": about["key"],
            "sha256": about["weights_sha256"],
            "preprocessing_sha256": about["preprocessing_sha256"],
            "settings": found.spec["settings"],
            "classes": found.spec["source"]["classes"],
        },
        "image_ids": image_ids,
        "token": _token(caller, context, found.job_id),
        **more,
    }
    return await context.predictors.ask(request)


async def _require_worker(context: Context) -> None:
    async with context.database.transaction() as session:
        workers = await store.list_workers(session)
    if all(worker.state == "lost" for worker in workers):
        detail = "No worker is running; one has to be, to predict."
        raise Problem(503, "Nobody predicts", detail=detail, headers={"Retry-After": "10"})


def _token(caller: Identity, context: Context, job_id: str) -> str:
    """The caller's own identity for as long as a prediction takes: what they may not see, it may
    not."""
    identity = job_identity(owner_of(caller), job_id, None)
    return context.signer.sign(identity, context.settings.token_lifetime_s)


@router.post(
    "/jobs/{job_id}/predict/{cohort_id}", status_code=201, responses=problem_responses(409, 429)
)
async def predict_cohort(
    cohort_id: str, caller: Researcher, found: Usable, context: InContext
) -> Job:
    """Queue a job that predicts every image of a frozen cohort; its file is `predictions.csv`."""
    identity = job_identity(owner_of(caller), found.job_id, None)
    authorize = renewing_token(context.signer, identity, context.settings.token_lifetime_s)
    catalog = CatalogClient(context.http, context.settings.catalog_url, authorize)
    try:
        cohort = await catalog.find_cohort(cohort_id)
        dataset = await catalog.find_dataset(cohort.dataset)
    except UpstreamError as error:
        raise upstream_problem(error, cohort_id) from error
    trained = JobSpec.model_validate(found.spec)
    source = CohortSource(
        cohort_id=cohort.cohort_id,
        sha256=cohort.sha256,
        dataset=cohort.dataset,
        revision_id=cohort.revision_id,
        images=sum(c.images for c in cohort.classes),
        classes=tuple(c.name for c in cohort.classes),
    )
    used = PredictionSpec(
        model_id=found.job_id,
        key=found.model["key"],
        weights_sha256=found.model["weights_sha256"],
        preprocessing_sha256=found.model["preprocessing_sha256"],
        classes=trained.source.classes,
    )
    spec = trained.model_copy(update={"source": source, "prediction": used, "fold": None})
    restricted = bool(dataset.restricted or found.restricted)
    body = NewJob(
        experiment=trained.experiment,
        cohort_id=cohort_id,
        name=f"{found.name} on {cohort.name}"[:200],
    )
    request = queueing.Request(body, caller, context)
    return await queueing.queue_prediction(request, Prepared(spec, restricted, []))
