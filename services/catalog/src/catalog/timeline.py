"""A patient's exams and procedures in time, from screen to pathology, as intervals in days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog import derive
from catalog.fields import Value
from catalog.vocabulary import ASSESSMENT_ORDER, label_of

Row = Mapping[str, Value]

PATHS = tuple(f"path{i}" for i in range(1, 11))
# A row tells of a procedure where one of these is filled.
PROCEDURE = ("type", "technique", "procdate_anon", "pdate_anon", "path_severity", *PATHS)


@dataclass(frozen=True)
class Visit:
    """An exam: its clinical rows, how many images it has, and when the first of them was taken."""

    exam_id: str
    rows: Sequence[Row]
    images: int
    taken: str | None


def timeline(visits: Iterable[Visit]) -> list[dict[str, Any]]:
    """TimelineExams in time, those without a date last."""
    exams = [_exam(visit) for visit in visits]
    exams.sort(key=lambda exam: (exam["date"] is None, exam["date"] or "", exam["exam_id"]))
    screens = [exam["date"] for exam in exams if exam["exam_type"] == "screening" and exam["date"]]
    begin = before = exams[0]["date"] if exams else None
    for exam in exams:
        day = exam["date"]
        earlier = [screen for screen in screens if day and screen < day]
        exam["days"] = _days(begin, day)
        exam["days_since_previous"] = None if exam is exams[0] else _days(before, day)
        exam["days_since_screen"] = _days(max(earlier, default=None), day)
        for procedure in exam["procedures"]:
            done = procedure["date"]
            earlier = [screen for screen in screens if done and screen <= done]
            procedure["days_since_exam"] = _days(day, done)
            procedure["days_since_screen"] = _days(max(earlier, default=None), done)
        before = day
    return exams


def _exam(visit: Visit) -> dict[str, Any]:
    first: dict[str, Value] = {}
    for row in visit.rows:
        for name, value in row.items():
            first.setdefault(name, value)
    desc = first.get("desc")
    exam_type = derive.exam_type(None if desc is None else str(desc))
    found = {row.get("asses") for row in visit.rows}
    severities = [_number(row.get("path_severity")) for row in visit.rows]
    severity = min((s for s in severities if s is not None), default=None)
    return {
        "exam_id": visit.exam_id,
        "date": _day(first.get("study_date_anon")) or visit.taken,
        "desc": desc,
        "exam_type": exam_type,
        "age_at_study": _number(first.get("age_at_study")),
        "tissueden": _number(first.get("tissueden")),
        "asses": next((code for code in ASSESSMENT_ORDER if code in found), None),
        "path_severity": severity,
        "pathology": derive.pathology_group(severity),
        "images": visit.images,
        "findings": len({row.get("numfind") for row in visit.rows}),
        "procedures": sorted(
            (_procedure(row) for row in visit.rows if not row.keys().isdisjoint(PROCEDURE)),
            key=lambda procedure: (procedure["date"] is None, procedure["date"] or ""),
        ),
    }


def _procedure(row: Row) -> dict[str, Any]:
    codes = [str(row[name]) for name in PATHS if name in row]
    severity = _number(row.get("path_severity"))
    return {
        "date": _day(row.get("procdate_anon")) or _day(row.get("pdate_anon")),
        "reported": _day(row.get("pdate_anon")),
        "numfind": _number(row.get("numfind")),
        "side": row.get("bside", row.get("side")),
        **{name: row.get(name) for name in ("type", "technique")},
        "labels": {
            name: label_of(name, row[name]) for name in ("type", "technique") if name in row
        },
        "path_severity": severity,
        "pathology": derive.pathology_group(severity),
        "pathology_codes": [{"value": code, "label": label_of("path", code)} for code in codes],
    }


def _days(begin: str | None, end: str | None) -> int | None:
    if begin is None or end is None:
        return None
    return (date.fromisoformat(end) - date.fromisoformat(begin)).days


def _day(value: Value | None) -> str | None:
    """An ISO date; None for a cell that was refused and stands as its text."""
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        return None


def _number(value: Value | None) -> float | None:
    """A number; None for a cell that was refused and stands as its text."""
    return None if isinstance(value, str) else value
