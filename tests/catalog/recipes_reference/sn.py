"""Sample_Notebook."""

from tests.catalog.recipes_reference.tables import Result, Tables, has


def sn(tables: Tables) -> Result:
    """Screening N and B; A of any exam with cancer and an ROI."""
    result = Result()
    tables.pool = lambda image: True
    tables.count(result, tables.rows)
    tables.count_images(result, lambda image: True)
    screens = [row for row in tables.rows if has(row, "screen")]
    tables.count(result, screens)
    clear = [row for row in screens if row["asses"] in ("N", "B")]
    tables.count(result, clear)
    negatives = tables.join(clear, lambda image: image["type"] == "2D")
    tables.count_pairs(result, negatives)
    recalls = [row for row in tables.rows if row["asses"] == "A"]
    tables.count(result, recalls)
    tables.count_pairs(result, tables.join(recalls, lambda image: True, sided=False))
    joined = tables.join(recalls, lambda image: image["type"] in ("2D", "cview"))
    tables.count_pairs(result, joined)
    joined = [pair for pair in joined if pair[0]["path_severity"] in (0, 1)]
    tables.count_pairs(result, joined)
    positives = [pair for pair in joined if pair[1]["boxes"]]
    tables.count_pairs(result, positives)
    tables.count_pairs(result, [p for p in positives for _ in range(p[1]["boxes"])])
    taken = {image["uid"] for _, image in positives}
    negatives = [pair for pair in negatives if pair[1]["uid"] not in taken]
    tables.count_pairs(result, negatives)
    for label, role, pairs in (
        ("negative", "screen", negatives),
        ("positive", "finding", positives),
    ):
        for row, image in pairs:
            result.labels[image["uid"]] = label
            result.evidence[image["uid"]].add((role, row["n"], 0))
    return result
