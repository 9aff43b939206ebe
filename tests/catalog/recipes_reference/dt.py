"""dataset_filtering of the datathon."""

from collections import defaultdict

from tests.catalog.recipes_reference.tables import Result, Row, Tables, days_between, has


def dt(tables: Tables) -> Result:
    """Screens up to 180 days before S or M; and before N or B, or N or B themselves."""
    result = Result()

    def flat(image: Row) -> bool:
        return bool(image["type"] == "2D")

    tables.pool = flat
    screens = [row for row in tables.rows if has(row, "screen")]
    positives = tables.join(_before(tables, result, screens, "SM"), flat)
    tables.count_pairs(result, positives)
    resolved = _before(tables, result, screens, "NB")
    clear = [row for row in screens if row["asses"] in ("N", "B")]
    tables.count(result, clear)
    tables.count(result, resolved + clear)
    positive = {row["patient"] for row, _ in positives}
    negative = [row for row in resolved + clear if row["patient"] not in positive]
    tables.count(result, negative)
    tables.count_pairs(result, tables.join(negative, flat, sided=False))
    negatives = tables.join(negative, flat)
    tables.count_pairs(result, negatives)
    for label, pairs in (("negative", negatives), ("positive", positives)):
        for row, image in pairs:
            result.labels[image["uid"]] = label
            result.evidence[image["uid"]].add(("screen", row["n"], 0))
            if "dx" in row:
                told = ("diagnostic", row["dx"]["n"], row["dx_days"])
                result.evidence[image["uid"]].add(told)
    return result


def _before(tables: Tables, result: Result, screens: list[Row], letters: str) -> list[Row]:
    chosen = [r for r in tables.rows if has(r, "diag") and r["asses"] and r["asses"] in letters]
    tables.count(result, chosen)
    of_patient = defaultdict(list)
    for row in chosen:
        of_patient[row["patient"]].append(row)
    pairs = []
    for row in screens:
        for dx in of_patient[row["patient"]]:
            days = days_between(row["study_date_anon"], dx["study_date_anon"])
            pairs.append({**row, "dx": dx, "dx_days": days})
    tables.count(result, pairs)
    pairs = [row for row in pairs if row["side"] and row["side"] == row["dx"]["side"]]
    tables.count(result, pairs)
    pairs = [row for row in pairs if row["dx_days"] is not None and 0 <= row["dx_days"] <= 180]
    tables.count(result, pairs)
    return pairs
