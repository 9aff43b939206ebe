"""From images to breasts and exams: one prediction each, by a stated rule."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainer.evaluation.metrics import Floats, Ints
from trainer.evaluation.predictions import Predictions

Rule = Literal["mean", "max"]
RULES: tuple[Rule, ...] = ("mean", "max")

# Best to worst, as the curation notebooks of EMBED order them; `path_severity` 0 is the worst.
_orders = {
    "asses": "NBAPSMK",
    "exam_asses": "NBAPSMK",
    "path_severity": "543210",
    "exam_path_severity": "543210",
}


@dataclass(frozen=True)
class Grouped:
    """Predictions of units (breasts or exams) instead of images."""

    target: Ints
    probs: Floats
    patients: Ints


def severities(label_field: str | None, classes: tuple[str, ...]) -> Ints | None:
    """(classes,) rank of each class, greater is worse; None where none is worse than another.

    Two classes are negative and positive; more have an order where their label field has one.
    """
    order = _orders.get(label_field or "", "")
    if all(name in order and name for name in classes):
        return np.array([order.index(name) for name in classes])
    return np.arange(2) if len(classes) == 2 else None


def group(predictions: Predictions, units: Ints, ranks: Ints, rule: Rule) -> Grouped:
    """One row a unit: its worst label, and the mean or the greatest probability of each class.

    Greatest probabilities are scaled to sum to one. A unit belongs to one patient.
    """
    _, first, member = np.unique(units, return_index=True, return_inverse=True)
    count = len(first)
    worst = np.full(count, -1)
    np.maximum.at(worst, member, ranks[predictions.target])
    by_rank = np.full(int(ranks.max()) + 1, -1)
    by_rank[ranks] = np.arange(len(ranks))
    probs = np.zeros((count, predictions.probs.shape[1]))
    if rule == "max":
        np.maximum.at(probs, member, predictions.probs)
        total = probs.sum(axis=1, keepdims=True)
    else:
        np.add.at(probs, member, predictions.probs)
        total = np.bincount(member, minlength=count)[:, None].astype(np.float64)
    return Grouped(by_rank[worst], probs / total, predictions.patients[first])
