"""screening_label_assignment."""

from tests.catalog.recipes_reference.outcomes import exams_of, is_on, outcomes, tell
from tests.catalog.recipes_reference.tables import Result, Tables


def sla(tables: Tables) -> Result:
    """Five outcomes of screening exams that were followed."""
    result = Result()
    tables.pool = lambda image: True
    rows = [row for row in tables.rows if row["desc"] is not None]
    tables.count(result, rows)
    left, right = tables.completed(rows)
    rows = rows + left + right
    tables.count(result, rows)
    exams = exams_of(rows)
    tables.count_exams(result, [exam for exam in exams.values() if exam["birads"]])
    screens = list(outcomes(exams).values())
    for letters, kind in (("A", "dx"), ("A", "us"), ("NB", "dx"), ("NB", "us")):
        chosen = [s for s in screens if s["birads"] and s["birads"] in letters and s[kind]]
        tables.count_exams(result, chosen)
    negative = [s for s in screens if s["outcome"] == "Screen Negative"]
    tables.count_exams(result, negative)
    for keep in (
        lambda s: True,
        lambda s: s["density"] != 5,
        lambda s: s["birads"] in ("A", "B", "N") and not s["invalid"],
        lambda s: s["outcome"] is not None,
        lambda s: s["outcome"] != "Other Cancer",
        lambda s: s["outcome"] != "Screen Negative" or s["later"],
    ):
        screens = [s for s in screens if keep(s)]
        tables.count_exams(result, screens)
    pairs = [(s, image) for s in screens for image in tables.images.get(s["exam"], ())]
    tables.count_pairs(result, pairs)
    sided = ("Interval Cancer", "Screen Detected Cancer", "Biopsy Proven Benign")
    pairs = [
        (s, image)
        for s, image in pairs
        if s["outcome"] not in sided or is_on(s["outcome_side"], image["laterality"])
    ]
    tables.count_pairs(result, pairs)
    tell(tables, result, pairs)
    for screen, image in pairs:
        if screen["later"]:
            days, later = screen["later"]
            if screen["outcome"] == "Screen Negative":
                result.evidence[image["uid"]].add(("later exam", later["n"], days))
    return result
