"""What each step of a recipe left."""

from typing import Any

import polars as pl

from catalog.recipes.published import Step
from catalog.recipes.rules import with_images


class Attrition:
    """Counts frames of rows (exam, patient, perhaps side or place) as the steps go by.

    ``pool`` are the images that rows without a place are counted with: by the side rule where they
    have a side, else those of their exam.
    """

    def __init__(self, steps: dict[int, Step], pool: pl.DataFrame) -> None:
        self._steps = steps
        self.pool = pool
        self.taken: list[dict[str, Any]] = []

    def record(self, number: int, frame: pl.DataFrame) -> None:
        """Note what the step of this number left."""
        self.taken.append(
            {
                "step": self._steps[number].text,
                "rows": frame.height,
                "images": self._places(frame).n_unique(),
                "exams": frame["exam"].n_unique(),
                "patients": frame["patient"].n_unique(),
            }
        )

    def _places(self, frame: pl.DataFrame) -> pl.Series:
        if "place" in frame.columns:
            return frame["place"]
        if "side" in frame.columns:
            return with_images(frame.select("exam", "side").unique(), self.pool)["place"]
        return self.pool.join(frame, on="exam", how="semi")["place"]
