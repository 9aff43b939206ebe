"""A parent's own work, when its children have ended: put together what they came to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from chassis.database import driver
from numpy.typing import NDArray

from trainer import store
from trainer.combining import (
    CombiningError,
    choose,
    describe_folds,
    describe_members,
    mean_over_folds,
    mean_probabilities,
    merge_manifests,
    require_all,
)
from trainer.composition import Composition, Ensemble, Folds
from trainer.describing import describe_predictions
from trainer.evaluation.evaluate import evaluate_deeply, evaluate_predictions, few_patients
from trainer.evaluation.figures import summarise_folds
from trainer.evaluation.predictions import Predictions
from trainer.experiments import published_figures
from trainer.outcome import JobError
from trainer.report import render_report
from trainer.schemas import Job, Progress
from trainer.scoring import predictions_of_images
from trainer.spec import CohortSource, JobSpec
from trainer.training.artifacts import upload_artifacts
from trainer.training.predictions import Row, read_predictions, write_rows
from trainer.training.scores import members_of
from trainer.training.session import Session

PREDICTIONS = "predictions.csv"
# What of the report of a sweep's chosen child holds for the sweep.
OF_CHOSEN = ("evaluation", "misclassified")
Table = tuple[list[Row], NDArray[np.float64]]


@dataclass(frozen=True)
class Outcome:
    """What the children came to together."""

    metrics: dict[str, Any]
    told: dict[str, Any] = field(default_factory=dict)
    """What the report tells beside the figures, where no child's report does."""
    chosen: Job | None = None
    """Of a sweep."""


def combine_children(session: Session, row: Any, spec: JobSpec, folder: Path) -> None:
    """Evaluate what the children came to together, and end the job as succeeded.

    Raises:
        JobError: too few succeeded, or they were tested on different images.
    """
    assert spec.composition is not None
    session.show(Progress(phase="combining", fraction=0.98))
    jobs = session.write(lambda s: _members(s, session.lease.job_id, spec.composition))
    try:
        found = _combine(session, row, spec, jobs, folder)
    except CombiningError as error:
        raise JobError(str(error)) from error
    metrics, chosen = found.metrics, found.chosen
    combined = describe_members(spec.composition.kind, jobs, chosen.job_id if chosen else None)
    reports = [_read_report(session, job) for job in ([chosen] if chosen else jobs)]
    # Each fold splits the patients in its own way, which its report tells.
    splits = reports[0]["splits"] if len({job.spec.fold for job in jobs}) == 1 else []
    metrics.setdefault("baseline", _dump(jobs[0])["baseline"] if splits else None)
    notes = [*row.warnings, *metrics.pop("warnings", []), *_notes(spec.composition, jobs, metrics)]
    report = {
        **_report(row, spec, reports),
        "splits": splits,
        **({name: reports[0].get(name) for name in OF_CHOSEN} if chosen else found.told),
        "metrics": metrics,
        "warnings": notes,
        "combined": combined.model_dump(mode="json"),
    }
    files = _write_report(folder, report)
    if (folder / PREDICTIONS).exists():
        files[PREDICTIONS] = folder / PREDICTIONS, "text/csv"
    artifacts = upload_artifacts(session, files)
    session.write(
        lambda s: store.finish_job(
            s, session.lease, "succeeded", metrics=metrics, artifacts=artifacts,
            combined=report["combined"], warnings=notes,
        )
    )  # fmt: skip


async def _members(session: Any, job_id: str, composition: Composition | None) -> list[Job]:
    """The children in their order, after the jobs that were there before."""
    former = composition.jobs if isinstance(composition, Ensemble) else ()
    children = await store.list_children(session, job_id)
    found = await store.find_jobs(await driver(session), [*former, *children])
    if len(found) < len(former) + len(children):
        raise JobError("a job that it is made of has been deleted")
    return found


def _combine(
    session: Session, row: Any, spec: JobSpec, jobs: Sequence[Job], folder: Path
) -> Outcome:
    if not isinstance(spec.composition, (Folds, Ensemble)):
        chosen = choose(jobs)
        return Outcome(_dump(chosen), chosen=chosen)
    require_all(jobs)
    tables = [_read_predictions(session, job, spec.source.classes, folder) for job in jobs]
    if isinstance(spec.composition, Folds):
        return _examine_folds(session, row, spec, jobs, tables)
    known, probs = _average(jobs, tables)
    write_rows(folder / PREDICTIONS, spec.source.classes, zip(known, probs, strict=True))
    mean = _with_attributes(session, row, spec, known, probs)
    metrics = evaluate_predictions(mean.target, mean.probs, mean.patients, mean.classes)
    return Outcome(metrics | {"epoch": None}, describe_predictions(mean))


