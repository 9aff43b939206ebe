"""The same figures for parts of the test split, and how far each is from the rest.

A group and its rest are compared in the same draws of patients, so that the interval of the gap
allows for patients who are in both.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation import metrics
from trainer.evaluation.bootstrap import DRAWS, central_bounds, patient_draws
from trainer.evaluation.estimates import Estimates, estimate
from trainer.evaluation.metrics import Floats
from trainer.evaluation.predictions import Attribute, Predictions

FEW_PATIENTS = 50
MAX_GROUPS = 12
FIGURES = {"roc_auc": metrics.roc_auc, "balanced_accuracy": metrics.balanced_accuracy}
VARIABLES = {
    "race": "Race",
    "ethnicity": "Ethnicity",
    "age_band": "Age",
    "tissueden": "Breast density",
    "Manufacturer": "Manufacturer",
    "FinalImageType": "2D or C-View",
    "exam_type": "Screening or diagnostic",
    "finding_kind": "Finding kind",
}
_densities = {
    "1": "A, almost entirely fat",
    "2": "B, scattered fibroglandular densities",
    "3": "C, heterogeneously dense",
    "4": "D, extremely dense",
    "5": "normal male",
}


def evaluate_subgroups(
    predictions: Predictions, draws: int = DRAWS, seed: int = 0
) -> list[dict[str, Any]]:
    """[{variable, label, groups: [{value, n, patients, small, <figure>, gap: {<figure>}}]}].

    Variables that nothing is known of, or that do not part the split, are left out. ``small``:
    fewer than 50 patients.
    """
    found = []
    for name, label in VARIABLES.items():
        groups = _groups(name, predictions.attributes.get(name, ()))
        if len(groups) > 1:
            described = [_evaluate(predictions, value, mask, draws, seed) for value, mask in groups]
            found.append({"variable": name, "label": label, "groups": described})
    return found


def _groups(name: str, values: Sequence[Attribute]) -> list[tuple[str, NDArray[np.bool_]]]:
    """(value, members), the frequent first; findings of several kinds are in several groups."""
    members: dict[str, NDArray[np.bool_]] = {}
    for place, value in enumerate(values):
        for text in _texts(name, value):
            members.setdefault(text, np.zeros(len(values), bool))[place] = True
    ordered = sorted(members.items(), key=lambda item: (-int(item[1].sum()), item[0]))
    return sorted(ordered[:MAX_GROUPS])


def _texts(name: str, value: Attribute) -> list[str]:
    if value is None:
        return ["no finding described" if name == "finding_kind" else "not known"]
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if name == "finding_kind":
        return text.split(",")
    return [_densities.get(text, text) if name == "tissueden" else text]


def _evaluate(
    predictions: Predictions, value: str, mask: NDArray[np.bool_], draws: int, seed: int
) -> dict[str, Any]:
    patients, others = (len(np.unique(predictions.patients[part])) for part in (mask, ~mask))

    def weigh(weights: Floats) -> Floats:
        """(draws, figures, 2): of the group, and of the rest."""
        parts = [_figures(predictions, weights, part) for part in (mask, ~mask)]
        return np.stack(parts, axis=2)

    point = weigh(np.ones((1, len(mask))))[0]
    drawn = patient_draws(weigh, predictions.patients, draws, seed)
    low, high = central_bounds(drawn[:, :, 0], patients)
    # The smaller side decides how far the draws of a difference can be trusted.
    gap_low, gap_high = central_bounds(drawn[:, :, 0] - drawn[:, :, 1], min(patients, others))
    own: Estimates = {}
    gaps: Estimates = {}
    for place, name in enumerate(FIGURES):
        own[name] = estimate(point[place, 0], low[place], high[place])
        gap = point[place, 0] - point[place, 1]
        gaps[name] = estimate(gap, gap_low[place], gap_high[place])
    few = patients < FEW_PATIENTS
    return {"value": value, "n": int(mask.sum()), "patients": patients, "small": few, **own} | {
        "gap": gaps
    }


def _figures(predictions: Predictions, weights: Floats, mask: NDArray[np.bool_]) -> Floats:
    """(draws, figures) of the members; NaN where they are of one class."""
    if not mask.any():
        return np.full((len(weights), len(FIGURES)), np.nan)
    part, target, probs = weights[:, mask], predictions.target[mask], predictions.probs[mask]
    return np.stack([figure(part, target, probs) for figure in FIGURES.values()], axis=1)
