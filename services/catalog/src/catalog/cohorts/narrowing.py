"""From all images to those that stay, step by step, counted."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.model.read_model import ReadModel

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

STAYED = -1


def owners(model: ReadModel, places: Ints) -> tuple[Ints, Ints]:
    """(exam, patient) of images."""
    exams = model.exam_of_breast[model.breast_of_image[places]].astype(np.int64)
    return exams, model.patient_of_exam[exams].astype(np.int64)


def totals(model: ReadModel, places: Ints) -> dict[str, int]:
    """How many images, exams and patients."""
    exams, patients = owners(model, places)
    return {
        "images": len(places),
        "exams": len(np.unique(exams)),
        "patients": len(np.unique(patients)),
    }


class Narrowing:
    """The images that are left; by image the number of the reason why not (STAYED: it is)."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        self.places: Ints = np.arange(model.images)
        self.steps: list[Mapping[str, Any]] = []
        self.reasons: list[str] = []
        self.left_at: Ints = np.full(model.images, STAYED, np.int64)
        self._count("all images")

    def keep(self, step: str, kept: Mask) -> None:
        """Keep those of the images left that ``kept`` says, a flag each."""
        self._leave(step, kept)
        self._count(step)

    def note(self, step: str, of: Mask) -> None:
        """Count what befell some of the images left, which all stay."""
        self._count(f"{step} ({np.count_nonzero(of):,} images)")

    def keep_labelled(
        self, reason: str, steps: Sequence[Mapping[str, Any]], labelled: Mask
    ) -> None:
        """Keep the images that several steps, counted elsewhere, have labelled."""
        self._leave(reason, labelled[self.places])
        self.steps += steps

    def _leave(self, reason: str, kept: Mask) -> None:
        self.left_at[self.places[~kept]] = len(self.reasons)
        self.reasons.append(reason)
        self.places = self.places[kept]

    def _count(self, step: str) -> None:
        self.steps.append({"step": step, **totals(self.model, self.places)})
