"""What the query parameters of every service have in common."""

import re
import types
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BeforeValidator

from chassis.problems import FieldError, Problem

_rfc3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)


def _as_rfc3339(value: str) -> str:
    if not _rfc3339.fullmatch(value):
        raise ValueError("not a date and time of RFC 3339, like 2026-11-22T09:30:00Z")
    return value


# A plain `datetime` would also take a number for a Unix time, and a time that names no zone.
Moment = Annotated[datetime, BeforeValidator(_as_rfc3339)]


async def refuse_repeats(request: Request) -> None:
    """Dependency of every route: a parameter of one value is given once.

    Of several values the last would count, and the caller would not learn that others did not.
    """
    if b"&" not in request.scope["query_string"]:
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    repeated = {name for name, times in given.items() if times > 1}
    if repeated:
        route = request.scope["route"]
        repeated &= {*_declared(route.dependant), *_described(route.openapi_extra)}
    if repeated:
        errors = [
            FieldError(field=name, message=f"takes one value, {given[name]} are given")
            for name in sorted(repeated)
        ]
        detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
        raise Problem(422, "Invalid request", detail=detail, errors=errors)


def _declared(dependant: Dependant) -> Iterator[str]:
    """Names of the query parameters that a route, or what it depends on, takes one value of."""
    for field in dependant.query_params:
        if not _takes_many(field.field_info.annotation):
            yield field.alias
    for part in dependant.dependencies:
        yield from _declared(part)


def _described(extra: dict[str, Any] | None) -> Iterator[str]:
    """The same of parameters that a route reads itself, and tells OpenAPI of."""
    for parameter in (extra or {}).get("parameters", ()):
        if parameter["in"] == "query" and parameter["schema"].get("type") != "array":
            yield parameter["name"]


def _takes_many(annotation: Any) -> bool:
    united = get_origin(annotation) in (Union, types.UnionType)
    kinds = get_args(annotation) if united else (annotation,)
    return any((get_origin(kind) or kind) in (list, tuple, set, frozenset) for kind in kinds)
