"""Screening exams, what followed them, and their outcome (screening_label_assignment)."""

from dataclasses import dataclass

import polars as pl

from catalog.recipes.published import (
    DIAGNOSTIC_NEGATIVE,
    INTERVAL_CANCER,
    OTHER_CANCER,
    PROVEN_BENIGN,
    SCREEN_DETECTED,
    SCREEN_NEGATIVE,
)
from catalog.recipes.rules import EXAM_LATERALITY, days_after, describes, is_one_of, missing_rows
from catalog.vocabulary import ASSESSMENT_ORDER

RECALL_DAYS = 180
INTERVAL_DAYS = 365
LATER_DAYS = (366, 1461)  # a further exam, from a year to four

_ranks = {letter: rank for rank, letter in enumerate(ASSESSMENT_ORDER)}
_unknown = len(_ranks)
IS_ULTRASOUND = pl.col("desc").str.contains(r"\bUS\b") & ~describes("diag")


def completed_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that have a description, and those that bilateral exams lack."""
    rows = rows.with_columns(exam_side=EXAM_LATERALITY, derived=pl.lit(value=False))
    return pl.concat([rows, missing_rows(rows, "R", "L"), missing_rows(rows, "L", "R")])


def _sides(severities: tuple[int, ...]) -> pl.Expr:
    """The biopsied sides of an exam's rows of these severities: L, R, B for both; or null."""
    sides = pl.col("bside").filter(is_one_of("severity", *severities))
    left = sides.is_in(["L", "B"]).any()
    right = sides.is_in(["R", "B"]).any()
    return (
        pl.when(left & right)
        .then(pl.lit("B"))
        .when(left)
        .then(pl.lit("L"))
        .when(right)
        .then(pl.lit("R"))
    )


def describe_exams(rows: pl.DataFrame) -> pl.DataFrame:
    """An exam a row: worst assessment (its rank as well), least severity, biopsied sides, ..."""
    first = {name: pl.col(name).drop_nulls().first() for name in ("day", "desc", "density")}
    exams = rows.group_by("exam", maintain_order=True).agg(
        pl.col("patient").first(),
        pl.col("n").first(),
        **first,
        rank=pl.col("asses").replace_strict(_ranks, default=_unknown, return_dtype=pl.Int8).min(),
        invalid=is_one_of("asses", "P", "S", "M", "K", "X").any(),
        severity=pl.col("severity").min(),
        cancer_side=_sides((0, 1)),
        benign_side=_sides((2, 3, 4)),
    )
    letters = {rank: letter for letter, rank in _ranks.items()}
    return exams.with_columns(
        birads=pl.col("rank").replace_strict(letters, default=None, return_dtype=pl.String),
        exam_side=EXAM_LATERALITY,
    )


@dataclass(frozen=True)
class Screens:
    """Screening exams and, by exam, the first diagnostic exam and ultrasound after each."""

    exams: pl.DataFrame
    recalled: pl.DataFrame
    clear: pl.DataFrame
    diagnostic: pl.DataFrame
    ultrasound: pl.DataFrame


def follow_screens(exams: pl.DataFrame) -> Screens:
    """Find what followed each screen.

    A negative screen that carries pathology was addended: it counts as assessed A.
    """
    addended = is_one_of("birads", "N", "B") & pl.col("severity").is_not_null()
    screens = exams.filter(describes("screen")).with_columns(
        birads=pl.when(addended).then(pl.lit("A")).otherwise("birads")
    )
    recalled = screens.filter(is_one_of("birads", "A"))
    clear = screens.filter(is_one_of("birads", "N", "B"))
    scans = exams.filter(IS_ULTRASOUND & pl.col("birads").is_not_null())
    return Screens(
        screens,
        recalled,
        clear,
        _first_after(recalled, clear, exams.filter(describes("diag"))),
        _first_after(recalled, clear, scans),
    )


