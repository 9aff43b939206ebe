"""Distributions, cross-tables, missing values and counts per year, under a filter. Pure.

Unlike a facet, a field's own condition holds for its distribution. Counts are exact and distinct:
an image with two findings of one value counts once there, and in a cross-table it counts where one
finding that meets the filter has both values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from chassis.problems import invalid

from catalog.counting import AS_RANGE, bucket_edges, edge_value
from catalog.fields import Field
from catalog.grammar import find_field
from catalog.model.dictionary import Counts, Dictionary
from catalog.model.facets import Unit, distinct
from catalog.model.read_model import ReadModel, known_fields
from catalog.model.select import Selection
from catalog.vocabulary import codes as legend
from catalog.vocabulary import label_of

Ints = npt.NDArray[np.int64]

YEAR_FIELD = "study_date_anon"
MAX_BINS = 500
MAX_CELLS = 20_000


@dataclass(frozen=True)
class Axis:
    """A field in bins; ``start`` and ``bin`` say which bins each code of the field falls in.

    Bins of code i are ``bin[start[i]:start[i + 1]]``: several only for comma lists.
    """

    field: Field
    bins: list[dict[str, Any]]
    start: Ints
    bin: Ints


def axis_of(model: ReadModel, name: str, where: str) -> Axis:
    """The bins of a field: its values, or for numbers and days the buckets of its histogram."""
    field = find_field(name, where)
    if field.kind == "identifier":
        raise invalid(f"{where}.{name}", "identifiers are not counted")
    if not model.has(field.name):
        raise invalid(f"{where}.{name}", "this revision's files do not have the column")
    dictionary = model.dictionary(field)
    if field.kind in AS_RANGE:
        return _buckets(field, dictionary)
    if len(dictionary.elements) > MAX_BINS:
        raise invalid(f"{where}.{name}", f"it has more than {MAX_BINS} values")
    return _values(field, dictionary)


def _values(field: Field, dictionary: Dictionary) -> Axis:
    elements = (None, *dictionary.elements)
    order = {code: place for place, code in enumerate(legend(field.vocabulary))}
    # As facets list them: in the legend's order, null last.
    listed = sorted(
        range(len(elements)),
        key=lambda i: (elements[i] is None, order.get(str(elements[i]), len(order)), i),
    )
    place = np.argsort(np.asarray(listed))
    bins = [
        {"value": elements[i], "label": label_of(field.vocabulary, elements[i])} for i in listed
    ]
    if not dictionary.multi:
        return Axis(field, bins, np.arange(len(elements) + 1), place)
    start, element = dictionary.membership
    return Axis(field, bins, start.astype(np.int64), place[element])


def _buckets(field: Field, dictionary: Dictionary) -> Axis:
    null = {"value": None, "label": label_of("", None)}
    if not dictionary.values:
        return Axis(field, [null], np.arange(2), np.zeros(1, np.int64))
    dates = field.kind == "date"
    values = np.asarray(dictionary.values, "datetime64[D]" if dates else None)
    edges = bucket_edges(values)
    last = len(edges) - 2
    bucket = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, last)
    ends = [(edge_value(edges[i]), edge_value(edges[i + 1])) for i in range(last + 1)]
    bins = [{"gte": low, "lt": high, "label": f"{low} to {high}"} for low, high in ends]
    codes = np.concatenate([[last + 1], bucket]).astype(np.int64)
    return Axis(field, [*bins, null], np.arange(len(codes) + 1), codes)


def years_of(model: ReadModel) -> Axis | None:
    """The years of the acquisition; shifted by up to half a year for each patient, as EMBED is."""
    if not model.has(YEAR_FIELD):
        return None
    field = find_field(YEAR_FIELD)
    years = [int(str(value)[:4]) for value in model.dictionary(field).values]
    listed = sorted(set(years))
    codes = [len(listed), *(listed.index(year) for year in years)]
    bins = [{"value": year, "label": str(year)} for year in listed]
    null = {"value": None, "label": label_of("", None)}
    return Axis(field, [*bins, null], np.arange(len(codes) + 1), np.asarray(codes, np.int64))


def tabulate(selection: Selection, axes: Sequence[Axis], unit: Unit) -> Counts:
    """How many images, exams or patients fall in each cell; one dimension an axis, bins last."""
    shape = [len(axis.bins) for axis in axes]
    image, row = _image_rows(selection, axes)
    owner = _owner(selection.model, unit)
    index = np.arange(len(image))
    cell = np.zeros(len(image), np.int64)
    for axis, size in zip(axes, shape, strict=True):
        codes = _codes(selection.model, axis.field, image[index], row[index])
        length = np.diff(axis.start)[codes]
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        bins = axis.bin[np.repeat(axis.start[codes], length) + offset]
        cell = np.repeat(cell * size, length) + bins
        index = np.repeat(index, length)
    owners: int = getattr(selection.model, unit)
    counts = distinct(owner[image[index]], cell, owners, int(np.prod(shape)))
    return np.reshape(counts, shape)


def _image_rows(selection: Selection, axes: Sequence[Axis]) -> tuple[Ints, Ints]:
    """Matching images; where an axis is of findings, each with each row that meets the filter."""
    model, places = selection.model, selection.places
    if all(axis.field.level != "finding" for axis in axes):
        return places, places
    breast = model.breast_of_image[places]
    first, length = model.pair_start[breast], np.diff(model.pair_start)[breast]
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    image = np.repeat(places, length)
    row = model.pair_row[np.repeat(first, length) + offset].astype(np.int64)
    if selection.rows is not None:
        kept = selection.rows[row]
        image, row = image[kept], row[kept]
    return image, row


def _codes(model: ReadModel, field: Field, image: Ints, row: Ints) -> Any:
    codes = model.codes_of(field)
    if field.level == "finding":
        return codes[row]
    return codes[model.owner_of_image(field.level)[image]]


def _owner(model: ReadModel, unit: Unit) -> Any:
    level = {"images": "image", "exams": "exam", "patients": "patient"}[unit]
    return model.owner_of_image(level)  # type: ignore[arg-type]  # one of three levels


def distribution(selection: Selection, axis: Axis, unit: Unit) -> dict[str, Any]:
    """A field's bins with their counts, ready to plot; null is the last bin."""
    counts = tabulate(selection, [axis], unit).tolist()
    bins = [{**item, "count": count} for item, count in zip(axis.bins, counts, strict=True)]
    return {**_about(axis.field), "bins": bins, "summary": _summary(selection, axis.field, unit)}


