"""Filters with their options, and facets, as the bodies of answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from chassis.problems import invalid

from catalog.fields import DEFAULT_FACETS, Field, Value
from catalog.grammar import Filter, find_field
from catalog.model.dictionary import Counts
from catalog.model.facets import FacetCounter, Unit
from catalog.model.read_model import ReadModel, known_fields
from catalog.model.select import CompiledFilter
from catalog.vocabulary import codes as legend
from catalog.vocabulary import label_of

MAX_OPTIONS = 500
BUCKETS = 24
AS_RANGE = ("range", "date")


def count_facets(
    model: ReadModel, conditions: Filter, names: Sequence[str] | None, unit: Unit
) -> dict[str, Any]:
    """``Facets``: totals, counts per value of categories, histograms of ranges."""
    wanted = (
        [_facet_field(model, name) for name in dict.fromkeys(names)]
        if names
        else (
            [f for f in map(find_field, DEFAULT_FACETS) if model.has(f.name)]
            if names is None
            else []
        )
    )
    counter = FacetCounter(CompiledFilter(model, conditions), unit)
    facets: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for field in wanted:
        counts = counter.count(field)
        if field.kind in AS_RANGE:
            ranges[field.name] = describe_range(model, field, counts)
        else:
            facets[field.name] = options(model, field, counts)
    return {"total": counter.selection.totals(), "facets": facets, "ranges": ranges}


def _facet_field(model: ReadModel, name: str) -> Field:
    field = find_field(name, "facets")
    if field.kind == "identifier":
        raise invalid(f"facets.{name}", "identifiers are not counted")
    if not model.has(field.name):
        raise invalid(f"facets.{name}", "this revision's files do not have the column")
    return field


def options(model: ReadModel, field: Field, counts: Counts) -> list[dict[str, Any]]:
    """Each value with its label and count, in the legend's order, else the most frequent first.

    Past ``MAX_OPTIONS`` values the rest is left out; how many have none is always told.
    """
    number = counts.tolist()
    found = _labelled(model, field)
    if field.type == "text" and not legend(field.vocabulary):
        found = sorted(found, key=lambda item: (-number[item[0]], str(item[1])))
    listed = [
        {"value": value, "label": label, "count": number[place]}
        for place, value, label in found[: MAX_OPTIONS - 1]
    ]
    nulls = number[0]
    return [*listed, _option(field, None, nulls)] if nulls or not listed else listed


def _labelled(model: ReadModel, field: Field) -> list[tuple[int, Value, str]]:
    """(place in the counts, value, label) of each value, in the legend's order; made once."""
    cache: dict[str, list[tuple[int, Value, str]]] = model.__dict__.setdefault("_labelled", {})
    if field.name not in cache:
        order = {code: i for i, code in enumerate(legend(field.vocabulary))}
        values = enumerate(model.dictionary(field).elements, 1)
        found = [(place, value, label_of(field.vocabulary, value)) for place, value in values]
        if order:
            found.sort(key=lambda item: order.get(str(item[1]), len(order)))
        cache[field.name] = found
    return cache[field.name]


def _option(field: Field, value: Value | None, count: int) -> dict[str, Any]:
    return {"value": value, "label": label_of(field.vocabulary, value), "count": count}


def describe_range(model: ReadModel, field: Field, counts: Counts) -> dict[str, Any]:
    """Least and greatest value that is counted, nulls, and a histogram."""
    values = model.dictionary(field).values
    present = np.flatnonzero(counts[1:])
    limits: dict[str, Any] = {"min": None, "max": None, "nulls": int(counts[0]), "buckets": []}
    if len(present) == 0:
        return limits
    limits |= {"min": values[int(present[0])], "max": values[int(present[-1])]}
    axis = np.asarray(values) if field.kind == "range" else np.asarray(values, "datetime64[D]")
    edges = bucket_edges(axis)
    bucket = np.clip(np.searchsorted(edges, axis, side="right") - 1, 0, len(edges) - 2)
    totals = np.bincount(bucket, weights=counts[1:], minlength=len(edges) - 1)
    limits["buckets"] = [
        {"gte": edge_value(edges[i]), "lt": edge_value(edges[i + 1]), "count": int(totals[i])}
        for i in range(len(edges) - 1)
    ]
    return limits


def bucket_edges(axis: Any) -> Any:
    """Bucket edges over all values of the revision, so that they stay put under any filter."""
    low, high = axis[0], axis[-1]
    if axis.dtype.kind == "M":
        days = max(1, -(-int((high - low).astype(int) + 1) // BUCKETS))
        return low + np.arange(0, BUCKETS + 1) * np.timedelta64(days, "D")
    span = float(high - low) or 1.0
    step = _round_step(span / BUCKETS)
    start = np.floor(float(low) / step) * step
    # The product of a rounded quotient may lie a hair above the least value.
    count = max(0, int(np.floor((float(high) - start) / step))) + 1
    return np.round(start + np.arange(count + 1) * step, 10)


def _round_step(raw: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(raw))
    return float(next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999))


def edge_value(edge: Any) -> float | str:
    """An edge as a number or a day."""
    if isinstance(edge, np.datetime64):
        return str(edge)
    return int(edge) if float(edge).is_integer() else float(edge)


def describe_filters(model: ReadModel) -> list[dict[str, Any]]:
    """Every filter of the revision; made once per model."""
    cache = model.__dict__
    if "_filters" not in cache:
        counter = FacetCounter(CompiledFilter(model, {}), make_bitmaps=False)
        cache["_filters"] = [_describe(model, field, counter) for field in known_fields(model)]
    described: list[dict[str, Any]] = cache["_filters"]
    return described


def _describe(model: ReadModel, field: Field, counter: FacetCounter) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": field.name,
        "label": field.label,
        "level": field.level,
        "kind": field.kind,
        "description": field.description,
        "multiple": field.multi,
        "options": [],
        "range": None,
    }
    if field.kind == "identifier":
        return body
    counts = counter.count(field)
    if field.kind in AS_RANGE:
        described = describe_range(model, field, counts)
        body["range"] = {key: described[key] for key in ("min", "max", "nulls")}
    else:
        body["options"] = _with_legend(field, options(model, field, counts))
    return body


def _with_legend(field: Field, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Values of the legend that the data lacks are listed too, with no image."""
    listed = {str(option["value"]) for option in found}
    missing = [code for code in legend(field.vocabulary) if code not in listed]
    extra = [_option(field, int(code) if field.type == "number" else code, 0) for code in missing]
    nulls = [option for option in found if option["value"] is None]
    return [option for option in found if option["value"] is not None] + extra + nulls
