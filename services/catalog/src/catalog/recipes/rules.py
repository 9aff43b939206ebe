"""Rules that several recipes share: sides, descriptions, missing rows, intervals."""

import polars as pl

DERIVED = -9.0  # numfind of a row that a bilateral exam lacked (screening_label_assignment)

# EMBED README VIII: side L with laterality L, R with R, B and null with both.
APPLIES = (
    pl.col("side").is_null() | (pl.col("side") == "B") | (pl.col("side") == pl.col("laterality"))
)


def describes(word: str) -> pl.Expr:
    """Whether the exam's description has the word, in either case."""
    return pl.col("desc").str.to_lowercase().str.contains(word, literal=True).fill_null(value=False)


def is_one_of(column: str, *values: str | int) -> pl.Expr:
    """Whether the cell is one of ``values``; null is not."""
    wanted = [float(value) if isinstance(value, int) else value for value in values]
    return pl.col(column).is_in(wanted).fill_null(value=False)


EXAM_LATERALITY = (
    pl.when(describes("bilat") | pl.col("desc").str.contains(r"(?i)\bbl\b"))
    .then(pl.lit("B"))
    .when(describes("left") & ~describes("right"))
    .then(pl.lit("L"))
    .when(describes("right") & ~describes("left"))
    .then(pl.lit("R"))
)


def with_images(rows: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    """Each row with each image that it belongs to by the side rule."""
    kept = [name for name in images.columns if name not in rows.columns or name == "exam"]
    return rows.join(images.select(kept), on="exam").filter(APPLIES)


def missing_rows(rows: pl.DataFrame, present: str, absent: str) -> pl.DataFrame:
    """The rows that bilateral exams with rows of ``present`` alone lack on the side ``absent``.

    Each is a copy of one that is there, assessed N and without pathology; what it says of biopsies
    (bside, dates) stays, as in the notebooks. ``rows`` have ``exam_side`` (B: bilateral).
    """
    alone = pl.col("side").eq_missing(pl.lit(present)).all().over("exam")
    return rows.filter(alone & (pl.col("exam_side") == "B")).with_columns(
        side=pl.lit(absent),
        asses=pl.lit("N"),
        severity=pl.lit(None, pl.Float64),
        numfind=pl.lit(DERIVED),
        derived=pl.lit(value=True),
    )


def days_after(rows: pl.DataFrame, others: pl.DataFrame, on: list[str], role: str) -> pl.DataFrame:
    """Pairs of rows and others of the same ``on``; ``days`` from the row to the other.

    Columns of the other end in ``_<role>``. A pair without two dates has null days.
    """
    renamed = others.rename({name: f"{name}_{role}" for name in others.columns if name not in on})
    pairs = rows.join(renamed, on=on)
    days = (pl.col(f"day_{role}") - pl.col("day")).dt.total_days()
    return pairs.with_columns(days.alias(f"days_{role}"))


def evidence(
    frame: pl.DataFrame, role: str, row: str = "n", days: str | None = None
) -> pl.DataFrame:
    """(place, role, n, days): that the clinical row ``row`` speaks for the image's label."""
    since = pl.lit(0, pl.Int64) if days is None else pl.col(days).cast(pl.Int64)
    found = frame.select(
        "place", pl.lit(role).alias("role"), pl.col(row).alias("n"), since.alias("days")
    )
    return found.drop_nulls("n").unique(["place", "role", "n"], maintain_order=True)
