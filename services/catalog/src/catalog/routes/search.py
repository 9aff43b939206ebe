"""``/filters``, ``/images``, ``/facets``."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from chassis.database import Database
from chassis.identity import Caller
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import invalid
from fastapi import APIRouter, Query, Request, Response

from catalog import counting, views
from catalog.fields import fields
from catalog.grammar import Filter, canonical, parse_json, parse_query
from catalog.holder import Served
from catalog.model.listing import page_of
from catalog.model.select import CompiledFilter
from catalog.routes.state import DatasetQuery, Db, Holder, answer
from catalog.schemas import FacetRequest, Facets, ImageSearch, ImageSummary
from catalog.schemas import Filter as FilterSchema
from catalog.store import records

router = APIRouter(prefix="/api/v1", tags=["search"])

RESERVED = frozenset(("dataset", "sort", "cursor", "limit"))
Sort = Annotated[
    str | None, Query(max_length=100, description="A field; `-field` for descending; nulls last")
]


def _filter_parameters() -> list[dict[str, Any]]:
    """Every filter as an OpenAPI parameter of ``GET /images``."""
    return [
        {
            "name": field.name,
            "in": "query",
            "required": False,
            "description": field.label,
            "schema": {"type": "array", "items": {"type": "string"}},
            "style": "form",
            "explode": True,
        }
        for field in fields().values()
    ]


@router.get("/filters", response_model=Page[FilterSchema])
async def list_filters(caller: Caller, holder: Holder, dataset: DatasetQuery = None) -> Response:
    """Every filter of a dataset with its options and how many images have each."""
    model = holder.serve(dataset, caller).model
    items = await asyncio.to_thread(counting.describe_filters, model)
    return answer({"items": items, "total": len(items), "next": None})


@router.get(
    "/images",
    response_model=Page[ImageSummary],
    openapi_extra={"parameters": _filter_parameters()},
)
async def list_images(
    request: Request,
    caller: Caller,
    holder: Holder,
    database: Db,
    dataset: DatasetQuery = None,
    sort: Sort = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """A page of images; every other parameter is a condition (`asses=S&age_at_study.gte=40`)."""
    items = [(k, v) for k, v in request.query_params.multi_items() if k not in RESERVED]
    served = holder.serve(dataset, caller)
    return await page_of_images(database, served, parse_query(items), sort, cursor, limit)


@router.post("/images/search", response_model=Page[ImageSummary])
async def search_images(
    search: ImageSearch, caller: Caller, holder: Holder, database: Db
) -> Response:
    """A page of images under a filter in JSON."""
    served = holder.serve(search.dataset, caller)
    conditions = parse_json(search.filter)
    return await page_of_images(
        database, served, conditions, search.sort, search.cursor, search.limit
    )


async def page_of_images(
    database: Database,
    served: Served,
    conditions: Filter,
    sort: str | None,
    cursor: str | None,
    limit: int,
) -> Response:
    """``Page[ImageSummary]`` under a filter; the cursor is bound to filter, order and revision."""
    model = served.model
    query = [model.revision_id, canonical(conditions), sort]
    position = decode_cursor(cursor, query, 2)
    if position is not None and not all(
        type(part) is int and abs(part) < 2**63 for part in position
    ):
        raise invalid("cursor", "not a cursor of this list")
    selection = CompiledFilter(model, conditions).select()
    places, after = page_of(selection, sort, position, limit)
    items = await summaries(database, served, places.tolist())
    following = encode_cursor(after, query) if after else None
    return answer({"items": items, "total": selection.images, "next": following})


async def summaries(
    database: Database, served: Served, places: Sequence[int]
) -> list[dict[str, Any]]:
    """ImageSummaries of places of the model."""
    if not places:
        return []
    model = served.model
    ids = [int(model.image_id[place]) for place in places]
    uids = await records.image_uids(database, model.revision_id, ids)
    return views.summaries(model, places, uids)


@router.post("/facets", response_model=Facets)
async def count_facets(request: FacetRequest, caller: Caller, holder: Holder) -> Response:
    """Exact counts per value of the fields asked for, and exact totals."""
    model = holder.serve(request.dataset, caller).model
    conditions = parse_json(request.filter)
    return answer(counting.count_facets(model, conditions, request.facets, request.count))
