"""What is evaluated: one row a picture or an exam, with what groups them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import Floats, Ints

Attribute = str | float | bool | None
Unit = Literal["image", "exam"]


@dataclass(frozen=True)
class Predictions:
    """``n`` predictions of a test split."""

    target: Ints
    """(n,) place of the true class in ``classes``."""
    probs: Floats
    """(n, classes) rows that sum to one."""
    patients: Ints
    """(n,) equal for images of one patient."""
    classes: tuple[str, ...]
    keys: Sequence[str] = ()
    """(n,) what a person finds the image, or the exam, by."""
    exams: Ints | None = None
    """(n,) equal for images of one exam; None where that is not known."""
    breasts: Ints | None = None
    """(n,) equal for images of one breast of one exam."""
    attributes: Mapping[str, Sequence[Attribute]] = field(default_factory=dict)
    """Columns of (n,) values that subgroups go by."""
    unit: Unit = "image"
    """What a row is."""
    label_field: str | None = None
    """The column that labels come from: it says which class is worse."""

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Predictions":
        """The rows at ``places``."""
        kept = np.arange(len(self.target))[places]

        def column(values: Ints | None) -> Ints | None:
            return None if values is None else values[kept]

        return Predictions(
            target=self.target[kept],
            probs=self.probs[kept],
            patients=self.patients[kept],
            classes=self.classes,
            keys=[self.keys[i] for i in kept] if self.keys else (),
            exams=column(self.exams),
            breasts=column(self.breasts),
            attributes={k: [v[i] for i in kept] for k, v in self.attributes.items()},
            unit=self.unit,
            label_field=self.label_field,
        )
