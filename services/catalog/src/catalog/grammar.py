"""The filter grammar: the same conditions as a query string and as JSON.

``asses=S&asses=M&age_at_study.gte=40&side.not=L`` is ``{"asses": ["S", "M"], "age_at_study":
{"gte": 40}, "side": {"not": ["L"]}}``. Values (and a range) of one field are OR, fields are AND.
``not`` keeps null; ``none``: no finding of the image has the value.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chassis.problems import invalid

from catalog.fields import Field, Value, field_named, fields
from catalog.nearest import nearest
from catalog.normalise import normalise

BOUNDS = ("gte", "gt", "lte", "lt")
EXCLUSIONS = ("not", "none")
OPERATORS = (*BOUNDS, *EXCLUSIONS)
NULL = "null"

MAX_VALUES = 1000
MAX_FIELDS = 100
MAX_VALUE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Condition:
    """What one field must satisfy. ``None`` among the values stands for null."""

    field: Field
    values: tuple[Value | None, ...] = ()
    bounds: tuple[tuple[str, Value], ...] = ()
    excluded: tuple[Value | None, ...] = ()
    absent: tuple[Value | None, ...] = ()

    def as_json(self) -> Any:
        """The condition in the JSON grammar, in one canonical spelling."""
        if not (self.bounds or self.excluded or self.absent):
            return _sorted(self.values)
        parts: dict[str, Any] = dict(self.bounds)
        for name, values in (("in", self.values), ("not", self.excluded), ("none", self.absent)):
            if values:
                parts[name] = _sorted(values)
        return parts


Filter = Mapping[str, Condition]


def _sorted(values: Iterable[Value | None]) -> list[Value | None]:
    return sorted(set(values), key=lambda value: (value is not None, str(type(value)), value))


def canonical(conditions: Filter) -> dict[str, Any]:
    """The filter as JSON: equal filters give equal documents."""
    return {name: conditions[name].as_json() for name in sorted(conditions)}


def parse_query(items: Iterable[tuple[str, str]]) -> Filter:
    """The filter in the parameters of a query string (those that are no filter left out before)."""
    gathered: dict[str, dict[str, list[Any]]] = {}
    for key, text in items:
        name, operator = _split(key)
        value = None if text == NULL else text
        gathered.setdefault(name, {}).setdefault(operator, []).append(value)
    return parse_json({name: _spelled(name, parts) for name, parts in gathered.items()})


def _split(key: str) -> tuple[str, str]:
    name, dot, operator = key.rpartition(".")
    return (name, operator) if dot and operator in OPERATORS else (key, "in")


def _spelled(name: str, parts: Mapping[str, list[Any]]) -> dict[str, Any]:
    spelled: dict[str, Any] = dict(parts)
    for operator in BOUNDS:
        given = spelled.get(operator, [])
        if len(given) > 1:
            raise invalid(f"filter.{name}.{operator}", "given more than once")
        if given:
            spelled[operator] = given[0]
    return spelled


def parse_json(document: Mapping[str, Any] | None) -> Filter:
    """The filter in a JSON document; a 422 problem that names the field at fault."""
    document = document or {}
    if len(document) > MAX_FIELDS:
        raise invalid("filter", f"more than {MAX_FIELDS} fields")
    conditions: dict[str, Condition] = {}
    for name, part in document.items():
        field = find_field(name)
        if field.name in conditions:
            raise invalid(f"filter.{name[:100]}", f"{field.name} is given more than once")
        conditions[field.name] = _condition(field, part)
    return conditions


def find_field(name: str, where: str = "filter") -> Field:
    """The field called ``name`` in any release; a 422 names the nearest where there is none."""
    field = field_named(name)
    if field is None:
        near = nearest(name, fields())
        raise invalid(f"{where}.{name[:100]}", "unknown field", near)
    return field


def _condition(field: Field, part: Any) -> Condition:
    where = f"filter.{field.name}"
    if not isinstance(part, Mapping):
        return Condition(field, values=_values(field, part, where))
    unknown = set(part) - {"in", *OPERATORS}
    if unknown:
        raise invalid(f"{where}.{min(map(str, unknown))}", "unknown operator", OPERATORS)
    given = {
        operator: _values(field, part[operator], f"{where}.{operator}")
        for operator in ("in", *EXCLUSIONS)
        if operator in part
    }
    condition = Condition(
        field,
        values=given.get("in", ()),
        bounds=_bounds(field, part, where),
        excluded=given.get("not", ()),
        absent=given.get("none", ()),
    )
    if condition == Condition(field):
        raise invalid(where, "empty condition", ["in", *OPERATORS])
    return condition


def _values(field: Field, part: Any, where: str) -> tuple[Value | None, ...]:
    given = part if isinstance(part, Sequence) and not isinstance(part, str) else [part]
    if not given:
        raise invalid(where, "an empty list matches nothing; leave the field out")
    if len(given) > MAX_VALUES:
        raise invalid(where, f"more than {MAX_VALUES} values")
    return tuple(None if value is None else parse_value(field, value, where) for value in given)


def _bounds(field: Field, part: Mapping[str, Any], where: str) -> tuple[tuple[str, Value], ...]:
    given = [operator for operator in BOUNDS if operator in part]
    if given and field.kind not in ("range", "date") and field.type != "number":
        raise invalid(
            f"{where}.{given[0]}", "only numbers and dates have an order", ["not", "none"]
        )
    bounds = {op: parse_value(field, part[op], f"{where}.{op}") for op in given}
    if {"gte", "gt"} <= bounds.keys() or {"lte", "lt"} <= bounds.keys():
        raise invalid(where, "two bounds on one side")
    low, high = bounds.get("gte", bounds.get("gt")), bounds.get("lte", bounds.get("lt"))
    strict = not {"gte", "lte"} <= bounds.keys()
    if low is not None and high is not None and (low > high or (low == high and strict)):  # type: ignore[operator]
        raise invalid(where, f"no value lies between {low} and {high}")
    return tuple(bounds.items())


def parse_value(field: Field, value: Any, where: str) -> Value:
    """``value`` in the type of ``field``; a 422 where it is of another."""
    if isinstance(value, str) and (len(value) > MAX_VALUE_LENGTH or "\x00" in value):
        raise invalid(where, f"a value has at most {MAX_VALUE_LENGTH} characters, none of them NUL")
    if isinstance(value, (list, dict)) or value is None:
        raise invalid(where, f"not a value of a {field.kind} field")
    match field.type:
        case "number":
            return _parse_number(value, where)
        case "flag":
            return _parse_flag(value, where)
        case "date":
            return _parse_date(value, where)
        case _:
            if isinstance(value, (bool, float)):
                raise invalid(where, "a text is expected")
            text = str(value)
            spelled = normalise("code", text).value if field.type == "code" else text
            return spelled if isinstance(spelled, str) else text


def _parse_number(value: Any, where: str) -> int | float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, OverflowError) as error:
        raise invalid(where, "a number is expected") from error
    if not math.isfinite(number):
        raise invalid(where, "a finite number is expected")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _parse_flag(value: Any, where: str) -> bool:
    flag = normalise("flag", str(value)).value
    if not isinstance(flag, bool):
        raise invalid(where, "yes or no is expected", [True, False])
    return flag


def _parse_date(value: Any, where: str) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise invalid(where, "a date is expected (YYYY-MM-DD)") from error
