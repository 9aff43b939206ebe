"""A parent's own work, when its children have ended: put together what they came to."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
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
from trainer.evaluation.evaluate import evaluate_predictions
from trainer.outcome import JobError
from trainer.report import render_report
from trainer.schemas import Job, Progress
from trainer.spec import JobSpec
from trainer.training.artifacts import upload_artifacts
from trainer.training.predictions import read_predictions, write_rows
from trainer.training.session import Session


def combine_children(session: Session, row: Any, spec: JobSpec, folder: Path) -> None:
    """Evaluate what the children came to together, and end the job as succeeded.

    Raises:
        JobError: too few succeeded, or they were tested on different images.
    """
    assert spec.composition is not None
    session.show(Progress(phase="combining", fraction=0.98))
    jobs = session.write(lambda s: _members(s, session.lease.job_id, spec.composition))
    try:
        metrics, files, chosen = _combine(session, spec, jobs, folder)
    except CombiningError as error:
        raise JobError(str(error)) from error
    combined = describe_members(spec.composition.kind, jobs, chosen.job_id if chosen else None)
    notes = [*row.warnings, *metrics.pop("warnings", []), *_notes(spec.composition, jobs)]
    metrics.setdefault("baseline", _dump(jobs[0])["baseline"])
    report = _report(session, row, chosen or jobs[0])
    report |= {"metrics": metrics, "warnings": notes, "combined": combined.model_dump(mode="json")}
    files |= _write_report(folder, report)
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
    found = await store.find_jobs(session, [*former, *children])
    if len(found) < len(former) + len(children):
        raise JobError("a job that it is made of has been deleted")
    return found


def _combine(
    session: Session, spec: JobSpec, jobs: Sequence[Job], folder: Path
) -> tuple[dict[str, Any], dict[str, tuple[Path, str]], Job | None]:
    """(metrics, files, the child that was chosen, where one was)."""
    composition = spec.composition
    if isinstance(composition, Folds):
        require_all(jobs)
        return mean_over_folds([_dump(job) for job in jobs], composition.method), {}, None
    if isinstance(composition, Ensemble):
        require_all(jobs)
        metrics, path = _average(session, spec, jobs, folder)
        return metrics, {"predictions.csv": (path, "text/csv")}, None
    chosen = choose(jobs)
    return _dump(chosen), {}, chosen


def _average(
    session: Session, spec: JobSpec, jobs: Sequence[Job], folder: Path
) -> tuple[dict[str, Any], Path]:
    """Metrics of the mean of the members' probabilities, and the file of them."""
    classes = spec.source.classes
    tables = [_read_predictions(session, job, classes, folder) for job in jobs]
    known, _ = tables[0]
    for job, (other, _) in zip(jobs, tables, strict=True):
        if other != known:
            raise CombiningError(f"{job.name} was tested on other images than {jobs[0].name}")
    probs = mean_probabilities([table for _, table in tables])
    target = np.array([classes.index(label) for *_, label in known], np.int64)
    patients = np.array([int(patient) for _, patient, *_ in known], np.int64)
    metrics = evaluate_predictions(target, probs, patients, classes) | {"epoch": None}
    path = folder / "predictions.csv"
    write_rows(path, classes, zip(known, probs, strict=True))
    return metrics, path


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


def _report(session: Session, row: Any, like: Job) -> dict[str, Any]:
    """A report with what holds for the parent of that of a child."""
    stored = session.write(lambda s: store.find_artifact(s, like.job_id, "report.json"))
    if stored is None:
        raise JobError(f"the report of {like.name} is gone")
    body = session.insist("the object store", partial(session.objects.read, stored.key))
    child = json.loads(body)
    parent = {name: getattr(row, name) for name in ("job_id", "name", "experiment", "cohort_id")}
    return {
        **{name: child[name] for name in ("splits", "published", "manifest")},
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
