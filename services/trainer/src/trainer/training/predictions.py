"""The file of predictions: a row an image or an exam, by what a person finds it by."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.predictions import Unit
from trainer.samples import Samples

KNOWN = ("patient", "label")

Row = tuple[str, ...]


def write_predictions(
    path: Path,
    samples: Samples,
    labels: NDArray[np.int64],
    probs: Mapping[int, NDArray[np.float64]],
    classes: Sequence[str] | None = None,
) -> None:
    """Write {split: (n, classes)}; ``patient`` is a number within the cohort, nobody's identifier.

    ``classes`` are those of the probabilities, where they are not those of the labels.
    """

    def rows() -> Iterable[tuple[Row, NDArray[np.float64]]]:
        for split, found in probs.items():
            for place, row in zip(samples.in_split(split), found, strict=True):
                label = samples.classes[labels[place]]
                yield (samples.keys[place], str(samples.patients[place]), label), row

    write_rows(path, classes or samples.classes, rows())


def write_rows(
    path: Path,
    classes: Sequence[str],
    rows: Iterable[tuple[Row, NDArray[np.float64]]],
    unit: Unit = "image",
) -> None:
    """Write ((id, patient, label), (classes,) probabilities); the column of ids is `<unit>_id`."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([f"{unit}_id", *KNOWN, *(f"p_{name}" for name in classes)])
        for known, probs in rows:
            # Digits, not decimals: of a true class that is all but excluded the log-loss stays.
            writer.writerow([*known, *(f"{value:.9g}" for value in probs)])


def read_predictions(path: Path, classes: Sequence[str]) -> tuple[list[Row], NDArray[np.float64]]:
    """([(image_id, patient, label)], (n, classes)); KeyError names a column that is not there.

    Predictions by exam have no `image_id`.
    """
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    known = [tuple(row[name] for name in ("image_id", *KNOWN)) for row in rows]
    return known, np.array([[float(row[f"p_{name}"]) for name in classes] for row in rows])
