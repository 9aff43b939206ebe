"""A parent's own work, when its children have ended: put together what they came to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    describe_members,
    mean_over_folds,
    mean_probabilities,
    require_all,
)
from trainer.composition import Composition, Ensemble, Folds
from trainer.describing import describe_predictions
from trainer.evaluation.evaluate import evaluate_predictions
from trainer.evaluation.predictions import Predictions
from trainer.outcome import JobError
from trainer.report import render_report
from trainer.schemas import Job, Progress
from trainer.scoring import predictions_of_images
from trainer.spec import CohortSource, JobSpec
from trainer.training.artifacts import upload_artifacts
from trainer.training.predictions import read_predictions, write_rows
from trainer.training.scores import members_of
from trainer.training.session import Session

# What of a child's report holds for its parent: of any child, and of the one that was chosen.
OF_ANY = ("splits", "published", "manifest", "lineage")
OF_CHOSEN = (*OF_ANY, "evaluation", "misclassified")


@dataclass(frozen=True)
class Outcome:
    """What the children came to together."""

    metrics: dict[str, Any]
    predictions: Predictions | None = None
    """Of an ensemble, which predicts itself."""
    chosen: Job | None = None
    """Of a sweep."""

    def told(self) -> dict[str, Any]:
        """What the report tells beside the figures, where no child's report does."""
        return describe_predictions(self.predictions) if self.predictions else {}


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
    notes = [*row.warnings, *metrics.pop("warnings", []), *_notes(spec.composition, jobs)]
    metrics.setdefault("baseline", _dump(jobs[0])["baseline"])
    report = _report(session, row, chosen or jobs[0], OF_CHOSEN if chosen else OF_ANY)
    report |= {"metrics": metrics, "warnings": notes, "combined": combined.model_dump(mode="json")}
    files = _write_report(folder, report | found.told())
    if found.predictions is not None:
        files["predictions.csv"] = folder / "predictions.csv", "text/csv"
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
    if isinstance(spec.composition, Folds):
        require_all(jobs)
        return Outcome(mean_over_folds([_dump(job) for job in jobs], spec.composition.method))
    if isinstance(spec.composition, Ensemble):
        require_all(jobs)
        mean = _average(session, row, spec, jobs, folder)
        metrics = evaluate_predictions(mean.target, mean.probs, mean.patients, mean.classes)
        return Outcome(metrics | {"epoch": None}, mean)
    chosen = choose(jobs)
    return Outcome(_dump(chosen), chosen=chosen)


def _average(
    session: Session, row: Any, spec: JobSpec, jobs: Sequence[Job], folder: Path
) -> Predictions:
    """The mean of the members' probabilities, which it also writes to a file."""
    classes = spec.source.classes
    tables = [_read_predictions(session, job, classes, folder) for job in jobs]
    known, _ = tables[0]
    for job, (other, _) in zip(jobs, tables, strict=True):
        if other != known:
            raise CombiningError(f"{job.name} was tested on other images than {jobs[0].name}")
    probs = mean_probabilities([table for _, table in tables])
    target = np.array([classes.index(label) for *_, label in known], np.int64)
    write_rows(folder / "predictions.csv", classes, zip(known, probs, strict=True))
    keys = [key for key, *_ in known]
    if isinstance(spec.source, CohortSource):
        table = members_of(session, row, spec.source)
        # Its labels, not the cohort's: the members may have been trained on shuffled ones.
        return replace(predictions_of_images(table, keys, probs), target=target)
    patients = np.array([int(patient) for _, patient, *_ in known], np.int64)
    return Predictions(target, probs, patients, tuple(classes), keys)


def _read_predictions(
    session: Session, job: Job, classes: Sequence[str], folder: Path
) -> tuple[list[tuple[str, ...]], NDArray[np.float64]]:
    """([(image_id, patient, label)], (n, classes) probabilities) of a member's test split."""
    stored = session.write(lambda s: store.find_artifact(s, job.job_id, "predictions.csv"))
    path = folder / f"{job.job_id}.csv"
    if stored is None or not session.insist(
        "the object store", partial(session.objects.get_file, stored.key, path, stored.sha256)
    ):
        raise CombiningError(f"the predictions of {job.name} are gone")
    try:
        return read_predictions(path, classes)
    except KeyError as error:
        missing = f"{job.name} has other classes, or is of an earlier version: no {error}"
        raise CombiningError(missing) from error


def _dump(job: Job) -> dict[str, Any]:
    assert job.metrics is not None
    return job.metrics.model_dump(mode="json")


def _notes(composition: Composition, jobs: Sequence[Job]) -> list[str]:
    told = [
        f"{job.name} {job.state}: {job.reason or 'no reason given'}"
        for job in jobs
        if job.state != "succeeded"
    ]
    if isinstance(composition, Folds):
        told.append("Figures are means over folds; intervals are of that mean (Student's t).")
    return told


def _report(session: Session, row: Any, like: Job, kept: Sequence[str]) -> dict[str, Any]:
    """A report with what holds for the parent of that of a child."""
    stored = session.write(lambda s: store.find_artifact(s, like.job_id, "report.json"))
    if stored is None:
        raise JobError(f"the report of {like.name} is gone")
    body = session.insist("the object store", partial(session.objects.read, stored.key))
    child = json.loads(body)
    parent = {name: getattr(row, name) for name in ("job_id", "name", "experiment", "cohort_id")}
    return {
        **{name: child[name] for name in kept if name in child},
        "job": parent,
        "owner": row.owner["name"],
        "spec": row.spec,
        "spec_sha256": row.spec_sha256,
        "epochs": [],
    }


def _write_report(folder: Path, report: dict[str, Any]) -> dict[str, tuple[Path, str]]:
    (folder / "report.json").write_text(json.dumps(report, indent=1, allow_nan=False))
    (folder / "report.html").write_text(render_report(report))
    return {
        "report.json": (folder / "report.json", "application/json"),
        "report.html": (folder / "report.html", "text/html; charset=utf-8"),
    }
