"""Jobs side by side: what differs in their settings, and what came of it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from trainer.evaluation.schemas import Interval, PairedDifference, Refused
from trainer.schemas import Job

COMPARED = (
    "roc_auc", "accuracy", "balanced_accuracy", "pr_auc", "f1", "log_loss", "brier",
)  # fmt: skip


class Difference(BaseModel):
    """A setting in which jobs differ; values in the order of the jobs."""

    name: str
    values: list[Any]


class MetricRow(BaseModel):
    """A metric of the test split, for each job; null where it has none."""

    name: str
    values: list[Interval | None]


class Comparison(BaseModel):
    """Jobs side by side."""

    jobs: list[Job]
    settings: list[Difference]
    metrics: list[MetricRow]
    tests: list[PairedDifference] = Field(
        default=[], description="Each job against the first, on the same test images"
    )
    refused: list[Refused] = Field(default=[], description="Why others could not be tested")
    best_on_validation: str | None = Field(description="The job with the least validation loss")
    warnings: list[str]


def compare_jobs(jobs: Sequence[Job]) -> Comparison:
    """The comparison; values stand in the order of ``jobs``."""
    return Comparison(
        jobs=list(jobs),
        settings=differing_settings(jobs),
        metrics=[MetricRow(name=n, values=[_metric(job, n) for job in jobs]) for n in COMPARED],
        best_on_validation=_best(jobs),
        warnings=list(_warnings(jobs)),
    )


def differing_settings(jobs: Sequence[Job]) -> list[Difference]:
    """What decides a result and is not the same in all jobs."""
    flat = [_flat(job) for job in jobs]
    names = sorted({name for one in flat for name in one})
    return [
        Difference(name=name, values=[one.get(name) for one in flat])
        for name in names
        if len({repr(one.get(name)) for one in flat}) > 1
    ]


def _flat(job: Job) -> dict[str, Any]:
    """Everything that decides a result, by dotted name."""
    spec = job.spec.model_dump(mode="json")
    settings = {f"settings.{k}": v for k, v in spec["settings"].items()}
    source = {f"source.{k}": v for k, v in spec["source"].items()}
    plain = {k: spec[k] for k in ("experiment", "experiment_version", "protocol")}
    fold = {"fold": spec["fold"]["index"] + 1} if spec["fold"] else {}
    return {**plain, **fold, **settings, **source}


def _metric(job: Job, name: str) -> Interval | None:
    return getattr(job.metrics.test, name) if job.metrics else None


def _best(jobs: Sequence[Job]) -> str | None:
    """The job that validation prefers: never the test split, which is used once."""
    losses = {
        job.job_id: min(found)
        for job in jobs
        if not job.spec.is_inflated
        and (found := [e.validation_loss for e in job.epochs if e.validation_loss is not None])
    }
    return min(losses, key=lambda job_id: losses[job_id]) if losses else None


def _warnings(jobs: Sequence[Job]) -> list[str]:
    found = []
    if len({repr(_data(job)) for job in jobs}) > 1:
        found.append("The jobs do not share cohort or array: their test images differ.")
    if len({job.spec.protocol for job in jobs}) > 1:
        found.append("The jobs differ in protocol: splits by patient and by image do not compare.")
    if any(job.spec.is_inflated for job in jobs):
        found.append("At least one job is split by image, its figures inflated.")
    if any(job.control for job in jobs):
        found.append("At least one job is a control and no result.")
    return found


def _data(job: Job) -> tuple[str, ...]:
    source = job.spec.source
    return (source.kind, source.sha256 if source.kind == "cohort" else source.name)