def _examine_folds(
    session: Session, row: Any, spec: JobSpec, jobs: Sequence[Job], tables: Sequence[Table]
) -> Outcome:
    """Means over the folds, and what all of them say where each tested other patients."""
    assert isinstance(spec.composition, Folds)
    method = spec.composition.method
    folds = [_as_predictions(known, probs, spec.source.classes) for known, probs in tables]
    test = summarise_folds(folds, apart=method == "k-fold")
    metrics = mean_over_folds(test, [_dump(job) for job in jobs], method)
    metrics["warnings"] = few_patients(test["patients"])
    if method == "k-holdout":
        return Outcome(metrics)
    known = [one for rows, _ in tables for one in rows]
    pooled = _with_attributes(session, row, spec, known, np.concatenate([p for _, p in tables]))
    return Outcome(metrics, {"evaluation": evaluate_deeply(pooled)})


def _average(jobs: Sequence[Job], tables: Sequence[Table]) -> Table:
    """The images with the mean of the members' probabilities."""
    known, _ = tables[0]
    for job, (other, _) in zip(jobs, tables, strict=True):
        if other != known:
            raise CombiningError(f"{job.name} was tested on other images than {jobs[0].name}")
    return known, mean_probabilities([probs for _, probs in tables])


def _with_attributes(
    session: Session, row: Any, spec: JobSpec, known: Sequence[Row], probs: NDArray[np.float64]
) -> Predictions:
    """The predictions with what the cohort knows of their images, where there is one."""
    plain = _as_predictions(known, probs, spec.source.classes)
    if not isinstance(spec.source, CohortSource):
        return plain
    table = members_of(session, row, spec.source)
    # Its labels, not the cohort's: the members may have been trained on shuffled ones.
    return replace(predictions_of_images(table, plain.keys, probs), target=plain.target)


def _as_predictions(
    known: Sequence[Row], probs: NDArray[np.float64], classes: Sequence[str]
) -> Predictions:
    target = np.array([classes.index(label) for *_, label in known], np.int64)
    patients = np.array([int(patient) for _, patient, *_ in known], np.int64)
    return Predictions(target, probs, patients, tuple(classes), [key for key, *_ in known])


def _read_predictions(session: Session, job: Job, classes: Sequence[str], folder: Path) -> Table:
    """([(image_id, patient, label)], (n, classes) probabilities) of a member's test split."""
    stored = session.write(lambda s: store.find_artifact(s, job.job_id, PREDICTIONS))
    path = folder / f"{job.job_id}.csv"
    if stored is None or not session.insist(
        "the object store", partial(session.objects.get_file, stored.key, path, stored.sha256)
    ):
        raise CombiningError(f"the predictions of {job.name} are gone")
    try:
        known, probs = read_predictions(path, classes)
        return known, probs / probs.sum(axis=1, keepdims=True)  # they were rounded to be written
    except KeyError as error:
        missing = f"{job.name} is by exam, has other classes, or is of an old version: no {error}"
        raise CombiningError(missing) from error


def _dump(job: Job) -> dict[str, Any]:
    assert job.metrics is not None
    return job.metrics.model_dump(mode="json")


def _notes(composition: Composition, jobs: Sequence[Job], metrics: dict[str, Any]) -> list[str]:
    told = [
        f"{job.name} {job.state}: {job.reason or 'no reason given'}"
        for job in jobs
        if job.state != "succeeded"
    ]
    if isinstance(composition, Folds):
        told += describe_folds(composition.method, baseline=metrics["baseline"] is not None)
    if not metrics.get("birads") and any(job.metrics and job.metrics.birads for job in jobs):
        told.append(
            "What BI-RADS alone comes to, and the model without BI-RADS 6, is in the reports of "
            "the jobs that it is made of: read them beside these figures."
        )
    return told


def _read_report(session: Session, job: Job) -> dict[str, Any]:
    stored = session.write(lambda s: store.find_artifact(s, job.job_id, "report.json"))
    if stored is None:
        raise JobError(f"the report of {job.name} is gone")
    body = session.insist("the object store", partial(session.objects.read, stored.key))
    found: dict[str, Any] = json.loads(body)
    return found


def _report(row: Any, spec: JobSpec, reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A report with what holds for the parent of those of its members."""
    assert spec.composition is not None
    manifest = merge_manifests(spec.composition.kind, [report["manifest"] for report in reports])
    return {
        "job": {name: getattr(row, name) for name in ("job_id", "name", "experiment", "cohort_id")},
        "owner": row.owner["name"],
        "spec": row.spec,
        "spec_sha256": row.spec_sha256,
        "epochs": [],
        "lineage": reports[0].get("lineage", {}),
        "published": published_figures(spec.experiment),
        "manifest": manifest | {"attempts": row.attempts},
    }


def _write_report(folder: Path, report: dict[str, Any]) -> dict[str, tuple[Path, str]]:
    (folder / "report.json").write_text(json.dumps(report, indent=1, allow_nan=False))
    (folder / "report.html").write_text(render_report(report))
    return {
        "report.json": (folder / "report.json", "application/json"),
        "report.html": (folder / "report.html", "text/html; charset=utf-8"),
    }
