"""Every column of the two tables, and every field one can filter by: ``data/*.csv`` read once.

A bare name that both tables have means the image's; ``clinical.NAME`` is the other.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast

Level = Literal["patient", "exam", "finding", "image"]
Kind = Literal["category", "flag", "range", "date", "identifier"]
Type = Literal["code", "text", "number", "flag", "date", "id"]
Table = Literal["clinical", "metadata", "derived"]
Value = str | int | float | bool

# The full table calls race ETHNICITY_DESC, the reduced one RACE_DESC, those of 2024 race; later
# ones write num_ROI.
ALIASES: Mapping[Table, Mapping[str, str]] = {
    "clinical": {"RACE_DESC": "ETHNICITY_DESC", "race": "ETHNICITY_DESC"},
    "metadata": {
        "num_ROI": "num_roi",
        "PNG_ROI_coords": "ROI_coords",
        "ROI_match_level": "match_level",
    },
    "derived": {},
}

# The filters of the report that the project grew from: what is counted where nobody says what.
DEFAULT_FACETS = (
    "asses",
    "side",
    "massshape",
    "massmargin",
    "massdens",
    "calcdistri",
    "type",
    "path_severity",
    "tissueden",
    "ViewPosition",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source table, under EMBED's name."""

    name: str
    table: Table
    type: Type
    vocabulary: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """Something to filter, count and sort by. ``multi``: a cell holds a comma list of codes."""

    name: str
    table: Table
    column: str
    level: Level
    type: Type
    kind: Kind
    multi: bool
    vocabulary: str
    label: str
    description: str


def _rows(name: str) -> list[dict[str, str]]:
    with files("catalog.data").joinpath(name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@cache
def columns(table: Table) -> Mapping[str, Column]:
    """The documented columns of ``table`` by EMBED's name, in EMBED's order."""
    return MappingProxyType(
        {
            row["name"]: Column(
                row["name"], table, cast(Type, row["type"]), row["vocabulary"], row["label"]
            )
            for row in _rows("columns.csv")
            if row["table"] == table
        }
    )


def _field(row: dict[str, str], table: Table, name: str) -> Field:
    return Field(
        name=name,
        table=table,
        column=row["name"],
        level=cast(Level, row["level"]),
        type=cast(Type, row["type"]),
        kind=cast(Kind, row["kind"]),
        multi=row["multi"] == "1",
        vocabulary=row["vocabulary"],
        label=row["label"],
        description=row["description"],
    )


@cache
def fields() -> Mapping[str, Field]:
    """Every filter by its name, in the order in which they are listed."""
    rows = [row for row in _rows("columns.csv") if row["kind"]]
    shared = {row["name"] for row in rows if row["table"] == "metadata"}
    found: dict[str, Field] = {}
    for row in rows:
        table = cast(Table, row["table"])
        clash = table == "clinical" and row["name"] in shared
        name = f"clinical.{row['name']}" if clash else row["name"]
        found[name] = _field(row, table, name)
    for row in _rows("derived.csv"):
        found[row["name"]] = _field(row, "derived", row["name"])
    return MappingProxyType(found)


def field_named(name: str) -> Field | None:
    """The field called ``name`` in any release's spelling."""
    known = fields()
    spelled = next((names[name] for names in ALIASES.values() if name in names), name)
    return known.get(name) or known.get(spelled)


def source_fields(table: Table) -> list[Field]:
    """The fields that are read from ``table``."""
    return [field for field in fields().values() if field.table == table]
