"""What a report's figures are of: images, exams or patches of a split, and where each opens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from trainer.report.markup import Markup, text

Document = Mapping[str, Any]
PLACES = {
    "patches": "Each is told by its place, the training tensor first, then the test's, from 0.",
    "array": "Each is told by its place in the array, from 0.",
}


@dataclass(frozen=True)
class Subject:
    """The rows of a job's evaluation; ``source``: cohort, array or patches."""

    unit: str
    split: str
    source: str
    dataset: str | None
    folds: int | None
    """How many models the figures are means over; None where they are of one."""
    method: str | None
    """`k-fold`: each model has a test split of its own; `k-holdout`: all have the same."""

    @classmethod
    def of(cls, report: Document) -> Self:
        """What a report's figures are of."""
        spec = report["spec"]
        made = spec.get("composition") or {}
        folds = made if made.get("kind") == "folds" else {}
        return cls(
            unit=report.get("unit", "image"),
            split=(spec.get("scores") or {}).get("split", "test"),
            source=spec["source"]["kind"],
            dataset=spec["source"].get("dataset"),
            folds=folds.get("count"),
            method=folds.get("method"),
        )

    @property
    def title(self) -> str:
        """What was tested on, as the head of a table."""
        if self.method == "k-fold":
            return f"Test splits of {self.folds} folds"
        if self.method == "k-holdout":
            return f"Test split, mean of {self.folds} models"
        return f"{self.split.capitalize()} split"

    @property
    def many(self) -> str:
        """The word for several of its rows."""
        return "patches" if self.source == "patches" else f"{self.unit}s"

    @property
    def makes_cohorts(self) -> bool:
        """Whether the page of the job can freeze some of them."""
        return self.source == "cohort" and self.unit == "image"

    @property
    def places(self) -> str:
        """How to find one that no page shows; nothing where each has a page."""
        return PLACES.get(self.source, "")

    def name(self, case: Document) -> Markup:
        """One of them as a link to where it opens; keys outside the catalog are only told."""
        key = text(case[f"{self.unit}_id"])
        if self.source == "patches":
            return Markup(f"patch {key}")
        if self.source == "array":
            return Markup(f"image {key} of the array")
        return Markup(f'<a href="{text(self._address(case))}">{self.unit} {key}</a>')

    def _address(self, case: Document) -> str:
        if self.unit == "image":
            return f"/images/{case['image_id']}"
        return "/explore?" + urlencode({"dataset": self.dataset, "acc_anon": case["exam_id"]})
