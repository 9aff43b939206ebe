"""What children came to, put together: pure functions over their figures."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trainer.comparison import COMPARED, differing_settings
from trainer.composition import FoldMethod
from trainer.schemas import Combined, Job, Member


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


def mean_over_folds(
    test: Mapping[str, Any], folds: Sequence[Mapping[str, Any]], method: FoldMethod
) -> dict[str, Any]:
    """Metrics of several folds as one, whose figures on their test splits are ``test``.

    Counts of confusion matrices add up; ROC curves stand side by side. The baseline's figures are
    means without an interval, which its predictions would be needed for.
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
        "test": test,
        "confusion_matrix": {"labels": matrices[0]["labels"], "counts": counts.tolist()},
        "roc": curves,
        "baseline": _mean(baselines, counted) if all(baselines) else None,
        "epoch": None,
    }


def describe_folds(method: FoldMethod, *, baseline: bool) -> list[str]:
    """What a reader of the means has to know of them."""
    if method == "k-fold":
        drawn = "the intervals draw patients within each fold's test set"
        more = (
            "Levels, precision and recall, calibration and subgroups are of the predictions of "
            "all folds put together: each image once, by the model that had not seen its patient."
        )
    else:
        drawn = "the intervals draw the patients of the one test set, the same for all folds"
        more = (
            "There are no levels and no subgroups: the mean of the folds' probabilities is a model "
            "of its own. An ensemble of these jobs tells them."
        )
    told = [
        f"Figures are means over folds; {drawn}. They take the models as they are: how much "
        "training varies is the spread of the folds in the table of jobs.",
        more,
    ]
    if baseline:
        told.append(
            "The baseline's figures are means over folds, without an interval: "
            "its predictions are not kept."
        )
    return told


def merge_manifests(
    kind: Literal["sweep", "folds", "ensemble"], manifests: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What holds for the parent: whatever its members agree on.

    An ensemble is all of its members, and has the parameters of all of them.
    """
    found = _agreed(manifests)
    found.pop("attempt_seconds", None)
    if kind == "ensemble" and all("parameters" in manifest for manifest in manifests):
        found["parameters"] = sum(manifest["parameters"] for manifest in manifests)
    return found


def _agreed(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries that all have alike; of documents within them the same."""
    found: dict[str, Any] = {}
    for name, first in documents[0].items():
        values = [document.get(name) for document in documents]
        parts = [value for value in values if isinstance(value, dict)]
        if len(parts) == len(values):
            found[name] = _agreed(parts)
        elif all(value == first for value in values):
            found[name] = first
    return found


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
            known = [value["value"] for value in values if value["value"] is not None]
            mean = sum(known) / len(known) if len(known) == len(values) else None
            found[name] = {"value": mean, "low": None, "high": None}
        elif isinstance(first, dict):
            found[name] = _mean(values, counted)
        else:
            found[name] = counted(values) if isinstance(first, int) else first
    return found


def _values(job: Job) -> dict[str, float | None]:
    if job.metrics is None:
        return {}
    return {name: getattr(job.metrics.test, name).value for name in COMPARED}
