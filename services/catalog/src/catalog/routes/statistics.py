"""``/statistics``."""

import asyncio
from typing import Annotated, Any

from chassis.identity import Caller
from chassis.problems import invalid
from fastapi import APIRouter, Query, Request, Response

from catalog import statistics
from catalog.fields import DEFAULT_FACETS
from catalog.grammar import Filter, parse_json, parse_query
from catalog.holder import Served
from catalog.model.select import CompiledFilter
from catalog.routes.state import DatasetQuery, Holder, answer
from catalog.statistics_schemas import Statistics, StatisticsRequest, Unit

router = APIRouter(prefix="/api/v1/statistics", tags=["statistics"])

RESERVED = frozenset(("dataset", "field", "cross", "missing", "years", "count"))
Names = Annotated[list[str] | None, Query(max_length=50, description="Fields; repeat")]
Pairs = Annotated[
    list[str] | None, Query(max_length=20, description="Two fields: `asses,tissueden`; repeat")
]


@router.get("", response_model=Statistics)
async def retrieve_statistics(
    request: Request,
    caller: Caller,
    holder: Holder,
    dataset: DatasetQuery = None,
    field: Names = None,
    cross: Pairs = None,
    missing: bool = False,
    years: bool = True,
    count: Unit = "images",
) -> Response:
    """Distributions, cross-tables, missing values, counts per year; other parameters filter."""
    items = [(k, v) for k, v in request.query_params.multi_items() if k not in RESERVED]
    wanted = StatisticsRequest.model_construct(
        fields=field,
        cross=[_pair(text) for text in cross or ()],
        missing=missing,
        years=years,
        count=count,
    )
    return await _count(holder.serve(dataset, caller), parse_query(items), wanted)


def _pair(text: str) -> tuple[str, str]:
    rows, comma, columns = text.partition(",")
    if not comma or "," in columns:
        raise invalid("cross", f"{text[:100]!r} is not two fields with a comma between")
    return rows, columns


@router.post("", response_model=Statistics)
async def count_statistics(request: StatisticsRequest, caller: Caller, holder: Holder) -> Response:
    """The same under a filter in JSON."""
    served = holder.serve(request.dataset, caller)
    return await _count(served, parse_json(request.filter), request)


async def _count(served: Served, conditions: Filter, wanted: StatisticsRequest) -> Response:
    model = served.model
    fields = wanted.fields
    if fields is None:
        fields = [name for name in DEFAULT_FACETS if model.has(name)]
    selection = CompiledFilter(model, conditions).select()
    body: dict[str, Any] = await asyncio.to_thread(
        statistics.describe,
        selection,
        fields,
        wanted.cross,
        wanted.count,
        with_missing=wanted.missing,
        with_years=wanted.years,
    )
    return answer(body)
