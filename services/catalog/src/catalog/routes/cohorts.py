"""``/cohorts``."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

from chassis.database import Database
from chassis.identity import Caller, Identity, require_agreement, require_role
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import Problem, invalid, not_found
from fastapi import APIRouter, Depends, Response

from catalog.cohorts.definition import SPLITS, Cohort, CohortPreview, CohortRequest, Member
from catalog.cohorts.freeze import Frozen, attributes, content_hash, describe, freeze
from catalog.holder import ModelHolder
from catalog.routes.state import Db, Holder, answer
from catalog.store import cohorts

router = APIRouter(prefix="/api/v1/cohorts", tags=["cohorts"])

Researcher = Annotated[Identity, Depends(require_role("researcher"))]


@router.post("/preview", response_model=CohortPreview)
async def preview_cohort(request: CohortRequest, caller: Caller, holder: Holder) -> Response:
    """A cohort as it would be, without freezing it."""
    served = holder.serve(request.dataset, caller)
    frozen = await asyncio.to_thread(freeze, served.model, request)
    return answer(describe(frozen))


@router.post("", status_code=201, response_model=Cohort)
async def create_cohort(
    request: CohortRequest, caller: Researcher, holder: Holder, database: Db
) -> Response:
    """Freeze a cohort: definition, revision, members, labels, splits, hash."""
    served = holder.serve(request.dataset, caller)
    frozen = await asyncio.to_thread(freeze, served.model, request)
    result = describe(frozen)
    empty = [item["name"] for item in result["classes"] if item["images"] == 0]
    if empty:
        raise invalid("label.classes", f"no image is of class {', '.join(empty)}"[:300])
    ids = served.model.image_id[frozen.places].tolist()
    uids = await cohorts.image_uids(database, served.model.revision_id, ids)
    ordered = [uids[image_id] for image_id in ids]
    sha256 = await asyncio.to_thread(content_hash, frozen, ordered)
    cohort = {
        "name": request.name,
        "owner": caller.person_id,
        "sha256": sha256,
        "definition": frozen.definition,
        "dataset": served.model.dataset,
        "revision_id": served.model.revision_id,
        "result": result,
    }
    members = _members(frozen, ordered)
    cohort_id, created_at = await cohorts.save_cohort(database, cohort, members)
    plain = {name: cohort[name] for name in ("name", "owner", "sha256")}
    body = {**result, **plain, "cohort_id": str(cohort_id), "created_at": created_at}
    return answer(body, status=201)


def _members(frozen: Frozen, uids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of cohort_member, in the order of the model: the same on every stack."""
    model = frozen.model
    names = frozen.class_names
    rows = zip(frozen.places.tolist(), frozen.labels, frozen.splits, uids, strict=True)
    for place, label, split, uid in rows:
        exam = int(model.exam_of_breast[model.breast_of_image[place]])
        yield (
            int(model.image_id[place]),
            uid,
            model.patient_id[model.patient_of_exam[exam]].decode(),
            model.exam_id[exam].decode(),
            names[int(label)],
            SPLITS[int(split)],
            attributes(model, place),
        )


def _permitted(holder: ModelHolder, caller: Identity) -> list[str]:
    """Names of the datasets that the caller may see."""
    return [d.name for d in holder.datasets() if not d.restricted or d.name in caller.agreements]


@router.get("", response_model=Page[Cohort])
async def list_cohorts(
    caller: Caller, holder: Holder, database: Db, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """Frozen cohorts, newest first."""
    names = _permitted(holder, caller)
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
    """A cohort that ``caller`` may see; a 404 or 403 problem otherwise."""
    try:
        key = uuid.UUID(cohort_id)
    except ValueError as error:
        raise not_found("cohort", cohort_id[:64]) from error
    if caller.cohort_id is not None and caller.cohort_id != str(key):
        raise Problem(403, "Not permitted", detail="This job was given another cohort.")
    found = await cohorts.find_cohort(database, key)
    if found is None:
        raise not_found("cohort", key)
    restricted = {d.name: d.restricted for d in holder.datasets()}.get(found["dataset"], True)
    require_agreement(caller, found["dataset"], restricted=restricted)
    return found


@router.get("/{cohort_id}", response_model=Cohort)
async def retrieve_cohort(cohort_id: str, caller: Caller, holder: Holder, database: Db) -> Response:
    """One cohort."""
    return answer(await permitted_cohort(cohort_id, caller, holder, database))


@router.get("/{cohort_id}/members", response_model=Page[Member])
async def list_cohort_members(
    cohort_id: str,
    caller: Caller,
    holder: Holder,
    database: Db,
    cursor: Cursor = None,
    limit: Limit = 500,
) -> Response:
    """The images of a cohort with label, split and attributes."""
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    query = ["members", cohort["cohort_id"]]
    position = decode_cursor(cursor, query, 1)
    begin = position[0] if position else 0
    if type(begin) is not int or not 0 <= begin < 2**31:
        raise invalid("cursor", "not a cursor of this list")
    items = await cohorts.list_members(database, uuid.UUID(cohort["cohort_id"]), begin, limit)
    total = int(cohort["counts"]["images"])
    end = begin + len(items)
    following = encode_cursor([end], query) if end < total else None
    return answer({"items": items, "total": total, "next": following})
