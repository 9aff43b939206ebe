"""NUS_example_pipeline."""

from collections import defaultdict

from tests.catalog.recipes_reference.outcomes import exams_of, is_on, outcomes, tell
from tests.catalog.recipes_reference.tables import Result, Row, Tables, has, meets


def nus(tables: Tables, roi: str = "any") -> Result:
    """Five outcomes of screening exams; 2D images without spot and magnification."""
    result = Result()
    tables.pool = lambda image: True
    tables.count(result, tables.rows)
    tables.count_images(result, lambda image: True)
    rows = [row for row in tables.rows if has(row, "screen")]
    tables.count(result, rows)
    screens = _recorded(tables, rows) if any(r["exam_outcome"] for r in rows) else _assigned(tables)
    names = {"Screen Detected Cancer": "Confirmed Cancer"}
    names["Biopsy Proven Benign"] = "Confirmed Benign"
    for screen in screens:
        screen["outcome"] = names.get(screen["outcome"], screen["outcome"])
    cancers = ("Confirmed Cancer", "Interval Cancer")
    five = (*cancers, "Screen Negative", "Diagnostic Negative", "Confirmed Benign")
    screens = [s for s in screens if s["outcome"] in five]
    known = {s["exam"] for s in screens}
    tables.count(result, [row for row in rows if row["exam"] in known])
    screens = [s for s in screens if s["outcome"] not in cancers or s["outcome_side"]]
    tables.count_exams(result, screens)

    def flat(image: Row) -> bool:
        return image["type"] == "2D" and not image["spot"]

    tables.count_images(result, flat)
    pairs = [(s, i) for s in screens for i in tables.images.get(s["exam"], ()) if flat(i)]
    tables.count_pairs(result, pairs)
    pairs = [
        (s, i)
        for s, i in pairs
        if s["outcome"] not in cancers or is_on(s["outcome_side"], i["laterality"])
    ]
    tables.count_pairs(result, pairs)
    if roi != "any":
        pairs = [(s, i) for s, i in pairs if i["num_roi"] > 0]
        tables.count_pairs(result, pairs)
    if roi == "one":
        of_exam = defaultdict(list)
        for row in tables.rows:
            of_exam[row["exam"]].append(row)
        pairs = [
            (s, i) for s, i in pairs if i["num_roi"] == 1 and _findings(of_exam[i["exam"]], i) <= 1
        ]
        tables.count_pairs(result, pairs)
    tell(tables, result, pairs)
    return result


def _findings(rows: list[Row], image: Row) -> int:
    """How many findings ``rows``, those of the exam, have on the image's side."""
    return len({row["numfind"] for row in rows if meets(row["side"], image["laterality"])})


def _recorded(tables: Tables, rows: list[Row]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in rows:
        plain = {"exam": row["exam"], "patient": row["patient"], "next": None}
        exam = found.setdefault(row["exam"], {**plain, "outcome": None, "outcome_side": None})
        exam["outcome"] = exam["outcome"] or row["exam_outcome"]
        exam["outcome_side"] = exam["outcome_side"] or row["outcome_side"]
    return list(found.values())


def _assigned(tables: Tables) -> list[Row]:
    rows = [row for row in tables.rows if row["desc"] is not None]
    left, right = tables.completed(rows)
    screens = outcomes(exams_of(rows + left + right))
    return [screen for screen in screens.values() if not screen["invalid"]]
