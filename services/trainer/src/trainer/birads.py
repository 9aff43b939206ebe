"""BI-RADS assessments as what a network is told, and what they alone would tell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import Floats
from trainer.samples import TEST, TRAIN, Samples

ASSESSMENTS = ("A", "N", "B", "P", "S", "M", "K")
"""In the order of the published numbers, 0 to 6."""
UNKNOWN = -1
_PROVEN = ASSESSMENTS.index("K")
_PLACES = {letter: place for place, letter in enumerate(ASSESSMENTS)}


def place_of(assessment: object) -> int:
    """0 to 6; UNKNOWN for X, nothing, and whatever is no assessment."""
    return _PLACES.get(str(assessment), UNKNOWN)


def evaluate_birads(
    samples: Samples, labels: NDArray[np.int64], probs: Floats
) -> dict[str, dict[str, Any] | None]:
    """{alone, without_k}: what the test split comes to by the assessment alone, and (``probs``)
    without images of BI-RADS K, whose pathology was known when they were assessed.

    Alone: the share of each class among the training images of the same assessment. ``without_k``
    is None where every test image is K.
    """
    from trainer.evaluation.figures import summarise  # scikit-learn, which the API goes without

    assert samples.birads is not None
    train, test = samples.in_split(TRAIN), samples.in_split(TEST)
    counts = np.ones((len(ASSESSMENTS), len(samples.classes)))  # none is impossible
    np.add.at(counts, (samples.birads[train], labels[train]), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    alone = shares[samples.birads[test]]
    target, patients = labels[test], samples.patients[test]
    open_ = samples.birads[test] != _PROVEN
    without = None
    if open_.any():
        kept = probs[open_], patients[open_]
        without = summarise(target[open_], *kept, samples.classes)
    return {"alone": summarise(target, alone, patients, samples.classes), "without_k": without}
