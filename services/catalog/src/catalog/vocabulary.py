"""The codes of EMBED's tables and what they mean (AWS_Open_Data_Clinical_Legend and notebooks)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

UNLISTED = "unlisted code"

# Most to least suspicious (Emory's screening label assignment); X says nothing.
ASSESSMENT_ORDER = ("K", "M", "S", "P", "A", "B", "N", "X")
NOT_AT_SCREENING = frozenset("PSMK")


@dataclass(frozen=True, slots=True)
class Code:
    """One code: ``doubtful`` where the sources disagree; ``severity`` for pathology codes."""

    code: str
    label: str
    doubtful: bool
    severity: int | None


@cache
def vocabularies() -> Mapping[str, Mapping[str, Code]]:
    """Every vocabulary by name: its codes in the order in which people want to read them."""
    found: dict[str, dict[str, Code]] = {}
    with files("catalog.data").joinpath("codes.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            severity = int(row["severity"]) if row["severity"] else None
            code = Code(row["code"], row["label"], row["doubtful"] == "1", severity)
            found.setdefault(row["vocabulary"], {})[code.code] = code
    return MappingProxyType(found)


def codes(vocabulary: str) -> Mapping[str, Code]:
    """The codes of one vocabulary; none where a column has no legend."""
    return vocabularies().get(vocabulary, {})


def label_of(vocabulary: str, value: str | float | bool | None) -> str:
    """What a person reads for ``value``: its meaning, itself, or that it is not listed."""
    if value is None:
        return "not recorded"
    if isinstance(value, bool):
        return "yes" if value else "no"
    known = codes(vocabulary)
    whole = isinstance(value, float) and value.is_integer()
    code = known.get(str(int(value) if whole else value))
    if code is not None:
        return code.label + (" (doubtful)" if code.doubtful else "")
    return f"{value} ({UNLISTED})" if known else str(value)
