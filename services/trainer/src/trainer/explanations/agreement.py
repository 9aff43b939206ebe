"""Do heat maps point where radiologists drew? Three measures, beside boxes at random places."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.bootstrap import DRAWS, patient_intervals
from trainer.evaluation.estimates import estimate
from trainer.evaluation.metrics import Floats, Ints
from trainer.explanations.boxes import Boxes, inside, scattered

RANDOM = 100
THRESHOLD = 0.5
MEASURES = ("pointing", "energy", "iou")


def measure(heat: NDArray[np.float32], mask: NDArray[np.bool_]) -> Floats:
    """(3,): whether the maximum lies inside (pointing game, Zhang et al., 2016), the share of the
    map's sum that does, and the IoU with the pixels of at least half the maximum."""
    total = float(heat.sum())
    if total <= 0:
        return np.zeros(len(MEASURES))
    pointing = float(mask[np.unravel_index(int(heat.argmax()), heat.shape)])
    hot = heat >= THRESHOLD * heat.max()
    overlap = float((hot & mask).sum() / (hot | mask).sum())
    return np.array([pointing, float(heat[mask].sum()) / total, overlap])


def measure_agreement(
    maps: Sequence[NDArray[np.float32]],
    boxes: Sequence[Boxes],
    patients: Ints,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """{images, patients, <measure>: {value, low, high, random, lead: {...}}}.

    ``random`` is the mean over 100 placings of boxes of the same shapes; ``lead`` how much more
    the radiologists' boxes have. Intervals are 95 %, by patient.
    """
    generator = np.random.default_rng(seed)
    found = np.array(
        [measure(heat, inside(b, len(heat))) for heat, b in zip(maps, boxes, strict=True)]
    )
    chance = np.array([_by_chance(heat, b, generator) for heat, b in zip(maps, boxes, strict=True)])

    def weigh(weights: Floats) -> Floats:
        """(draws, measures, 2): of the maps, and how much more than by chance."""
        values = np.stack([found, found - chance], axis=2)
        total = weights.sum(axis=1)[:, None, None]
        mean: Floats = np.tensordot(weights, values, axes=1) / total
        return mean

    point = weigh(np.ones((1, len(found))))[0]
    low, high = patient_intervals(weigh, patients, draws, seed)
    told: dict[str, Any] = {"images": len(found), "patients": len(np.unique(patients))}
    for place, name in enumerate(MEASURES):
        value, lead = (estimate(point[place, k], low[place, k], high[place, k]) for k in (0, 1))
        told[name] = {**value, "random": float(chance[:, place].mean()), "lead": lead}
    return told


def _by_chance(heat: NDArray[np.float32], boxes: Boxes, generator: np.random.Generator) -> Floats:
    size = len(heat)
    values = [measure(heat, inside(b, size)) for b in scattered(boxes, size, RANDOM, generator)]
    mean: Floats = np.mean(values, axis=0)
    return mean
