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
    """One row a unit: its worst label, and probabilities by the rule. It belongs to one patient.

    `mean`: of each class. `max`: the probability of a class or worse is the greatest of any image,
    for each class; of two classes that of the worse is its greatest. So a unit stands no better
    than any of its images, and the classes sum to one without being scaled.
    """
    _, first, member = np.unique(units, return_index=True, return_inverse=True)
    worst = np.full(len(first), -1)
    np.maximum.at(worst, member, ranks[predictions.target])
    by_rank = np.full(int(ranks.max()) + 1, -1)
    by_rank[ranks] = np.arange(len(ranks))
    if rule == "max":
        probs = _greatest(predictions.probs, member, np.argsort(ranks))
    else:
        probs = _mean(predictions.probs, member)
    return Grouped(by_rank[worst], probs, predictions.patients[first])


def _mean(probs: Floats, member: Ints) -> Floats:
    total = np.zeros((int(member.max()) + 1, probs.shape[1]))
    np.add.at(total, member, probs)
    found: Floats = total / np.bincount(member)[:, None]
    return found


def _greatest(probs: Floats, member: Ints, order: Ints) -> Floats:
    """Differences of how probable each class or worse is; ``order``: from best to worst."""
    at_least = probs[:, order[::-1]].cumsum(axis=1)[:, ::-1]
    greatest = np.zeros((int(member.max()) + 1, probs.shape[1]))
    np.maximum.at(greatest, member, at_least)
    found = np.empty_like(greatest)
    found[:, order] = -np.diff(greatest, axis=1, append=0.0)
    return found
