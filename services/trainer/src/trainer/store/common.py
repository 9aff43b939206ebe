"""What the statements share."""

from typing import Any, TypeAlias

from sqlalchemy import Row, func
from sqlalchemy.sql.elements import ColumnElement

LOST_WORKER_S = 30

AnyRow: TypeAlias = Row[*tuple[Any, ...]]


def seconds(value: float) -> ColumnElement[Any]:
    """An interval."""
    return func.make_interval(0, 0, 0, 0, 0, 0, value)
