"""The recipes `sn`, `dc` and `dt`: two classes from rows, sides and intervals."""

import numpy as np
import polars as pl

from catalog.recipes.attrition import Attrition
from catalog.recipes.rules import (
    EXAM_LATERALITY,
    days_after,
    describes,
    evidence,
    is_one_of,
    missing_rows,
    with_images,
)
from catalog.recipes.tables import RecipeTables

Labelled = tuple[dict[str, pl.Series], list[pl.DataFrame]]

# What makes two screening rows the same to Data_Curation; numfind is not among it.
SAME_ROW = [
    "patient", "exam", "day", "desc", "side", "asses", "severity", "bside", "procdate", "pdate",
]  # fmt: skip
WORK_UP_DAYS = 90
NEXT_SCREEN_DAYS = 360
DATATHON_DAYS = 180


def sample_notebook(tables: RecipeTables, attrition: Attrition) -> Labelled:
    """`sn`: screening negatives; recalls with cancer and an ROI."""
    rows, images = tables.rows, tables.images
    attrition.record(1, rows)
    attrition.record(2, images)
    screens = rows.filter(describes("screen"))
    attrition.record(3, screens)
    negatives = screens.filter(is_one_of("asses", "N", "B"))
    attrition.record(4, negatives)
    negatives = with_images(negatives, images.filter("flat"))
    attrition.record(5, negatives)
    positives = _recalls_with_cancer(tables, attrition)
    negatives = negatives.join(positives, on="place", how="anti")
    attrition.record(12, negatives)
    labelled = {"negative": negatives["place"], "positive": positives["place"]}
    return labelled, [evidence(negatives, "screen"), evidence(positives, "finding")]


def _recalls_with_cancer(tables: RecipeTables, attrition: Attrition) -> pl.DataFrame:
    recalls = tables.rows.filter(is_one_of("asses", "A"))
    attrition.record(6, recalls)
    attrition.record(7, recalls.join(tables.images.drop("patient"), on="exam"))
    sided = with_images(recalls, tables.images.filter(pl.col("flat") | pl.col("cview")))
    attrition.record(8, sided)
    cancers = sided.filter(is_one_of("severity", 0, 1))
    attrition.record(9, cancers)
    drawn = cancers.filter(pl.col("boxes") > 0)
    attrition.record(10, drawn)
    attrition.record(11, drawn[np.repeat(np.arange(drawn.height), drawn["boxes"])])
    return drawn


def data_curation(tables: RecipeTables, attrition: Attrition) -> Labelled:
    """`dc`: recalls that the work-up confirmed; negatives with a later negative screen."""
    views = tables.images.filter(pl.col("flat") & is_one_of("view", "CC", "MLO"))
    attrition.pool = views
    attrition.record(1, views)
    screens = _sided_screens(tables.rows, attrition)
    recalls = screens.filter(is_one_of("asses", "A"))
    attrition.record(10, recalls)
    clear = screens.filter(is_one_of("asses", "N", "B"))
    attrition.record(11, clear)
    work_ups = tables.rows.filter(describes("diag"))
    attrition.record(12, work_ups)
    resolved = _worked_up(recalls, work_ups.filter(is_one_of("asses", "N", "B")))
    attrition.record(13, resolved)
    confirmed = _worked_up(recalls, work_ups.filter(is_one_of("asses", "P", "S", "M", "K")))
    attrition.record(14, confirmed)
    followed = _followed_negatives(clear, resolved, attrition)
    negatives = _on_the_day(followed, views)
    attrition.record(20, negatives)
    positives = _on_the_day(confirmed, views)
    attrition.record(21, positives)
    negatives = negatives.join(positives, on=["exam", "side"], how="anti")
    attrition.record(22, negatives)
    labelled = {"negative": negatives["place"], "positive": positives["place"]}
    return labelled, [
        *_screen_evidence(negatives, "screen", "", None),
        evidence(negatives, "diagnostic", "n_dx", "days_dx"),
        *_screen_evidence(negatives, "later screen", "_next", "days_next"),
        *_screen_evidence(positives, "screen", "", None),
        evidence(positives, "diagnostic", "n_dx", "days_dx"),
    ]


def _screen_evidence(
    frame: pl.DataFrame, role: str, suffix: str, days: str | None
) -> list[pl.DataFrame]:
    """Rows of the image's side, and those of the other that a missing row was derived from."""
    derived = pl.col(f"derived{suffix}")
    return [
        evidence(frame.filter(~derived), role, f"n{suffix}", days),
        evidence(frame.filter(derived), f"{role}, other side", f"n{suffix}", days),
    ]


