"""What a job is made of, checked before anything is queued: every child as if it came alone."""

import asyncio
from collections.abc import Iterator
from typing import Any

from chassis.database import Database, driver
from chassis.identity import Identity, require_agreement
from chassis.problems import FieldError, Problem, invalid
from sqlalchemy.ext.asyncio import AsyncSession

from trainer import store
from trainer.catalog import CatalogClient
from trainer.composition import Composition, Ensemble, Folds, Sweep
from trainer.experiments import find_experiment
from trainer.folds import apply_fold
from trainer.samples import SamplesError, check_samples
from trainer.schemas import Job, NewJob
from trainer.settings import TrainerSettings
from trainer.spec import JobSpec
from trainer.submit import Found, Prepared, Sources, prepare

TRAINED = ["jobs that trained and succeeded"]
# What cannot be done by the published protocol, and why.
UNPUBLISHED = {
    "folds": "folds deal out patients, which the published protocol does not tell apart",
    "sweep": "a sweep is decided by validation, which the published protocol does not have",
}


async def prepare_family(
    database: Database,
    request: NewJob,
    caller: Identity,
    catalog: CatalogClient,
    service: TrainerSettings,
) -> tuple[Prepared, list[Prepared]]:
    """The job and its children; none where it is one job. Raises Problem as `prepare` does."""
    sources = Sources(catalog, service)
    composition = _composition(request)
    if composition is None:
        return await prepare(request, sources), []
    members: list[Job] = []
    if isinstance(composition, Ensemble) and composition.jobs:
        async with database.transaction() as session:
            members = await _members(session, composition, caller)
        _check_test_sets(members)
        request = request.model_copy(update=_data_of(request, members[0]))
    if request.protocol == "published" and (refused := UNPUBLISHED.get(composition.kind)):
        raise invalid("composition", refused, ["null"])
    parent = await prepare(request, sources, composition)
    if members and parent.spec.source != members[0].spec.source:
        message = f"{members[0].name} was tested on other data than the ensemble is asked for"
        raise invalid("composition.jobs.0", message, ["jobs on its cohort or array"])
    if isinstance(composition, Folds):
        found, _ = await sources.find(request, find_experiment(request.experiment))
        await asyncio.to_thread(_check_folds, composition, found)
    children = [
        await _prepare_child(child, changes, parent, sources)
        for child, changes in _requests(request, composition)
    ]
    return parent, children


def _check_folds(folds: Folds, found: Found) -> None:
    """Refuse folds that would lack a class, as their training would."""
    few = [name for name, patients in found.patients.items() if patients < folds.count]
    if few:
        message = f"class {few[0]} has {found.patients[few[0]]} patients"
        raise invalid("composition.count", message, [f"at most {found.patients[few[0]]}"])
    if found.dealt is None:
        return
    try:
        for fold in folds.folds():
            check_samples(apply_fold(found.dealt, fold))
    except SamplesError as error:
        raise invalid("composition.count", str(error), ["fewer folds"]) from error


def _composition(request: NewJob) -> Composition | None:
    if "composition" in request.model_fields_set:
        return request.composition
    return find_experiment(request.experiment).composition


def _requests(request: NewJob, composition: Composition) -> Iterator[tuple[NewJob, dict[str, Any]]]:
    """(what a child would be submitted as, what else is said of it)."""
    if isinstance(composition, Sweep):
        for overrides in composition.overrides():
            named = ", ".join(f"{name} {value}" for name, value in overrides.items())
            changed = {"overrides": request.overrides | overrides}
            yield request.model_copy(update=changed), {"name": named}
    elif isinstance(composition, Folds):
        for fold in composition.folds():
            yield request, {"name": f"fold {fold.index + 1} of {fold.count}", "fold": fold}
    else:
        for member in composition.members:
            chosen: dict[str, Any] = {
                "experiment": member.experiment,
                "profile": member.profile or request.profile,
                "overrides": member.overrides | request.overrides,
            }
            yield request.model_copy(update=chosen), {"name": member.experiment}


async def _prepare_child(
    request: NewJob, changes: dict[str, Any], parent: Prepared, sources: Sources
) -> Prepared:
    try:
        child = await prepare(request, sources)
    except Problem as problem:
        problem.detail = f"{changes['name']}: {problem.detail}"
        raise
    if child.spec.source != parent.spec.source:
        message = f"{changes['name']} has other classes than {parent.spec.experiment}"
        raise invalid("composition.members", message)
    spec = child.spec.model_copy(update={"fold": changes.get("fold")})
    return Prepared(spec, child.restricted, child.warnings, changes["name"])


async def _members(session: AsyncSession, ensemble: Ensemble, caller: Identity) -> list[Job]:
    """The jobs of an ensemble; a problem where one is unknown, has not succeeded, or may not be
    seen."""
    jobs = await store.find_jobs(await driver(session), ensemble.jobs)
    found = {job.job_id: job for job in jobs}
    for place, job_id in enumerate(ensemble.jobs):
        field, member = f"composition.jobs.{place}", found.get(job_id)
        if member is None:
            raise invalid(field, f"there is no job {job_id}")
        access = await store.find_access(session, job_id)
        assert access is not None
        require_agreement(caller, access.dataset or "", restricted=access.restricted)
        if member.state != "succeeded" or member.children is not None:
            kind = "has children" if member.children else f"is {member.state}"
            raise invalid(field, f"{member.name} {kind}", TRAINED)
        if member.spec.scores or member.spec.prediction:
            raise invalid(field, f"{member.name} trained nothing", TRAINED)
        if member.expired_at is not None:
            raise invalid(field, f"the predictions of {member.name} are kept no longer")
    return [found[job_id] for job_id in ensemble.jobs]


def _data_of(request: NewJob, member: Job) -> dict[str, Any]:
    """What a request for an ensemble of jobs need not say: the data they were trained on."""
    if request.cohort_id or request.array:
        return {}
    source = member.spec.source
    if source.kind == "cohort":
        return {"cohort_id": source.cohort_id, "protocol": member.spec.protocol}
    return {"array": source.name}


def _check_test_sets(members: list[Job]) -> None:
    """Refuse what was tested on other images or other labels than the first."""
    for place, member in enumerate(members):
        if _tested_on(member.spec) != _tested_on(members[0].spec):
            message = f"{member.name} was tested on other images than {members[0].name}"
            accepted = ["jobs on one test set"]
            error = FieldError(
                field=f"composition.jobs.{place}", message=message, accepted=accepted
            )
            raise Problem(409, "Test sets differ", detail=message, errors=[error])


def _tested_on(spec: JobSpec) -> tuple[Any, ...]:
    """What decides the test split; the folds of a `k-holdout` share theirs."""
    fold = spec.fold if spec.fold and spec.fold.method == "k-fold" else None
    return spec.source, fold, spec.protocol, spec.settings.permute_labels
