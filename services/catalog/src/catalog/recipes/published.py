"""What Emory published of each recipe: its steps, and what each left of their tables."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

COUNTS = ("rows", "patients", "exams", "images")


@dataclass(frozen=True)
class Step:
    """A step. ``counts``: what it left where it was published; ``published``: whether it was."""

    number: int
    text: str
    published: bool
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Recipe:
    """A curation; ``release`` is what the published counts are of."""

    name: str
    title: str
    description: str
    source: str
    release: str
    classes: tuple[str, ...]


SCREEN_NEGATIVE = "Screen Negative"
INTERVAL_CANCER = "Interval Cancer"
SCREEN_DETECTED = "Screen Detected Cancer"
PROVEN_BENIGN = "Biopsy Proven Benign"
DIAGNOSTIC_NEGATIVE = "Diagnostic Negative"
OTHER_CANCER = "Other Cancer"
# Least to most severe: a class that an experiment reads as negative comes first.
OUTCOMES = (
    SCREEN_NEGATIVE,
    DIAGNOSTIC_NEGATIVE,
    PROVEN_BENIGN,
    INTERVAL_CANCER,
    SCREEN_DETECTED,
)
# The tables of 2024 call two of them otherwise.
CONFIRMED = {PROVEN_BENIGN: "Confirmed Benign", SCREEN_DETECTED: "Confirmed Cancer"}
CONFIRMED_OUTCOMES = tuple(CONFIRMED.get(name, name) for name in OUTCOMES)
TWO_CLASSES = ("negative", "positive")

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(
                "sn",
                "Screening negatives, and recalls that were cancer",
                "Negatives: 2D images of screens assessed N or B. Positives: images of findings "
                "assessed A whose pathology is cancer and that have an ROI.",
                "Sample_Notebook",
                "EMBED Open v1",
                TWO_CLASSES,
            ),
            Recipe(
                "dc",
                "Recalls confirmed by the work-up, and negatives confirmed a year later",
                "Positives: screens assessed A with P, S, M or K on the same side within 90 days. "
                "Negatives: screens assessed N or B, or A resolved to N or B, with another N or B "
                "screen of the same side more than 360 days later. 2D CC and MLO images. Images "
                "taken on another date than the exam's are lost, as in the notebook.",
                "Data_Curation",
                "all ten cohorts (internal)",
                TWO_CLASSES,
            ),
            Recipe(
                "sla",
                "Screening outcome, with follow-up",
                "Screening exams by outcome: negative with a further exam after one to four years, "
                "interval cancer, screen-detected cancer, biopsy-proven benign, diagnostic "
                "negative. Outcomes of a biopsy label the biopsied side alone.",
                "screening_label_assignment",
                "all cohorts with ultrasound (internal)",
                OUTCOMES,
            ),
            Recipe(
                "nus",
                "Screening outcome, 2D images",
                "Screening exams by outcome, without the wait for a further exam: 2D images that "
                "are no spot or magnification views; of cancers their side alone. `roi` keeps "
                "images with an ROI (some), or with one ROI and at most one finding (one). The "
                "table's exam_outcome and outcome_side count where it has them.",
                "NUS_example_pipeline",
                "EMBED Open, tables of 2024",
                CONFIRMED_OUTCOMES,
            ),
            Recipe(
                "dt",
                "Screens before a suspicious diagnostic exam",
                "Positives: 2D images of screens up to 180 days before a diagnostic finding "
                "assessed S or M on the same side. Negatives: screens assessed N or B, or followed "
                "by N or B, of patients who are not positive.",
                "datathon dataset_filtering",
                "all cohorts (internal)",
                TWO_CLASSES,
            ),
        )
    }
)


@cache
def steps(recipe: str) -> Mapping[int, Step]:
    """The steps of a recipe by their number, in the published order."""
    with files("catalog.data").joinpath("recipe_steps.csv").open(encoding="utf-8") as lines:
        return MappingProxyType(
            {
                int(row["number"]): Step(
                    int(row["number"]),
                    row["step"],
                    row["published"] == "1",
                    {name: int(row[name]) for name in COUNTS if row[name]},
                )
                for row in csv.DictReader(lines)
                if row["recipe"] == recipe
            }
        )