def _sided_screens(rows: pl.DataFrame, attrition: Attrition) -> pl.DataFrame:
    """Screening rows of one side each, with those that bilateral exams lack (steps 2 to 9)."""
    rows = rows.filter(describes("screen")).with_columns(derived=pl.lit(value=False))
    attrition.record(2, rows)
    rows = rows.with_columns(exam_side=EXAM_LATERALITY)
    attrition.record(3, rows)
    rows = rows.with_columns(side=pl.col("side").fill_null("B"))
    attrition.record(4, rows)
    both = rows.filter(pl.col("side") == "B")
    copies = [both.with_columns(side=pl.lit(side)) for side in ("L", "R")]
    rows = pl.concat([rows.filter(pl.col("side") != "B"), *copies]).sort("n", "side")
    attrition.record(5, rows)
    rows = rows.unique(SAME_ROW, keep="first", maintain_order=True)
    attrition.record(6, rows)
    left, right = missing_rows(rows, "R", "L"), missing_rows(rows, "L", "R")
    attrition.record(7, left)
    attrition.record(8, right)
    rows = pl.concat([rows, left, right])
    attrition.record(9, rows)
    return rows


def _worked_up(recalls: pl.DataFrame, work_ups: pl.DataFrame) -> pl.DataFrame:
    """Recalls with each diagnostic row of the same side up to 90 days later, the earliest first."""
    others = work_ups.select("patient", "n", "day", "side")
    pairs = days_after(recalls, others, ["patient"], "dx")
    same = (
        pl.col("side_dx").is_null()
        | is_one_of("side_dx", "B")
        | (pl.col("side_dx") == pl.col("side"))
    )
    within = pl.col("days_dx").is_between(0, WORK_UP_DAYS)
    return pairs.filter(same & within).sort("days_dx", "n_dx", "n")


def _followed_negatives(
    clear: pl.DataFrame, resolved: pl.DataFrame, attrition: Attrition
) -> pl.DataFrame:
    """Negatives with the first later clear screen of the same side (steps 15 to 19)."""
    candidates = pl.concat([clear, resolved], how="diagonal")
    candidates = candidates.unique(SAME_ROW, keep="first", maintain_order=True)
    attrition.record(15, candidates)
    others = clear.select("patient", "side", "n", "day", "derived")
    pairs = days_after(candidates, others, ["patient", "side"], "next")
    attrition.record(16, pairs)
    later = pairs.filter(pl.col("days_next") > NEXT_SCREEN_DAYS)
    attrition.record(17, later)
    first = later.sort("days_next", "n", "n_next").unique(
        ["exam", "side"], keep="first", maintain_order=True
    )
    attrition.record(18, first)
    unproven = first.filter(pl.col("severity").is_null())
    attrition.record(19, unproven)
    return unproven


def _on_the_day(rows: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    """Rows with the images of their side that were taken on the date of the exam.

    The date of the clinical table is the report's: where it was signed days later, the image is
    lost, as it is in the notebook.
    """
    return with_images(rows, images.rename({"day": "taken"})).filter(
        pl.col("taken") == pl.col("day")
    )


def datathon(tables: RecipeTables, attrition: Attrition) -> Labelled:
    """`dt`: screens before a suspicious diagnostic finding; screens before none."""
    screens = tables.rows.filter(describes("screen"))
    diagnostic = tables.rows.filter(describes("diag"))
    flat = tables.images.filter("flat")
    attrition.pool = flat
    suspicious = _screens_before(screens, diagnostic, ("S", "M"), 1, attrition)
    positives = with_images(suspicious, flat)
    attrition.record(5, positives)
    resolved = _screens_before(screens, diagnostic, ("N", "B"), 6, attrition)
    clear = screens.filter(is_one_of("asses", "N", "B"))
    attrition.record(10, clear)
    negatives = pl.concat([resolved, clear], how="diagonal")
    attrition.record(11, negatives)
    negatives = negatives.join(positives, on="patient", how="anti")
    attrition.record(12, negatives)
    attrition.record(13, negatives.join(flat.drop("patient", "day"), on="exam"))
    negatives = with_images(negatives, flat)
    attrition.record(14, negatives)
    labelled = {"negative": negatives["place"], "positive": positives["place"]}
    return labelled, [
        evidence(frame, role, row, days)
        for frame in (negatives, positives)
        for role, row, days in (("screen", "n", None), ("diagnostic", "n_dx", "days_dx"))
    ]


def _screens_before(
    screens: pl.DataFrame,
    diagnostic: pl.DataFrame,
    assessments: tuple[str, str],
    number: int,
    attrition: Attrition,
) -> pl.DataFrame:
    """Screens up to 180 days before a diagnostic row of these assessments, on the same side.

    Sides are the same where both are recorded and equal. Four steps from ``number`` on.
    """
    chosen = diagnostic.filter(is_one_of("asses", *assessments))
    attrition.record(number, chosen)
    others = chosen.select("patient", "n", "day", "side")
    pairs = days_after(screens, others, ["patient"], "dx")
    attrition.record(number + 1, pairs)
    pairs = pairs.filter(pl.col("side_dx") == pl.col("side"))
    attrition.record(number + 2, pairs)
    pairs = pairs.filter(pl.col("days_dx").is_between(0, DATATHON_DAYS))
    attrition.record(number + 3, pairs)
    return pairs
