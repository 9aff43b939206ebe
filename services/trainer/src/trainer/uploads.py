"""From uploaded scores to a job that evaluates them."""

import asyncio
import hashlib
import uuid
from dataclasses import dataclass

from chassis.identity import Identity
from chassis.problems import FieldError, Problem, invalid

from trainer.catalog import CatalogClient, Cohort, UpstreamError
from trainer.cohorts import read_members
from trainer.context import Context
from trainer.identity import job_identity, owner_of, renewing_token
from trainer.objects import job_key
from trainer.queueing import Request, queue_alone
from trainer.samples import SPLITS, SamplesError
from trainer.schemas import Job, NewJob
from trainer.scoring import ScoresError, join_scores, parse_scores, worst_last
from trainer.spec import CohortSource, JobSpec, ScoresSpec, TrainingSettings
from trainer.submit import CHECKED_MEMBERS, Prepared, upstream_problem

EXPERIMENT = "uploaded-scores"
SETTINGS = TrainingSettings(
    model="uploaded scores",
    weights="none",
    input_size=32,
    epochs=1,
    batch_size=1,
    learning_rate=1.0,
)
"""Nothing is trained: what a job's specification must have and nobody reads."""


@dataclass(frozen=True)
class Upload:
    """What somebody sends."""

    text: str
    cohort_id: str
    name: str | None
    split: str


async def queue_scores(upload: Upload, caller: Identity, context: Context) -> Job:
    """Check the scores against the cohort, keep them, and queue their evaluation.

    Raises Problem: 404 and 403 for the cohort, 422 naming line and column, 503.
    """
    job_id = str(uuid.uuid4())
    identity = job_identity(owner_of(caller), job_id, None)
    authorize = renewing_token(context.signer, identity, context.settings.token_lifetime_s)
    catalog = CatalogClient(context.http, context.settings.catalog_url, authorize)
    body = upload.text.encode()
    try:
        cohort = await catalog.find_cohort(upload.cohort_id)
        source = _source(cohort)
        dataset = await catalog.find_dataset(cohort.dataset)
        await _check(upload, source, catalog)
    except UpstreamError as error:
        raise upstream_problem(error, upload.cohort_id) from error
    except ScoresError as error:
        raise _refusal(error) from error
    except SamplesError as error:
        raise invalid("cohort_id", str(error)) from error
    key = job_key(job_id, "scores.csv")
    by_patient = (cohort.definition.get("split") or {}).get("by", "patient") == "patient"
    spec = JobSpec(
        experiment=EXPERIMENT,
        experiment_version=1,
        protocol="patient" if by_patient else "published",
        profile="uploaded",
        settings=SETTINGS,
        source=source,
        scores=ScoresSpec(key=key, sha256=hashlib.sha256(body).hexdigest(), split=upload.split),
    )
    request = NewJob(experiment=EXPERIMENT, cohort_id=upload.cohort_id, name=upload.name)
    warnings = [*cohort.warnings, "Scores were uploaded: nothing here saw how they came to be."]
    await context.objects.put(key, body, "text/csv")
    prepared = Prepared(spec, dataset.restricted, warnings)
    try:
        return await queue_alone(Request(request, caller, context), prepared, job_id)
    except Exception:
        await context.objects.delete([key])
        raise


def _source(cohort: Cohort) -> CohortSource:
    """The cohort with its classes from best to worst."""
    field = (cohort.definition.get("label") or {}).get("field")
    return CohortSource(
        cohort_id=cohort.cohort_id,
        sha256=cohort.sha256,
        dataset=cohort.dataset,
        revision_id=cohort.revision_id,
        images=sum(found.images for found in cohort.classes),
        classes=worst_last(field, [found.name for found in cohort.classes]),
    )


async def _check(upload: Upload, source: CohortSource, catalog: CatalogClient) -> None:
    """Every row; of a large cohort the worker finds out which ids are not of the split."""
    if upload.split not in SPLITS:
        raise invalid("split", f"unknown split {upload.split!r}", list(SPLITS))
    scores = await asyncio.to_thread(parse_scores, upload.text, source.classes)
    if source.images <= CHECKED_MEMBERS:
        table = await read_members(catalog, source)
        await asyncio.to_thread(join_scores, scores, table, upload.split)


def _refusal(error: ScoresError) -> Problem:
    field = f"line {error.line}" + (f", {error.column}" if error.column else "")
    found = FieldError(field=field, message=error.message)
    return Problem(422, "The scores cannot be used", detail=str(error), errors=[found])
