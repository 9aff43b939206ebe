"""What the statements share."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Row, Text, cast, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

LOST_WORKER_S = 30

AnyRow: TypeAlias = Row[*tuple[Any, ...]]


def seconds(value: float) -> ColumnElement[Any]:
    """An interval."""
    return func.make_interval(0, 0, 0, 0, 0, 0, value)


def one_of(values: Sequence[str]) -> ColumnElement[Any]:
    """Any of ``values``, for `==`: one parameter, where `in_` makes one of each value."""
    return func.any(cast(list(values), ARRAY(Text)))
