"""A job that evaluates uploaded scores: no pixels, no training, the same report."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from trainer import store
from trainer.catalog import CatalogClient
from trainer.cohorts import MemberTable, read_members
from trainer.describing import describe_predictions
from trainer.evaluation.evaluate import evaluate_predictions
from trainer.evaluation.predictions import Predictions
from trainer.outcome import JobError
from trainer.report import render_report
from trainer.samples import SPLITS
from trainer.schemas import Progress
from trainer.scoring import ScoresError, join_scores, parse_scores
from trainer.spec import CohortSource, JobSpec
from trainer.training.artifacts import upload_artifacts
from trainer.training.predictions import write_rows
from trainer.training.runtime import describe_versions
from trainer.training.session import Session


def evaluate_scores(session: Session, row: Any, spec: JobSpec, folder: Path) -> None:
    """Join, evaluate, report, and end the job as succeeded.

    Raises:
        JobError: the scores are gone, or are not those of the cohort's split.
    """
    assert spec.scores is not None
    assert isinstance(spec.source, CohortSource)
    session.show(Progress(phase="evaluating", fraction=0.1))
    text = _read(session, spec.scores.key, spec.scores.sha256, folder)
    table = members_of(session, row, spec.source)
    try:
        scores = parse_scores(text, spec.source.classes)
        predictions = join_scores(scores, table, spec.scores.split)
    except ScoresError as error:
        raise JobError(str(error)) from error
    metrics = evaluate_predictions(
        predictions.target, predictions.probs, predictions.patients, predictions.classes
    )
    metrics |= {"epoch": None, "baseline": None}
    uploaded = f"scores uploaded, {len(scores.ids)} rows by {scores.unit}"
    lineage = {**table.lineage, "scores": f"{uploaded}, sha256 {spec.scores.sha256}"}
    warnings = [*row.warnings, *metrics.pop("warnings")]
    report = {
        "job": {name: getattr(row, name) for name in ("job_id", "name", "experiment", "cohort_id")},
        "owner": row.owner["name"],
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": row.spec_sha256,
        "metrics": metrics,
        **describe_predictions(predictions),
        "lineage": lineage,
        "epochs": [],
        "splits": _splits(table),
        "published": [],
        "warnings": warnings,
        "manifest": {"versions": describe_versions(), "attempts": row.attempts},
    }
    artifacts = upload_artifacts(session, _write(folder, report, predictions))
    session.write(
        lambda s: store.finish_job(
            s, session.lease, "succeeded", metrics=metrics, artifacts=artifacts, warnings=warnings
        )
    )


def members_of(session: Session, row: Any, source: CohortSource) -> MemberTable:
    """What the catalog says of the cohort's members, asked as the job's owner."""
    authorize = session.token_source(row.owner, source.cohort_id)
    catalog = CatalogClient(session.http, session.settings.catalog_url, authorize)
    return session.wait(read_members(catalog, source))


def _read(session: Session, key: str, sha256: str, folder: Path) -> str:
    path = folder / "scores.csv"
    fetch = partial(session.objects.get_file, key, path, sha256)
    if not session.insist("the object store", fetch):
        raise JobError("the uploaded scores are gone")
    return path.read_text()


def _splits(table: MemberTable) -> list[dict[str, Any]]:
    """Images, patients and classes of each split."""
    splits, labels, patients = (np.array(v) for v in (table.splits, table.labels, table.patients))
    found = []
    for place, name in enumerate(SPLITS):
        members = splits == place
        counts = np.bincount(labels[members], minlength=len(table.classes)).tolist()
        people = len(np.unique(patients[members]))
        classes = dict(zip(table.classes, counts, strict=True))
        images = int(members.sum())
        found.append({"split": name, "images": images, "patients": people, "classes": classes})
    return found


def _write(
    folder: Path, report: dict[str, Any], predictions: Predictions
) -> dict[str, tuple[Path, str]]:
    """{name: (path, media type)} of what the job leaves."""
    files = {
        "report.json": "application/json",
        "report.html": "text/html; charset=utf-8",
        "predictions.csv": "text/csv",
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1, allow_nan=False))
    (folder / "report.html").write_text(render_report(report))
    classes = predictions.classes
    known = (
        (key, str(patient), classes[label])
        for key, patient, label in zip(
            predictions.keys, predictions.patients, predictions.target, strict=True
        )
    )
    rows = zip(known, predictions.probs, strict=True)
    write_rows(folder / "predictions.csv", classes, rows, predictions.unit)
    return {name: (folder / name, kind) for name, kind in files.items()}
