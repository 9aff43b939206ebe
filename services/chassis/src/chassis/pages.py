"""Lists: a page of items, the exact total, and a cursor that belongs to its query."""

import base64
import binascii
import hashlib
import json
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from chassis.problems import invalid

T = TypeVar("T")

MAX_LIMIT = 1000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page")]
Cursor = Annotated[
    str | None, Query(max_length=2048, description="`next` of the page before this one")
]


class Page(BaseModel, Generic[T]):
    """``items`` of a list of ``total``; ``next`` is null on the last page."""

    items: list[T]
    total: int
    next: str | None = Field(default=None, description="Cursor of the next page")


def _digest(query: Any) -> str:
    text = json.dumps(query, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def encode_cursor(position: list[Any], query: Any) -> str:
    """An opaque cursor: the sort key of the last item, bound to the query it pages through."""
    text = json.dumps([_digest(query), *position], separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, query: Any, size: int) -> list[Any] | None:
    """The position in ``cursor`` (``size`` values); a 422 where it is not one of this query."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        digest, *position = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise invalid("cursor", "not a cursor of this list") from error
    if digest != _digest(query) or len(position) != size:
        raise invalid("cursor", "belongs to another query; start again without a cursor")
    return list(position)
