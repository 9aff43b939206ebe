"""The recipes `sla` and `nus`: screening exams by their outcome."""

import polars as pl

from catalog.recipes.attrition import Attrition
from catalog.recipes.exams import (
    completed_rows,
    describe_exams,
    follow_screens,
    is_looked_at_again,
    label_screens,
)
from catalog.recipes.notebooks import Labelled
from catalog.recipes.published import (
    CONFIRMED,
    CONFIRMED_OUTCOMES,
    INTERVAL_CANCER,
    OTHER_CANCER,
    OUTCOMES,
    PROVEN_BENIGN,
    SCREEN_DETECTED,
    SCREEN_NEGATIVE,
)
from catalog.recipes.rules import APPLIES, describes, evidence, is_one_of
from catalog.recipes.tables import RecipeTables

MALE = 5
NO_NEXT = {"n_next": pl.Int64, "exam_next": pl.Int32, "days_next": pl.Int64}


def screening_label_assignment(tables: RecipeTables, attrition: Attrition) -> Labelled:
    """`sla`: outcomes with a follow-up for every screen."""
    rows = tables.rows.filter(pl.col("desc").is_not_null())
    attrition.record(1, rows)
    rows = completed_rows(rows)
    attrition.record(2, rows)
    exams = describe_exams(rows)
    attrition.record(3, exams.filter(pl.col("birads").is_not_null()))
    screens = follow_screens(exams)
    for number, origin, later in (
        (4, screens.recalled, screens.diagnostic),
        (5, screens.recalled, screens.ultrasound),
        (6, screens.clear, screens.diagnostic),
        (7, screens.clear, screens.ultrasound),
    ):
        attrition.record(number, origin.join(later, on="exam", how="semi"))
    labelled = label_screens(screens)
    negative = labelled.filter(is_one_of("outcome", SCREEN_NEGATIVE))
    attrition.record(8, negative)
    later = is_looked_at_again(negative, exams)
    kept = _narrow(labelled.join(later, on="exam", how="left", maintain_order="left"), attrition)
    joined = kept.join(tables.images.drop("patient", "day"), on="exam")
    attrition.record(15, joined)
    biopsied = is_one_of("outcome", INTERVAL_CANCER, SCREEN_DETECTED, PROVEN_BENIGN)
    joined = joined.filter(~biopsied | _on_outcome_side())
    attrition.record(16, joined)
    return _by_outcome(joined, OUTCOMES), [
        *_exam_evidence(joined, tables.rows),
        evidence(joined, "later exam", "n_later", "days_later"),
    ]


def _narrow(exams: pl.DataFrame, attrition: Attrition) -> pl.DataFrame:
    """Leave out what the notebook drops at its end (steps 9 to 14)."""
    assessed = is_one_of("birads", "A", "B", "N") & ~pl.col("invalid")
    checked = ~is_one_of("outcome", SCREEN_NEGATIVE) | pl.col("n_later").is_not_null()
    attrition.record(9, exams)
    for number, condition in (
        (10, ~is_one_of("density", MALE)),
        (11, assessed),
        (12, pl.col("outcome").is_not_null()),
        (13, ~is_one_of("outcome", OTHER_CANCER)),
        (14, checked),
    ):
        exams = exams.filter(condition)
        attrition.record(number, exams)
    return exams


def _on_outcome_side() -> pl.Expr:
    side = pl.col("outcome_side")
    return ((side == "B") | (side == pl.col("laterality"))).fill_null(value=False)


def _by_outcome(frame: pl.DataFrame, outcomes: tuple[str, ...]) -> dict[str, pl.Series]:
    return {name: frame.filter(pl.col("outcome") == name)["place"] for name in outcomes}


def _exam_evidence(images: pl.DataFrame, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Every row of the screen, and of the exam that followed it."""
    own = rows.select("exam", row="n")
    following = rows.select(pl.col("exam").alias("exam_next"), pl.col("n").alias("row"))
    return [
        evidence(images.join(own, on="exam"), "screen", "row"),
        evidence(images.join(following, on="exam_next"), "follow-up", "row", "days_next"),
    ]


def nus_pipeline(tables: RecipeTables, attrition: Attrition, roi: str) -> Labelled:
    """`nus`: outcomes as they are; 2D images; ``roi``: any, some or one."""
    attrition.record(1, tables.rows)
    attrition.record(2, tables.images)
    rows = tables.rows.filter(describes("screen"))
    attrition.record(3, rows)
    exams = _recorded(rows) if rows["outcome"].count() else _assigned(tables.rows)
    exams = exams.filter(is_one_of("outcome", *CONFIRMED_OUTCOMES))
    attrition.record(4, rows.join(exams, on="exam", how="semi"))
    cancer = is_one_of("outcome", INTERVAL_CANCER, CONFIRMED[SCREEN_DETECTED])
    exams = exams.filter(~cancer | is_one_of("outcome_side", "L", "R", "B"))
    attrition.record(5, exams)
    flat = tables.images.filter(pl.col("flat") & ~pl.col("spot"))
    attrition.record(6, flat)
    joined = exams.join(flat.drop("patient"), on="exam")
    attrition.record(7, joined)
    joined = joined.filter(~cancer | _on_outcome_side())
    attrition.record(8, joined)
    joined = _with_rois(joined, tables.rows, roi, attrition)
    return _by_outcome(joined, CONFIRMED_OUTCOMES), _exam_evidence(joined, tables.rows)


def _recorded(rows: pl.DataFrame) -> pl.DataFrame:
    """Outcomes that the table itself has."""
    exams = rows.group_by("exam", maintain_order=True).agg(
        pl.col("patient").first(),
        pl.col("outcome").drop_nulls().first(),
        pl.col("outcome_side").drop_nulls().first(),
    )
    return exams.with_columns(pl.lit(None, type_).alias(name) for name, type_ in NO_NEXT.items())


def _assigned(rows: pl.DataFrame) -> pl.DataFrame:
    """Outcomes as `sla` assigns them."""
    rows = completed_rows(rows.filter(pl.col("desc").is_not_null()))
    labelled = label_screens(follow_screens(describe_exams(rows)))
    labelled = labelled.filter(~pl.col("invalid")).with_columns(
        pl.col("outcome").replace(CONFIRMED)
    )
    return labelled.select("exam", "patient", "outcome", "outcome_side", *NO_NEXT)


def _with_rois(
    images: pl.DataFrame, rows: pl.DataFrame, roi: str, attrition: Attrition
) -> pl.DataFrame:
    if roi == "any":
        return images
    images = images.filter(pl.col("rois") > 0)
    attrition.record(9, images)
    if roi == "one":
        several = _findings_on_side(images, rows).filter(pl.col("findings") > 1)
        images = images.filter(pl.col("rois") == 1).join(several, on="place", how="anti")
        attrition.record(10, images)
    return images


def _findings_on_side(images: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """By image how many findings of its exam apply to its side."""
    pairs = images.select("place", "exam", "laterality").join(
        rows.select("exam", "side", "numfind"), on="exam"
    )
    counted = pl.col("numfind").n_unique().alias("findings")
    return pairs.filter(APPLIES).group_by("place").agg(counted)
