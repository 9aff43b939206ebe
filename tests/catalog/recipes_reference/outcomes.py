"""Outcomes of screening exams: what screening_label_assignment and NUS_example_pipeline share."""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.catalog.recipes_reference.tables import (
    WORST_FIRST,
    Result,
    Row,
    Tables,
    days_between,
    has,
    laterality_of,
)


def exams_of(rows: list[Row]) -> dict[str, Row]:
    """What the rows of each exam say together."""
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["exam"]].append(row)
    return {exam: _describe(exam, own) for exam, own in grouped.items()}


def outcomes(exams: dict[str, Row]) -> dict[str, Row]:
    """Screening exams with follow-up and outcome."""
    of_patient = defaultdict(list)
    for exam in exams.values():
        of_patient[exam["patient"]].append(exam)
    found = {}
    for name, exam in exams.items():
        if has(exam, "screen"):
            screen = dict(exam)
            if screen["birads"] in ("N", "B") and screen["severity"] is not None:
                screen["birads"] = "A"  # addended
            window = {"A": 180, "N": 365, "B": 365}.get(screen["birads"], -1)
            others = of_patient[exam["patient"]]
            screen["dx"] = _earliest(screen, others, window, lambda e: has(e, "diag"))
            screen["us"] = _earliest(screen, others, window, _is_ultrasound)
            screen["next"] = _preferred(screen["dx"], screen["us"])
            screen["outcome"], screen["outcome_side"] = _outcome(screen)
            later = _earliest(screen, others, 1461, lambda e: True, first=366, any_side=True)
            screen["later"] = later
            found[name] = screen
    return found


def tell(tables: Tables, result: Result, pairs: list[tuple[Row, Row]]) -> None:
    """Labels and evidence of pairs of a screen and an image."""
    own = defaultdict(list)
    for row in tables.rows:
        own[row["exam"]].append(row["n"])
    for screen, image in pairs:
        result.labels[image["uid"]] = screen["outcome"]
        told = result.evidence[image["uid"]]
        told.update(("screen", n, 0) for n in own[screen["exam"]])
        if screen["next"]:
            days, following = screen["next"]
            told.update(("follow-up", n, days) for n in own[following["exam"]])


def _describe(exam: str, rows: list[Row]) -> Row:
    def first(name: str) -> Any:
        return next((row[name] for row in rows if row[name] is not None), None)

    letters = [row["asses"] for row in rows if row["asses"]]
    known = [letter for letter in WORST_FIRST if letter in letters]
    severities = [row["path_severity"] for row in rows if row["path_severity"] is not None]
    return {
        "exam": exam,
        "patient": rows[0]["patient"],
        "n": rows[0]["n"],
        "desc": first("desc"),
        "day": first("study_date_anon"),
        "density": first("tissueden"),
        "laterality": laterality_of(first("desc")),
        "birads": known[0] if known else None,
        "invalid": any(letter in "PSMKX" for letter in letters),
        "severity": min(severities, default=None),
        "cancer_sides": _sides(rows, (0, 1)),
        "benign_sides": _sides(rows, (2, 3, 4)),
    }


def _sides(rows: list[Row], severities: tuple[int, ...]) -> set[str]:
    found: set[str] = set()
    for row in rows:
        if row["path_severity"] in severities and row["bside"]:
            found |= set("LR" if row["bside"] == "B" else row["bside"])
    return found & {"L", "R"}


def _is_ultrasound(exam: Row) -> bool:
    named = re.search(r"\bUS\b", exam["desc"] or "") is not None
    return named and not has(exam, "diag") and exam["birads"] is not None


def _earliest(
    screen: Row,
    others: list[Row],
    last: int,
    wanted: Callable[[Row], bool],
    *,
    first: int = 0,
    any_side: bool = False,
) -> tuple[int, Row] | None:
    found = []
    for other in others:
        days = days_between(screen["day"], other["day"])
        if other["exam"] == screen["exam"] or days is None or not first <= days <= last:
            continue
        sides = (screen["laterality"], other["laterality"])
        same = "B" in sides or (sides[0] is not None and sides[0] == sides[1])
        if wanted(other) and (any_side or same):
            found.append((days, other["n"], other))
    if not found:
        return None
    days, _, other = min(found, key=lambda item: item[:2])
    return days, other


def _preferred(dx: tuple[int, Row] | None, us: tuple[int, Row] | None) -> tuple[int, Row] | None:
    if dx is None or us is None:
        return dx or us
    severe = us[1]["severity"]
    if severe is None:
        return dx
    return us if dx[1]["severity"] is None or severe < dx[1]["severity"] else dx


def _outcome(screen: Row) -> tuple[str | None, set[str]]:
    following = screen["next"][1] if screen["next"] else None
    after = following["severity"] if following else None
    cancers = screen["cancer_sides"] | (following["cancer_sides"] if following else set())
    benign = screen["benign_sides"] | (following["benign_sides"] if following else set())
    if screen["birads"] in ("N", "B"):
        one = screen["laterality"]
        sides = following["cancer_sides"] if following else set()
        if after in (0, 1) and (one == "B" or sides == {"L", "R"} or (one and one in sides)):
            return "Interval Cancer", cancers
        return "Screen Negative", set()
    if screen["birads"] != "A":
        return None, set()
    both = {screen["severity"], after}
    if both & {0, 1}:
        return "Screen Detected Cancer", cancers
    if both & {2, 3, 4}:
        return "Biopsy Proven Benign", benign
    if following and following["birads"] in ("N", "B", "P"):
        return "Diagnostic Negative", set()
    return ("Other Cancer", set()) if 5 in both else (None, set())


def is_on(sides: Any, laterality: str | None) -> bool:
    """Whether an image lies on one of the sides; where both are meant, any image does."""
    both = sides == "B" or sides == {"L", "R"}
    return both or (bool(sides) and laterality is not None and laterality in sides)