def _about(field: Field) -> dict[str, Any]:
    return {"field": field.name, "label": field.label, "level": field.level, "kind": field.kind}


def _summary(selection: Selection, field: Field, unit: Unit) -> dict[str, float | int] | None:
    """Mean, deviation and quartiles of a number over its distinct values per unit."""
    dictionary = selection.model.dictionary(field)
    if field.kind != "range" or not dictionary.values:
        return None
    size = dictionary.size
    exact = Axis(field, [{}] * size, np.arange(size + 1), np.arange(size))
    counts = tabulate(selection, [exact], unit)[1:]
    total = int(counts.sum())
    if total == 0:
        return None
    values = np.asarray(dictionary.values, np.float64)
    mean = float(np.average(values, weights=counts))
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    running = np.cumsum(counts)
    quartiles = [float(values[np.searchsorted(running, total * q)]) for q in (0.25, 0.5, 0.75)]
    present = values[counts > 0]
    return {
        "count": total,
        "mean": mean,
        "sd": deviation,
        "min": float(present[0]),
        "q1": quartiles[0],
        "median": quartiles[1],
        "q3": quartiles[2],
        "max": float(present[-1]),
    }


def cross_table(selection: Selection, rows: Axis, columns: Axis, unit: Unit) -> dict[str, Any]:
    """Counts by two fields: ``counts[i][j]`` has row i and column j."""
    cells = len(rows.bins) * len(columns.bins)
    if cells > MAX_CELLS:
        names = f"{rows.field.name},{columns.field.name}"
        raise invalid("cross", f"{names} has {cells} cells, more than {MAX_CELLS}")
    return {
        "rows": {**_about(rows.field), "bins": rows.bins},
        "columns": {**_about(columns.field), "bins": columns.bins},
        "counts": tabulate(selection, [rows, columns], unit).tolist(),
    }


def missing(selection: Selection) -> list[dict[str, Any]]:
    """By field how many of its own kind (patients, exams, finding rows, images) have no value."""
    model = selection.model
    alive = {
        "image": selection.places,
        "exam": np.flatnonzero(selection.per_exam),
        "patient": np.flatnonzero(selection.per_patient),
        "finding": _finding_rows(selection),
    }
    found = []
    for field in known_fields(model):
        codes = model.codes_of(field)[alive[field.level]]
        total = len(codes)
        nulls = total - int(np.count_nonzero(codes))
        share = nulls / total if total else None
        found.append({**_about(field), "total": total, "missing": nulls, "share": share})
    return found


def _finding_rows(selection: Selection) -> Ints:
    """Finding rows that apply to a matching image and meet the filter."""
    model = selection.model
    hit = np.repeat(selection.per_breast > 0, np.diff(model.pair_start))
    applying = np.unique(model.pair_row[hit]).astype(np.int64)
    rows: Ints = applying[applying != model.rows - 1]
    return rows if selection.rows is None else rows[selection.rows[rows]]


def describe(
    selection: Selection,
    fields: Sequence[str],
    crosses: Sequence[tuple[str, str]],
    unit: Unit,
    *,
    with_missing: bool,
    with_years: bool,
) -> dict[str, Any]:
    """``Statistics``."""
    model = selection.model
    tables = [(axis_of(model, a, "cross"), axis_of(model, b, "cross")) for a, b in crosses]
    axes = [axis_of(model, name, "fields") for name in dict.fromkeys(fields)]
    years = years_of(model) if with_years else None
    return {
        "total": selection.totals(),
        "count": unit,
        "distributions": [distribution(selection, axis, unit) for axis in axes],
        "cross_tables": [cross_table(selection, rows, columns, unit) for rows, columns in tables],
        "years": None if years is None else distribution(selection, years, unit)["bins"],
        "missing": missing(selection) if with_missing else None,
    }
