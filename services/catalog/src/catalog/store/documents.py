"""JSON on its way into and out of SQL."""

from typing import Any

import orjson


def to_json(value: Any) -> str:
    """A parameter for ``cast(:name as jsonb)``."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def from_json(value: Any) -> Any:
    """A jsonb column, which the driver may hand over as text."""
    return orjson.loads(value) if isinstance(value, (str, bytes)) else value
