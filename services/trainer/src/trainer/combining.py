"""What children came to, put together: pure functions over their figures."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trainer.comparison import COMPARED, differing_settings
from trainer.composition import FoldMethod
from trainer.schemas import Combined, Job, Member

T_DISTRIBUTION = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201,
                  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093)  # fmt: skip
"""Two-sided 95 % points of Student's t with 1 to 19 degrees of freedom."""
GREATEST: Mapping[str, float] = {"log_loss": math.inf, "brier": 2.0}
"""How large a figure can be, where one is not the most."""


class CombiningError(ValueError):
    """What there is cannot be combined; the text says why."""


def describe_members(
    kind: Literal["sweep", "folds", "ensemble"], jobs: Sequence[Job], chosen: str | None = None
) -> Combined:
    """The table of what a job was made of."""
    differing = differing_settings(jobs)
    members = [
        Member(
            job_id=job.job_id,
            name=job.name,
            state=job.state,
            reason=job.reason,
            differs={row.name: row.values[place] for row in differing},
            validation_loss=best_loss(job),
            metrics=_values(job),
        )
        for place, job in enumerate(jobs)
    ]
    return Combined(kind=kind, chosen=chosen, members=members)


def best_loss(job: Job) -> float | None:
    """The least validation loss of its epochs; None where there is none."""
    found = [e.validation_loss for e in job.epochs if e.validation_loss is not None]
    return min(found, default=None)


def choose(jobs: Sequence[Job]) -> Job:
    """The succeeded job with the least validation loss; the test split has no say.

    Raises:
        CombiningError: none succeeded.
    """
    well = [job for job in jobs if job.state == "succeeded"]
    if not well:
        told = "; ".join(f"{job.name}: {job.reason or job.state}" for job in jobs[:3])
        raise CombiningError(f"none of its {len(jobs)} children succeeded: {told}")
    return min(well, key=lambda job: math.inf if (v := best_loss(job)) is None else v)


def require_all(jobs: Sequence[Job]) -> None:
    """Raises CombiningError naming the children that did not succeed."""
    failed = [f"{job.name}: {job.reason or job.state}" for job in jobs if job.state != "succeeded"]
    if failed:
        told = "; ".join(failed)
        raise CombiningError(f"{len(failed)} of {len(jobs)} did not succeed ({told})")


def mean_over_folds(folds: Sequence[Mapping[str, Any]], method: FoldMethod) -> dict[str, Any]:
    """Metrics of several folds as one: means, with 95 % intervals of the mean (Student's t).

    Counts of confusion matrices add up; ROC curves stand side by side. Images and patients add up
    where each fold tested others (`k-fold`).
    """
    counted = sum if method == "k-fold" else max
    matrices = [fold["confusion_matrix"] for fold in folds]
    baselines = [fold["baseline"] for fold in folds]
    counts = np.sum([matrix["counts"] for matrix in matrices], axis=0)
    curves = [
        curve | {"name": f"{curve['name']}, fold {number}"}
        for number, fold in enumerate(folds, 1)
        for curve in fold["roc"]
    ]
    return {
        "test": _mean([fold["test"] for fold in folds], counted),
        "confusion_matrix": {"labels": matrices[0]["labels"], "counts": counts.tolist()},
        "roc": curves,
        "baseline": _mean(baselines, counted) if all(baselines) else None,
        "epoch": None,
    }


def mean_probabilities(
    members: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """(n, classes) mean of the members' probabilities, each row summing to one."""
    mean = np.mean(np.stack(members), axis=0)
    found: NDArray[np.float64] = mean / mean.sum(axis=1, keepdims=True)
    return found


def _mean(
    parts: Sequence[Mapping[str, Any]], counted: Callable[[list[int]], int]
) -> dict[str, Any]:
    """Each figure's mean; counts of images and patients are ``counted``, texts the first's."""
    found: dict[str, Any] = {}
    for name, first in parts[0].items():
        values = [part[name] for part in parts]
        if isinstance(first, dict) and "value" in first:
            most = GREATEST.get(name, 1.0)
            found[name] = mean_interval([value["value"] for value in values], most)
        elif isinstance(first, dict):
            found[name] = _mean(values, counted)
        else:
            found[name] = counted(values) if isinstance(first, int) else first
    return found


def mean_interval(values: Sequence[float | None], most: float) -> dict[str, float | None]:
    """{value, low, high}: mean and 95 % interval; nothing where a fold has no value.

    It ends where the figure does, at nought or ``most``: Student's t knows no such ends.
    """
    known = np.array([value for value in values if value is not None])
    if len(known) < len(values) or len(known) < 2:
        return {"value": None, "low": None, "high": None}
    half = T_DISTRIBUTION[len(known) - 2] * known.std(ddof=1) / math.sqrt(len(known))
    mean = float(known.mean())
    low, high = max(mean - float(half), 0.0), min(mean + float(half), most)
    return {"value": mean, "low": low, "high": high}


def _values(job: Job) -> dict[str, float | None]:
    if job.metrics is None:
        return {}
    return {name: getattr(job.metrics.test, name).value for name in COMPARED}
