"""What can be told without seeing a lesion: logistic regression on how the picture was made.

Image size, mean and standard deviation of the grey values, and header fields. A network that is not
clearly better has learnt the machine, not the disease.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from trainer.evaluation.evaluate import evaluate_predictions
from trainer.evaluation.metrics import Floats
from trainer.samples import TEST, TRAIN, Samples

MAX_CATEGORIES = 20
CHUNK = 256


def evaluate_baseline(samples: Samples, labels: NDArray[np.int64]) -> dict[str, Any]:
    """Fit on the training split, evaluate on the test split; ``features`` says on what."""
    features, names = baseline_features(samples)
    train, test = samples.in_split(TRAIN), samples.in_split(TEST)
    mean, spread = features[train].mean(axis=0), features[train].std(axis=0)
    scaled = (features - mean) / np.where(spread > 0, spread, 1.0)
    model = LogisticRegression(max_iter=2000)
    model.fit(scaled[train], labels[train])
    probs = np.zeros((len(test), len(samples.classes)))
    probs[:, model.classes_] = model.predict_proba(scaled[test])
    found = evaluate_predictions(labels[test], probs, samples.patients[test], samples.classes)
    return {"name": "logistic regression without lesions", "features": names, **found["test"]}


def baseline_features(samples: Samples) -> tuple[Floats, list[str]]:
    """((n, k) values, their k names); a category is one column per value, also for missing.

    Which values there are, and the mean that stands for a missing number, the training split says.
    """
    mean, spread = _grey_statistics(samples.images)
    columns: list[Floats] = [mean[samples.rows], spread[samples.rows]]
    names = ["grey mean", "grey sd"]
    for name, values in sorted(samples.header.items()):
        for label, column in _encoded(name, values, samples.in_split(TRAIN)):
            columns.append(column)
            names.append(label)
    return np.stack(columns, axis=1), names


def _grey_statistics(images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    mean, spread = np.empty(len(images)), np.empty(len(images))
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK].reshape(-1, images[0].size).astype(np.float64)
        mean[start : start + CHUNK] = part.mean(axis=1)
        spread[start : start + CHUNK] = part.std(axis=1)
    return mean, spread


def _encoded(
    name: str, values: Sequence[str | float | None], train: NDArray[np.int64]
) -> list[tuple[str, Floats]]:
    known = [values[place] for place in train if values[place] is not None]
    if known and all(isinstance(v, (int, float)) for v in values if v is not None):
        numbers = np.array([np.nan if v is None else float(v) for v in values])
        filled = np.where(np.isnan(numbers), np.nanmean(numbers[train]), numbers)
        return [(name, filled)]
    texts = np.array(["missing" if v is None else str(v) for v in values])
    kinds, counts = np.unique(texts[train], return_counts=True)
    frequent = kinds[np.argsort(-counts, kind="stable")][:MAX_CATEGORIES]
    return [(f"{name} = {kind}", (texts == kind).astype(np.float64)) for kind in frequent]