def _first_after(recalled: pl.DataFrame, clear: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Each screen's earliest of ``others`` in its window, of a laterality that meets its own."""
    found = [_within(recalled, others, RECALL_DAYS), _within(clear, others, INTERVAL_DAYS)]
    return pl.concat(found)


def _within(screens: pl.DataFrame, others: pl.DataFrame, days: int) -> pl.DataFrame:
    later = others.select(
        "patient",
        "exam",
        "n",
        "day",
        "birads",
        "severity",
        "exam_side",
        "cancer_side",
        "benign_side",
    )
    pairs = days_after(screens, later, ["patient"], "next")
    meets = (
        (pl.col("exam_side") == "B")
        | (pl.col("exam_side_next") == "B")
        | (pl.col("exam_side") == pl.col("exam_side_next"))
    )
    pairs = pairs.filter(
        (pl.col("exam") != pl.col("exam_next")) & meets & pl.col("days_next").is_between(0, days)
    )
    named = [name for name in pairs.columns if name.endswith("_next")]
    first = pairs.sort("days_next", "n_next").unique("exam", keep="first", maintain_order=True)
    return first.select("exam", *named)


def label_screens(screens: Screens) -> pl.DataFrame:
    """Screening exams with their follow-up (columns ``_next``), ``outcome`` and ``outcome_side``.

    The diagnostic exam is the follow-up, unless the ultrasound's pathology is more severe or there
    is no diagnostic exam. No outcome: invalid.
    """
    ultrasound = screens.ultrasound.join(
        screens.diagnostic.select("exam", "severity_next"), on="exam", how="left", suffix="_dx"
    )
    has_diagnostic = pl.col("exam").is_in(screens.diagnostic["exam"].implode())
    worse = pl.col("severity_next") < pl.col("severity_next_dx").fill_null(float("inf"))
    chosen = ultrasound.filter(~has_diagnostic | worse.fill_null(value=False)).drop(
        "severity_next_dx"
    )
    rest = screens.diagnostic.join(chosen, on="exam", how="anti")
    exams = screens.exams.join(
        pl.concat([rest, chosen]), on="exam", how="left", maintain_order="left"
    )
    return exams.with_columns(outcome=_outcome()).with_columns(outcome_side=_outcome_side())


def _outcome() -> pl.Expr:
    def proven(*severities: int) -> pl.Expr:
        return is_one_of("severity", *severities) | is_one_of("severity_next", *severities)

    on_its_side = (
        (pl.col("exam_side") == "B")
        | (pl.col("cancer_side_next") == "B")
        | (pl.col("cancer_side_next") == pl.col("exam_side"))
    ).fill_null(value=False)
    interval = is_one_of("severity_next", 0, 1) & on_its_side
    clear, recalled = is_one_of("birads", "N", "B"), is_one_of("birads", "A")
    # In the published order: a clear follow-up comes before another cancer.
    return (
        pl.when(clear & interval)
        .then(pl.lit(INTERVAL_CANCER))
        .when(clear)
        .then(pl.lit(SCREEN_NEGATIVE))
        .when(recalled & proven(0, 1))
        .then(pl.lit(SCREEN_DETECTED))
        .when(recalled & proven(2, 3, 4))
        .then(pl.lit(PROVEN_BENIGN))
        .when(recalled & is_one_of("birads_next", "N", "B", "P"))
        .then(pl.lit(DIAGNOSTIC_NEGATIVE))
        .when(recalled & proven(5))
        .then(pl.lit(OTHER_CANCER))
    )


def _outcome_side() -> pl.Expr:
    """The biopsied sides that an outcome rests on, of the exam and its follow-up together."""
    cancer = is_one_of("outcome", INTERVAL_CANCER, SCREEN_DETECTED)
    benign = is_one_of("outcome", PROVEN_BENIGN)
    return pl.when(cancer).then(_joined("cancer_side")).when(benign).then(_joined("benign_side"))


def _joined(name: str) -> pl.Expr:
    own, following = pl.col(name), pl.col(f"{name}_next")
    differ = own != following
    return (
        pl.when(differ.fill_null(value=False)).then(pl.lit("B")).otherwise(own.fill_null(following))
    )


def is_looked_at_again(screens: pl.DataFrame, exams: pl.DataFrame) -> pl.DataFrame:
    """By exam of ``screens`` the patient's first exam from a year to four years later."""
    pairs = days_after(screens, exams.select("patient", "exam", "n", "day"), ["patient"], "later")
    pairs = pairs.filter(pl.col("days_later").is_between(*LATER_DAYS))
    first = pairs.sort("days_later", "n_later").unique("exam", keep="first", maintain_order=True)
    return first.select("exam", "n_later", "days_later")
