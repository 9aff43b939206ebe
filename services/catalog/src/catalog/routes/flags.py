"""``/flags``."""

from typing import Annotated, Any

from chassis.database import Database
from chassis.identity import Caller, Identity
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import Problem, invalid, not_found, problem_responses
from fastapi import APIRouter, Path, Query, Response

from catalog.flags import Flag, FlagKind, FlagRequest
from catalog.holder import ModelHolder
from catalog.routes.state import DatasetQuery, Db, Holder, answer
from catalog.store import flags

router = APIRouter(prefix="/api/v1/flags", tags=["flags"], responses=problem_responses(409))

FlagId = Annotated[int, Path(ge=1, lt=2**63)]
ImageQuery = Annotated[int | None, Query(gt=0, lt=2**63)]
AuthorQuery = Annotated[
    str | None, Query(max_length=64, pattern=r"^[!-~]+$", description="`me` for the caller")
]


@router.post("", status_code=201, response_model=Flag)
async def create_flag(
    request: FlagRequest, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Flag an image. A person says each thing of an image once; notes are free."""
    served, _ = holder.find_image(request.image_id, caller)
    added = await flags.add_flag(
        database, served.dataset.name, request.image_id, request.kind, request.note, caller
    )
    if added is None:
        detail = f"You have flagged image {request.image_id} as {request.kind} before."
        raise Problem(409, "Flagged already", detail=detail)
    return answer(added, status=201)


@router.get("", response_model=Page[Flag])
async def list_flags(
    caller: Caller,
    holder: Holder,
    database: Db,
    dataset: DatasetQuery = None,
    image_id: ImageQuery = None,
    kind: FlagKind | None = None,
    author: AuthorQuery = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Flags on images, newest first; of every dataset that the caller may see, or of one."""
    names = [holder.serve(dataset, caller).dataset.name] if dataset else holder.permitted(caller)
    author = caller.person_id if author == "me" else author
    query = ["flags", names, image_id, kind, author]
    position = decode_cursor(cursor, query, 1)
    before = position[0] if position else None
    if position and not (type(before) is int and 0 < before < 2**63):
        raise invalid("cursor", "not a cursor of this list")
    found, total = await flags.list_flags(
        database,
        names,
        image_id=image_id,
        kind=kind,
        author=author,
        before=before,
        limit=limit + 1,
    )
    more = len(found) > limit
    following = encode_cursor([found[limit - 1]["flag_id"]], query) if more else None
    return answer({"items": found[:limit], "total": total, "next": following})


@router.get("/{flag_id}", response_model=Flag)
async def retrieve_flag(flag_id: FlagId, caller: Caller, holder: Holder, database: Db) -> Response:
    """One flag."""
    return answer(await _find(flag_id, caller, holder, database))


@router.delete("/{flag_id}", status_code=204)
async def delete_flag(flag_id: FlagId, caller: Caller, holder: Holder, database: Db) -> None:
    """Take a flag away: its author may, and admins."""
    found = await _find(flag_id, caller, holder, database)
    if found["author"] != caller.person_id and not caller.has_role("admin"):
        raise Problem(403, "Not permitted", detail="Only its author and admins remove a flag.")
    await flags.delete_flag(database, flag_id)


async def _find(
    flag_id: int, caller: Identity, holder: ModelHolder, database: Database
) -> dict[str, Any]:
    found = await flags.find_flag(database, flag_id)
    if found is None:
        raise not_found("flag", flag_id)
    holder.require_access(found["dataset"], caller)
    return found
