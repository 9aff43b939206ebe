"""``/queries``: searches that people keep and share."""

import uuid
from typing import Any

from chassis.database import Database
from chassis.identity import Caller, Identity
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import Problem, invalid, not_found, problem_responses
from fastapi import APIRouter, Response
from sqlalchemy.exc import IntegrityError

from catalog.grammar import canonical, parse_json
from catalog.holder import ModelHolder
from catalog.model.listing import sort_key
from catalog.model.select import CompiledFilter
from catalog.queries import QueryChange, QueryRequest, SavedQuery
from catalog.routes.search import page_of_images
from catalog.routes.state import Db, Holder, answer
from catalog.schemas import ImageSummary
from catalog.store import queries

router = APIRouter(prefix="/api/v1/queries", tags=["queries"], responses=problem_responses(409))


@router.post("", status_code=201, response_model=SavedQuery)
async def create_query(
    request: QueryRequest, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Keep a search under a name; it is checked as if it were run."""
    served = holder.serve(request.dataset, caller)
    conditions = parse_json(request.filter)
    CompiledFilter(served.model, conditions)
    sort_key(served.model, request.sort)
    query = {
        **request.model_dump(include={"name", "sort", "shared"}),
        "dataset": served.dataset.name,
        "filter": canonical(conditions),
    }
    added = await queries.add_query(database, query, caller)
    if added is None:
        raise _name_taken(request.name)
    return answer(_seen_by(caller, added), status=201)


@router.get("", response_model=Page[SavedQuery])
async def list_queries(
    caller: Caller, holder: Holder, database: Db, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """The caller's queries and those that others share, by name."""
    names = holder.permitted(caller)
    query = ["queries", caller.person_id, names]
    position = _position(decode_cursor(cursor, query, 2))
    found, total = await queries.list_queries(
        database, caller.person_id, names, position, limit + 1
    )
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = encode_cursor([last["name"], last["query_id"]], query)
    items = [_seen_by(caller, item) for item in found[:limit]]
    return answer({"items": items, "total": total, "next": following})


def _position(position: list[Any] | None) -> list[str] | None:
    if position is None:
        return None
    try:
        name, query_id = position
        return [str(name).replace("\x00", ""), str(uuid.UUID(query_id))]
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid("cursor", "not a cursor of this list") from error


@router.get("/{query_id}", response_model=SavedQuery)
async def retrieve_query(query_id: str, caller: Caller, holder: Holder, database: Db) -> Response:
    """One query."""
    return answer(_seen_by(caller, await _find(query_id, caller, holder, database)))


@router.get("/{query_id}/run", response_model=Page[ImageSummary])
async def run_query(
    query_id: str,
    caller: Caller,
    holder: Holder,
    database: Db,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """A page of the images that the query finds now."""
    found = await _find(query_id, caller, holder, database)
    served = holder.serve(found["dataset"], caller)
    conditions = parse_json(found["filter"])
    return await page_of_images(database, served, conditions, found["sort"], cursor, limit)


@router.patch("/{query_id}", response_model=SavedQuery)
async def change_query(
    query_id: str, change: QueryChange, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Rename a query of one's own, share it, or keep it to oneself."""
    found = await _find_own(query_id, caller, holder, database)
    try:
        changed = await queries.change_query(
            database, uuid.UUID(found["query_id"]), change.name, change.shared
        )
    except IntegrityError as error:
        raise _name_taken(str(change.name)) from error
    if changed is None:
        raise not_found("query", query_id)
    return answer(_seen_by(caller, changed))


@router.delete("/{query_id}", status_code=204)
async def delete_query(query_id: str, caller: Caller, holder: Holder, database: Db) -> None:
    """Forget a query of one's own."""
    found = await _find_own(query_id, caller, holder, database)
    await queries.delete_query(database, uuid.UUID(found["query_id"]))


async def _find(
    query_id: str, caller: Identity, holder: ModelHolder, database: Database
) -> dict[str, Any]:
    try:
        key = uuid.UUID(query_id)
    except ValueError as error:
        raise not_found("query", query_id[:64]) from error
    found = await queries.find_query(database, key, caller.person_id)
    if found is None:
        raise not_found("query", key)
    holder.require_access(found["dataset"], caller)
    return found


async def _find_own(
    query_id: str, caller: Identity, holder: ModelHolder, database: Database
) -> dict[str, Any]:
    found = await _find(query_id, caller, holder, database)
    if found["owner"] != caller.person_id:
        detail = "Only who made a query changes it; save it under a name of your own."
        raise Problem(403, "Not permitted", detail=detail)
    return found


def _name_taken(name: str) -> Problem:
    return Problem(409, "Name taken", detail=f"You have a query called {name!r} already.")


def _seen_by(caller: Identity, query: dict[str, Any]) -> dict[str, Any]:
    return {**query, "mine": query["owner"] == caller.person_id}
