"""Query parameters of QIDO-RS (PS3.18 8.3.4), as a question to the catalog. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from chassis.problems import FieldError, Problem
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from imagery.dicomweb.disclosed import DISCLOSED

Level = Literal["study", "series", "instance"]

DEFAULT_LIMIT = 200
MOST = 1000
FARTHEST = 2**31 - 1
LONGEST = 300
LONGEST_NAME = 63

# Keys that the catalog matches by, and what it calls them.
CATALOG_KEYS = {
    "PatientID": "patient_id",
    "PatientName": "patient_id",
    "AccessionNumber": "exam_id",
    "StudyDate": "study_date_anon",
    "StudyDescription": "StudyDescription",
    "ModalitiesInStudy": "Modality",
    "PatientSex": "PatientSex",
    "Modality": "Modality",
    "SeriesDescription": "SeriesDescription",
    "ProtocolName": "ProtocolName",
    "Manufacturer": "Manufacturer",
    "ManufacturerModelName": "ManufacturerModelName",
    "ViewPosition": "ViewPosition",
    "ImageLaterality": "ImageLateralityFinal",
    "PresentationIntentType": "PresentationIntentType",
}
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_name = re.compile(r"[!-~]{1,64}")
_date = re.compile(r"\d{8}")
_tag = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass
class Query:
    """What is searched for.

    ``match`` are the catalog's conditions; ``uids`` lists of UIDs by keyword, of which any one may
    match; ``include`` keywords of attributes that are wanted beside the usual ones, or `all`.
    """

    level: Level
    dataset: str | None = None
    match: dict[str, dict[str, Any]] = field(default_factory=dict)
    uids: dict[str, frozenset[str]] = field(default_factory=dict)
    include: set[str] = field(default_factory=set)
    offset: int = 0
    limit: int = DEFAULT_LIMIT
    warnings: list[str] = field(default_factory=list)


def parse_query(level: Level, parameters: Iterable[tuple[str, str]]) -> Query:
    """The query; a Problem (400) that names what cannot be understood."""
    query = Query(level)
    for name, value in parameters:
        match name:
            case "limit":
                query.limit = min(_number(name, value, 1, FARTHEST), MOST)
            case "offset":
                query.offset = _number(name, value, 0, FARTHEST)
            case "dataset":
                if len(value) > LONGEST_NAME or not value.isprintable():
                    raise _bad("dataset", "is no name of a dataset", ["embed-synthetic"])
                query.dataset = value
            case "fuzzymatching":
                _note_fuzzy(query, value)
            case "includefield":
                query.include.update(_included(value))
            case "accept" | "charset":
                continue
            case _:
                _add_key(query, _keyword(name), value)
    return query


def _number(name: str, value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdecimal() and least <= int(value[:12]) <= most):
        raise _bad(name, f"is not a whole number from {least}", [str(least)])
    return int(value)


def _note_fuzzy(query: Query, value: str) -> None:
    if value.lower() not in ("true", "false"):
        raise _bad("fuzzymatching", "is not true or false", ["true", "false"])
    if value.lower() == "true":
        query.warnings.append(
            "The fuzzymatching parameter is not supported. Only literal matching has been performed"
        )


def _included(value: str) -> Iterable[str]:
    for name in value.split(","):
        if name == "all":
            yield name
        elif name:
            yield _keyword(name)


def _keyword(name: str) -> str:
    """Of an attribute given by keyword or tag; a path of them stays one, and is not matched."""
    parts = name.split(".")
    found = [keyword_for_tag(part) if _tag.fullmatch(part) else part for part in parts]
    if not all(found) or any(tag_for_keyword(part) is None for part in found):
        raise _bad(name[:100], "is no attribute", sorted(CATALOG_KEYS))
    return ".".join(found)


def _add_key(query: Query, keyword: str, value: str) -> None:
    query.include.add(keyword)
    if value == "":
        return
    if keyword in UIDS:
        query.uids[keyword] = frozenset(filter(is_uid, re.split(r"[,\\]", value)[:MOST]))
    elif keyword == "StudyDate":
        query.match["study_date_anon"] = _dates(value)
    elif keyword in CATALOG_KEYS:
        query.match[CATALOG_KEYS[keyword]] = {"any_of": _patterns(keyword, value)}
    else:
        query.warnings.append(f"The attribute {keyword} is not supported for matching")


def is_uid(text: str) -> bool:
    """Whether an image may be called so; names that are no true UIDs occur."""
    return _name.fullmatch(text) is not None


def _patterns(keyword: str, value: str) -> list[str]:
    if len(value) > LONGEST or not value.isprintable():
        raise _bad(keyword, f"is longer than {LONGEST} characters, or not text", ["text"])
    if keyword == "PatientName":
        return [value.replace("^", "")]
    return value.split("\\")


def _dates(value: str) -> dict[str, str]:
    """`20150101`, `20150101-20160101`, `-20160101` or `20150101-` (PS3.4 C.2.2.2.5.1)."""
    begin, dash, end = value.partition("-")
    if not dash:
        end = begin
    found = {name: _day(part) for name, part in (("least", begin), ("most", end)) if part}
    if not found:
        raise _bad("StudyDate", "is no date and no range", ["20150101", "20150101-20161231"])
    return found


def _day(text: str) -> str:
    if _date.fullmatch(text):
        try:
            return datetime.strptime(text, "%Y%m%d").date().isoformat()  # noqa: DTZ007 - a day
        except ValueError:
            pass
    raise _bad("StudyDate", "is no date", ["20150101", "20150101-20161231"])


def _bad(name: str, message: str, accepted: Sequence[str]) -> Problem:
    fault = FieldError(field=name, message=message, accepted=list(accepted))
    return Problem(400, "Not a query", detail=f"{name} {message}", errors=[fault])


def shown_keywords(usual: Iterable[str], include: set[str]) -> set[str]:
    """What a result shows of a row."""
    return set(DISCLOSED) if "all" in include else {*usual, *(include & DISCLOSED)}
