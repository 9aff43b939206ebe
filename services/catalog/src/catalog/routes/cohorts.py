"""``/cohorts``: what is frozen already."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import numpy as np
from chassis.database import Database
from chassis.identity import Caller, Identity, require_role
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import Problem, invalid, not_found, problem_responses
from fastapi import APIRouter, Depends, Path, Query, Response

from catalog.cohorts import compare
from catalog.cohorts.answers import AttritionStep, Cohort, CohortComparison, Member, Splits
from catalog.cohorts.definition import SPLITS, CohortRequest
from catalog.cohorts.freeze import freeze
from catalog.cohorts.splits import splits_of_folds
from catalog.curation import Curation
from catalog.holder import ModelHolder
from catalog.routes.state import Curations, Db, Holder, answer
from catalog.store import cohort_sets, cohorts

router = APIRouter(
    prefix="/api/v1/cohorts", tags=["cohorts"], responses=problem_responses(409, 410)
)

Researcher = Annotated[Identity, Depends(require_role("researcher"))]
CohortQuery = Annotated[str, Query(max_length=64, description="A cohort's id")]
FoldQuery = Annotated[
    int | None, Query(ge=0, le=19, description="Fold to be tested, instead of the cohort's own")
]
PatientPath = Annotated[str, Path(pattern=r"^[^\x00]{1,64}$", description="A patient's id")]


@router.get("", response_model=Page[Cohort])
async def list_cohorts(
    caller: Caller, holder: Holder, database: Db, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """Frozen cohorts, newest first."""
    names = holder.permitted(caller)
    query = ["cohorts", names]
    position = _cohort_position(decode_cursor(cursor, query, 2))
    found, total = await cohorts.list_cohorts(database, names, position, limit + 1)
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = encode_cursor([last["created_at"].isoformat(), last["cohort_id"]], query)
    return answer({"items": found[:limit], "total": total, "next": following})


def _cohort_position(position: list[Any] | None) -> tuple[datetime, uuid.UUID] | None:
    if position is None:
        return None
    try:
        return datetime.fromisoformat(position[0]), uuid.UUID(position[1])
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid("cursor", "not a cursor of this list") from error


async def permitted_cohort(
    cohort_id: str, caller: Identity, holder: ModelHolder, database: Database
) -> dict[str, Any]:
    """A cohort that ``caller`` may see; a 403, 404 or 410 problem otherwise."""
    try:
        key = uuid.UUID(cohort_id)
    except ValueError as error:
        raise not_found("cohort", cohort_id[:64]) from error
    if caller.cohort_id is not None and caller.cohort_id != str(key):
        raise Problem(403, "Not permitted", detail="This job was given another cohort.")
    found = await cohorts.find_cohort(database, key)
    if found is None:
        raise not_found("cohort", key)
    holder.require_access(found["dataset"], caller)
    if "deleted_at" in found:
        deleted = f"Cohort {key} (sha256 {found['sha256']}) was deleted on "
        raise Problem(410, "Cohort deleted", detail=f"{deleted}{found['deleted_at']:%Y-%m-%d}.")
    return found


@router.get("/compare", response_model=CohortComparison)
async def compare_cohorts(
    a: CohortQuery,
    b: CohortQuery,
    caller: Caller,
    holder: Holder,
    database: Db,
    curation: Curations,
) -> Response:
    """What differs between two cohorts of one dataset, and which steps made the difference."""
    pair = [await permitted_cohort(key, caller, holder, database) for key in (a, b)]
    if pair[0]["dataset"] != pair[1]["dataset"]:
        raise invalid("b", f"is of dataset {pair[1]['dataset']}, a of {pair[0]['dataset']}")
    keys = [uuid.UUID(cohort["cohort_id"]) for cohort in pair]
    together = await cohort_sets.compare_members(database, *keys)
    alone = []
    for of, other in ((0, 1), (1, 0)):
        ids, patients = await cohort_sets.members_alone(database, keys[of], keys[other])
        why = await _reasons(pair[other], ids, caller, holder, curation)
        alone.append({"images": len(ids), "patients": patients, "reasons": why})
    plain = ("cohort_id", "name", "sha256", "revision_id", "counts")
    described = [{name: cohort[name] for name in plain} for cohort in pair]
    body = {
        "a": described[0],
        "b": described[1],
        "same": pair[0]["sha256"] == pair[1]["sha256"],
        "same_revision": pair[0]["revision_id"] == pair[1]["revision_id"],
        "definition": compare.compare_definitions(*(cohort["definition"] for cohort in pair)),
        "in_both": sum(row["images"] for row in together),
        "only_a": alone[0],
        "only_b": alone[1],
        "labels": compare.moved(together, "label"),
        "splits": compare.moved(together, "split"),
    }
    return answer(body)


async def _reasons(
    cohort: Mapping[str, Any],
    image_ids: list[int],
    caller: Identity,
    holder: ModelHolder,
    curation: Curation,
) -> list[dict[str, Any]] | None:
    """Why ``cohort`` has not these images: its definition is followed once more."""
    if not image_ids:
        return []
    served = holder.serve(cohort["dataset"], caller)
    if served.model.revision_id != cohort["revision_id"] or "combine" in cohort["definition"]:
        return None
    request = CohortRequest.model_validate(cohort["definition"])
    inputs = await curation.gather(served, request)
    frozen = await asyncio.to_thread(freeze, served.model, request, inputs)
    return compare.reasons(frozen.narrowing, image_ids)


@router.get("/{cohort_id}", response_model=Cohort)
async def retrieve_cohort(cohort_id: str, caller: Caller, holder: Holder, database: Db) -> Response:
    """One cohort."""
    return answer(await permitted_cohort(cohort_id, caller, holder, database))


@router.delete("/{cohort_id}", status_code=204)
async def delete_cohort(cohort_id: str, caller: Researcher, holder: Holder, database: Db) -> None:
    """Delete a cohort's members; its hash and definition stay, for jobs that cite them."""
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    if cohort["owner"] != caller.person_id and not caller.has_role("admin"):
        raise Problem(403, "Not permitted", detail="Only its owner and admins delete a cohort.")
    await cohorts.delete_cohort(database, uuid.UUID(cohort["cohort_id"]), caller.person_id)


