"""``POST /cohorts`` and its preview: from a definition to a frozen cohort."""

import asyncio
from typing import Annotated, Any

from chassis.database import Database
from chassis.identity import Caller, Identity, require_role
from chassis.problems import Problem, invalid, problem_responses
from fastapi import APIRouter, Depends, Response

from catalog.cohorts.answers import Cohort, CohortPreview
from catalog.cohorts.combine import Combined, Operand, combine
from catalog.cohorts.definition import CohortRequest
from catalog.cohorts.describe import content_hash
from catalog.cohorts.freeze import Frozen, describe, freeze, member_rows
from catalog.curation import Curation
from catalog.holder import ModelHolder
from catalog.routes.cohorts import permitted_cohort
from catalog.routes.state import Curations, Db, Holder, answer
from catalog.store import cohort_sets, cohorts, records

router = APIRouter(
    prefix="/api/v1/cohorts", tags=["cohorts"], responses=problem_responses(409, 410)
)

Researcher = Annotated[Identity, Depends(require_role("researcher"))]


@router.post("/preview", response_model=CohortPreview)
async def preview_cohort(
    request: CohortRequest, caller: Caller, holder: Holder, database: Db, curation: Curations
) -> Response:
    """A cohort as it would be, without freezing it."""
    if request.combine:
        return answer((await _combine(request, caller, holder, database)).result)
    return answer(describe(await _freeze(request, caller, holder, curation)))


@router.post("", status_code=201, response_model=Cohort)
async def create_cohort(
    request: CohortRequest, caller: Researcher, holder: Holder, database: Db, curation: Curations
) -> Response:
    """Freeze a cohort: definition, revision, members, labels, splits, hash."""
    if request.combine:
        combined = await _combine(request, caller, holder, database)
        cohort = _cohort(request, caller, combined.result, combined.sha256)
        saved = await cohort_sets.save_combined(database, cohort, combined.chosen)
        return _created(cohort, saved)
    frozen = await _freeze(request, caller, holder, curation)
    result = describe(frozen)
    empty = [item["name"] for item in result["classes"] if item["images"] == 0]
    if empty or not result["classes"]:
        raise invalid("label.classes", f"no image is of class {', '.join(empty)}"[:300])
    ids = frozen.model.image_id[frozen.places].tolist()
    given = frozen.definition.get("images", [])
    uids = await records.image_uids(database, frozen.model.revision_id, [*ids, *given])
    ordered = [uids[image_id] for image_id in ids]
    # Another stack has other ids for the same images.
    portable = {"images": sorted(uids[image_id] for image_id in given)} if given else {}
    sha256 = await asyncio.to_thread(
        content_hash,
        frozen.definition | portable,
        frozen.model.sha256,
        frozen.members,
        ordered,
    )
    cohort = _cohort(request, caller, result, sha256)
    saved = await cohorts.save_cohort(database, cohort, member_rows(frozen, ordered))
    return _created(cohort, saved)


def _cohort(
    request: CohortRequest, caller: Identity, result: dict[str, Any], sha256: str
) -> dict[str, Any]:
    plain = {name: result[name] for name in ("definition", "dataset", "revision_id")}
    owned = {"name": request.name, "owner": caller.person_id, "sha256": sha256}
    return {**plain, **owned, "result": result}


def _created(cohort: dict[str, Any], saved: tuple[Any, Any]) -> Response:
    cohort_id, created_at = saved
    plain = {name: cohort[name] for name in ("name", "owner", "sha256")}
    body = {**cohort["result"], **plain, "cohort_id": str(cohort_id), "created_at": created_at}
    return answer(body, status=201)


async def _freeze(
    request: CohortRequest, caller: Identity, holder: ModelHolder, curation: Curation
) -> Frozen:
    served = holder.serve(request.dataset, caller)
    inputs = await curation.gather(served, request)
    return await asyncio.to_thread(freeze, served.model, request, inputs)


async def _combine(
    request: CohortRequest, caller: Identity, holder: ModelHolder, database: Database
) -> Combined:
    assert request.combine
    keys = request.combine.cohorts
    found = [
        await _operand(f"combine.cohorts.{number}", str(key), caller, holder, database)
        for number, key in enumerate(keys)
    ]
    datasets = {cohort["dataset"] for cohort in found}
    if len(datasets) > 1:
        raise invalid("combine.cohorts", f"are of several datasets: {sorted(datasets)}")
    if request.dataset and request.dataset not in datasets:
        raise invalid("dataset", "the cohorts are of another", sorted(datasets))
    frames = [await cohort_sets.members_frame(database, key) for key in keys]
    operands = [Operand(cohort, frame) for cohort, frame in zip(found, frames, strict=True)]
    return await asyncio.to_thread(combine, request, operands)


async def _operand(
    field: str, cohort_id: str, caller: Identity, holder: ModelHolder, database: Database
) -> dict[str, Any]:
    try:
        return await permitted_cohort(cohort_id, caller, holder, database)
    except Problem as problem:
        if problem.status in (404, 410):
            raise invalid(field, problem.detail or problem.title) from problem
        raise
