"""Which side of the picture the chest wall is on.

Released mammograms are not normalised, and laterality does not tell (EMBED stores some
exams the other way round), so the pixels are asked first: breast lies against the chest wall, air
opposite. Where both sides look alike, Patient Orientation decides: its first value says where the
rows lead, A(nterior) away from a chest wall on the left (PS3.3 C.7.6.1.1.1).
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imagery.dicom.attributes import ImageAttributes

Side = Literal["left", "right"]

BAND = 0.15
CLEARLY = 1.5


def chest_wall_side(sample: NDArray[Any], image: ImageAttributes) -> Side:
    """Side of the chest wall in the stored image, of which ``sample`` is a small version."""
    return tissue_side(sample, image) or orientation_side(image) or "left"


def orientation_side(image: ImageAttributes) -> Side | None:
    """What Patient Orientation says; None where it says nothing of front and back."""
    along_rows = image.patient_orientation[0] if len(image.patient_orientation) == 2 else ""
    return {"A": "left", "P": "right"}.get(along_rows[:1])  # type: ignore[return-value]


def tissue_side(sample: NDArray[Any], image: ImageAttributes) -> Side | None:
    """The side whose outer band holds clearly more tissue; None where neither does."""
    tissue = _tissue(sample, image)
    band = max(1, round(tissue.shape[1] * BAND))
    left, right = float(tissue[:, :band].mean()), float(tissue[:, -band:].mean())
    if max(left, right) < CLEARLY * min(left, right) or left == right:
        return None
    return "left" if left > right else "right"


def _tissue(sample: NDArray[Any], image: ImageAttributes) -> NDArray[np.bool_]:
    """Where the sample is brighter than air, as shown: an eighth of the way up from the darkest."""
    values = sample.astype(np.float64)
    padded = np.zeros(values.shape, bool)
    if image.padding is not None:
        padded = (values >= image.padding[0]) & (values <= image.padding[1])
    if image.inverted:
        values = -values
    if padded.all():
        return ~padded
    low, high = np.percentile(values[~padded], (1, 99))
    tissue: NDArray[np.bool_] = ~padded & (values > low + (high - low) / 8)
    return tissue
