"""Data_Curation."""

from collections import defaultdict
from typing import Any

from tests.catalog.recipes_reference.tables import Result, Row, Tables, days_between, has, meets


def _distinct(rows: list[Row]) -> list[Row]:
    names = ["patient", "exam", "study_date_anon", "desc", "side", "asses", "path_severity"]
    names += ["bside", "procdate_anon", "pdate_anon"]
    seen: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        seen.setdefault(tuple(row[name] for name in names), row)
    return list(seen.values())


def dc(tables: Tables) -> Result:
    """A confirmed within 90 days; N and B with another such screen more than 360 days later."""
    result = Result()
    tables.pool = lambda image: image["type"] == "2D" and image["view"] in ("CC", "MLO")
    tables.count_images(result, tables.pool)
    rows = [row for row in tables.rows if has(row, "screen")]
    for _ in range(2):  # read; exam laterality
        tables.count(result, rows)
    rows = [{**row, "side": row["side"] or "B"} for row in rows]
    tables.count(result, rows)
    split: list[Row] = []
    for row in rows:
        split += [{**row, "side": s} for s in ("LR" if row["side"] == "B" else row["side"])]
    tables.count(result, split)
    rows = _distinct(split)
    tables.count(result, rows)
    left, right = tables.completed(rows)
    tables.count(result, left)
    tables.count(result, right)
    rows = rows + left + right
    tables.count(result, rows)
    recalls = [row for row in rows if row["asses"] == "A"]
    tables.count(result, recalls)
    clear = [row for row in rows if row["asses"] in ("N", "B")]
    tables.count(result, clear)
    diagnostic = [row for row in tables.rows if has(row, "diag")]
    tables.count(result, diagnostic)
    resolved = _worked_up(recalls, diagnostic, "NB")
    tables.count(result, resolved)
    confirmed = _worked_up(recalls, diagnostic, "PSMK")
    tables.count(result, confirmed)
    followed = _first_clear(tables, result, clear, _distinct(clear + resolved))
    negatives = _on_the_day(tables, followed)
    tables.count_pairs(result, negatives)
    positives = _on_the_day(tables, confirmed)
    tables.count_pairs(result, positives)
    taken = {(row["exam"], row["side"]) for row, _ in positives}
    negatives = [pair for pair in negatives if (pair[0]["exam"], pair[0]["side"]) not in taken]
    tables.count_pairs(result, negatives)
    for label, pairs in (("negative", negatives), ("positive", positives)):
        for row, image in pairs:
            other = ", other side"
            result.labels[image["uid"]] = label
            told = result.evidence[image["uid"]]
            told.add(("screen" + other * row["derived"], row["n"], 0))
            if "dx" in row:
                told.add(("diagnostic", row["dx"]["n"], row["dx_days"]))
            if "next" in row:
                role = "later screen" + other * row["next"]["derived"]
                told.add((role, row["next"]["n"], row["next_days"]))
    return result


def _worked_up(recalls: list[Row], diagnostic: list[Row], letters: str) -> list[Row]:
    of_patient = defaultdict(list)
    for row in diagnostic:
        if row["asses"] and row["asses"] in letters:
            of_patient[row["patient"]].append(row)
    found = []
    for row in recalls:
        for dx in of_patient[row["patient"]]:
            days = days_between(row["study_date_anon"], dx["study_date_anon"])
            if days is not None and 0 <= days <= 90 and meets(dx["side"], row["side"]):
                found.append({**row, "dx": dx, "dx_days": days})
    return sorted(found, key=lambda row: (row["dx_days"], row["dx"]["n"], row["n"]))


def _first_clear(
    tables: Tables, result: Result, clear: list[Row], candidates: list[Row]
) -> list[Row]:
    tables.count(result, candidates)
    screens = defaultdict(list)
    for row in clear:
        screens[row["patient"], row["side"]].append(row)
    pairs = []
    for row in candidates:
        for other in screens[row["patient"], row["side"]]:
            days = days_between(row["study_date_anon"], other["study_date_anon"])
            pairs.append({**row, "next": other, "next_days": days})
    tables.count(result, pairs)
    pairs = [row for row in pairs if row["next_days"] is not None and row["next_days"] > 360]
    tables.count(result, pairs)
    pairs.sort(key=lambda row: (row["next_days"], row["n"], row["next"]["n"]))
    first: dict[tuple[str, str], Row] = {}
    for row in pairs:
        first.setdefault((row["exam"], row["side"]), row)
    tables.count(result, list(first.values()))
    unproven = [row for row in first.values() if row["path_severity"] is None]
    tables.count(result, unproven)
    return unproven


def _on_the_day(tables: Tables, rows: list[Row]) -> list[tuple[Row, Row]]:
    pairs = tables.join(rows, tables.pool)
    return [
        (row, image)
        for row, image in pairs
        if image["day"] is not None and image["day"] == row["study_date_anon"]
    ]