@router.get("/{cohort_id}/attrition", response_model=Page[AttritionStep])
async def list_cohort_attrition(
    cohort_id: str, caller: Caller, holder: Holder, database: Db
) -> Response:
    """What each step left, in order."""
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    steps = cohort["attrition"]
    return answer({"items": steps, "total": len(steps), "next": None})


@router.get("/{cohort_id}/splits", response_model=Splits)
async def describe_cohort_splits(
    cohort_id: str, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Splits and folds with their images, patients and classes, counted from the members, and
    the subgroups of each split."""
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    found = uuid.UUID(cohort["cohort_id"])
    parts = await cohorts.count_parts(database, found)
    parts["subgroups"] = await cohorts.count_subgroups(database, found)
    return answer({"by": cohort["definition"]["split"]["by"], **parts})


@router.get("/{cohort_id}/members", response_model=Page[Member])
async def list_cohort_members(
    cohort_id: str,
    caller: Caller,
    holder: Holder,
    database: Db,
    fold: FoldQuery = None,
    cursor: Cursor = None,
    limit: Limit = 500,
) -> Response:
    """The images of a cohort with label, split and attributes; a recipe's with evidence."""
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    query = ["members", cohort["cohort_id"], fold]
    position = decode_cursor(cursor, query, 1)
    begin = position[0] if position else 0
    if type(begin) is not int or not 0 <= begin < 2**31:
        raise invalid("cursor", "not a cursor of this list")
    count = _fold_count(cohort, fold)
    items = await cohorts.list_members(database, uuid.UUID(cohort["cohort_id"]), begin, limit)
    if fold is not None:
        folds = np.asarray([item["fold"] for item in items], np.int64)
        for item, split in zip(items, splits_of_folds(folds, count, fold), strict=True):
            item["split"] = SPLITS[split]
    total = int(cohort["counts"]["images"])
    end = begin + len(items)
    following = encode_cursor([end], query) if end < total else None
    return answer({"items": items, "total": total, "next": following})


@router.get("/{cohort_id}/patients/{patient_id}/members", response_model=Page[Member])
async def list_patient_members(
    cohort_id: str, patient_id: PatientPath, caller: Caller, holder: Holder, database: Db
) -> Response:
    """A patient's images in a cohort, all of them: none where no image of theirs is a member."""
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    found = uuid.UUID(cohort["cohort_id"])
    items = await cohorts.list_members_of(database, found, patient_id)
    return answer({"items": items, "total": len(items), "next": None})


def _fold_count(cohort: Mapping[str, Any], fold: int | None) -> int:
    folds = cohort["definition"]["split"].get("folds")
    count = int(folds["count"]) if folds else 0
    if fold is not None and fold >= count:
        has = f"has folds 0 to {count - 1}" if count else "has no folds"
        raise invalid("fold", f"the cohort {has}")
    return count
