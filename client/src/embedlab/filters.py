"""Filters as words of a command line: `asses=S,M age_at_study.gte=40 side.not=L`."""

from typing import Any

OPERATORS = ("gte", "lte", "gt", "lt")


def query_filter(words: list[str]) -> dict[str, list[str]]:
    """The words as parameters of a query string, repeated where a word lists several values.

    ValueError where a word is not NAME=VALUE.
    """
    found: dict[str, list[str]] = {}
    for word in words:
        name, equals, values = word.partition("=")
        if not equals or not name or not values:
            raise ValueError(f"{word!r} is not like asses=S,M or age_at_study.gte=40")
        found.setdefault(name, []).extend(values.split(","))
    return found


def json_filter(words: list[str]) -> dict[str, Any]:
    """The words in the grammar of JSON filters: lists of values, and objects of operators."""
    found: dict[str, Any] = {}
    for name, values in query_filter(words).items():
        field, operator = _split(name)
        if operator is None:
            found[field] = _nulls(values)
            continue
        conditions = found.setdefault(field, {})
        if not isinstance(conditions, dict):
            raise ValueError(f"{field} has both values and a condition")  # noqa: TRY004
        conditions[operator] = _number(values[0]) if operator in OPERATORS else _nulls(values)
    return found


def _nulls(values: list[str]) -> list[str | None]:
    return [None if value == "null" else value for value in values]


def _split(name: str) -> tuple[str, str | None]:
    field, dot, operator = name.rpartition(".")
    known = (*OPERATORS, "not", "none")
    return (field, operator) if dot and operator in known else (name, None)


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
