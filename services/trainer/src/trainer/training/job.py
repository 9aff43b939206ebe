"""A job from its spec to its report, one phase after the other."""

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trainer import store
from trainer.architectures import find_architecture, local_weights
from trainer.arrays import ArrayError, read_array
from trainer.birads import evaluate_birads
from trainer.catalog import CatalogClient
from trainer.cohorts import CohortReader, assemble, read_members
from trainer.describing import describe_test
from trainer.evaluation.evaluate import evaluate_predictions
from trainer.experiments import published_figures
from trainer.explanations.gallery import Explainer, explain_test
from trainer.fetching import ImageryClient
from trainer.folds import apply_fold
from trainer.networks import Shape
from trainer.outcome import JobError
from trainer.pixels import Geometry
from trainer.report import render_report
from trainer.samples import (
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    Samples,
    as_published,
    check_samples,
    permuted_labels,
)
from trainer.scalars import write_scalars
from trainer.schemas import Progress
from trainer.spec import ArraySource, CohortSource, JobSpec, TrainingSettings
from trainer.training.artifacts import upload_artifacts
from trainer.training.batches import fit_normalisation
from trainer.training.checkpoints import load_checkpoint, save_checkpoint
from trainer.training.combine import combine_children
from trainer.training.fit import DivergedError, EpochResult, Fit, Hooks, start_fit
from trainer.training.freezing import FreezingError
from trainer.training.models import build_model, download_weights
from trainer.training.patches import read_patch_samples
from trainer.training.prediction import describe_model, predict_source, write_weights
from trainer.training.predictions import write_predictions
from trainer.training.runtime import Runtime, choose_runtime, describe_versions
from trainer.training.scores import evaluate_scores
from trainer.training.session import Session

STALE_S = 86_400
SCALARS = "events.out.tfevents"  # TensorBoard looks for `tfevents` in names
FETCHED, TRAINED, EVALUATED = 0.15, 0.95, 0.98


def train_job(session: Session) -> None:
    """Do all of the job held by the session's lease, and end it as succeeded."""
    started = time.monotonic()
    row = session.write(lambda s: store.read_claimed(s, session.lease))
    spec = JobSpec.model_validate(row.spec)
    folder = session.lease.folder(session.settings.scratch)
    _clean(folder.parent, session.lease.job_id)
    folder.mkdir(parents=True)
    (folder / "pid").write_text(str(os.getpid()))  # to tell what is left from what is at work
    try:
        if spec.composition is not None:
            combine_children(session, row, spec, folder)
            return
        if spec.scores is not None:
            evaluate_scores(session, row, spec, folder)
            return
        samples = _samples(session, spec, row.owner)
        notes = [*row.warnings, *(n for n in samples.notes if n not in row.warnings)]
        _introduce(session, spec, samples)
        if spec.prediction is not None:
            predict_source(session, spec.prediction, spec.settings, samples, folder)
            return
        _show(
            session,
            Progress(phase="preparing", epochs=spec.settings.epochs, fraction=FETCHED),
            notes,
        )
        labels = _labels(samples, spec.settings)
        fit = _fit(session, spec, samples, labels, folder)
        _finish(session, row, spec, samples, labels, fit, folder, notes, started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _introduce(session: Session, spec: JobSpec, samples: Samples) -> None:
    """Say in the job's log what it works on."""
    sizes = (f"{name} {len(samples.in_split(n)):,}" for n, name in enumerate(SPLITS))
    session.note(f"{spec.settings.model} on {len(samples.labels):,} images: {', '.join(sizes)}")
    for note in samples.notes:
        session.note(note, "warning")


def _clean(jobs: Path, job_id: str) -> None:
    """Remove what killed attempts left: of this job, and of any that ended a day ago."""
    for left in jobs.glob("*"):
        with suppress(FileNotFoundError):  # another process cleans too
            if left.name.startswith(job_id) or time.time() - left.stat().st_mtime > STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def _samples(session: Session, spec: JobSpec, owner: dict[str, Any]) -> Samples:
    """The spec's samples, checked."""
    if spec.source.kind == "array":
        samples = _array_samples(session, spec.source)
    elif spec.source.kind == "patches":
        samples = read_patch_samples(session, spec.source, spec.settings)
    else:
        samples = _cohort_samples(session, spec, spec.source, owner)
    if samples.images.shape[1] < spec.settings.input_size:
        side = samples.images.shape[1]
        raise JobError(
            f"images of {side} pixels are smaller than input_size {spec.settings.input_size}"
        )
    if spec.prediction is not None:
        return samples
    if spec.fold is not None:
        samples = apply_fold(samples, spec.fold)
    published = spec.protocol == "published"
    if published:
        samples = as_published(samples)
    check_samples(samples, allow_overlap=published)
    return samples


def _array_samples(session: Session, source: ArraySource) -> Samples:
    root = session.settings.arrays
    if root is None:
        raise JobError("this worker has no TRAINER_ARRAYS")
    try:
        images, described = read_array(root, source.name)
    except ArrayError as error:
        raise JobError(str(error)) from error
    return described.as_samples(images, root / source.name)


def _cohort_samples(
    session: Session, spec: JobSpec, source: CohortSource, owner: dict[str, Any]
) -> Samples:
    settings = session.settings
    authorize = session.token_source(owner, source.cohort_id)
    catalog = CatalogClient(session.http, settings.catalog_url, authorize)
    imagery = ImageryClient(session.http, settings.imagery_url, authorize)
    reader = CohortReader(
        catalog, imagery, settings.scratch, settings.fetch_concurrency, settings.pixels_budget
    )
    geometry = Geometry(spec.settings.stored_size, spec.settings.fit)

    tenths = -1

    def show(done: int, total: int) -> None:
        nonlocal tenths
        share = done / max(1, total)
        if int(10 * share) > tenths:
            tenths = int(10 * share)
            session.note(f"{done:,} of {total:,} images are here")
        progress = Progress(phase="fetching", epochs=spec.settings.epochs, fraction=FETCHED * share)
        session.show(progress)

    table = session.wait(read_members(catalog, source))
    _show(session, Progress(phase="fetching", epochs=spec.settings.epochs))
    array = session.wait(reader.fetch(source, table, geometry, show))
    told = find_architecture(spec.settings.model).takes_birads
    return assemble(table, array, spec.settings.missing_tolerance, birads=told)


def _labels(samples: Samples, settings: TrainingSettings) -> NDArray[np.int64]:
    if settings.permute_labels is None:
        return samples.labels
    return permuted_labels(samples.labels, samples.splits, settings.permute_labels)


def _fit(
    session: Session, spec: JobSpec, samples: Samples, labels: NDArray[np.int64], folder: Path
) -> Fit:
    """Train from the last checkpoint, or from the start."""
    settings = spec.settings
    facts = {"spec": spec.sha256(), "samples": samples.sha256}
    state = load_checkpoint(session, folder, facts)
    runtime = choose_runtime(settings, session.settings.device, session.settings.own_threads)
    if state is not None:  # threads and precision decide the last bits: keep those it began with
        began = Runtime(**state["runtime"])
        runtime = replace(runtime, threads=began.threads, precision=began.precision)
        session.note(f"Goes on after epoch {state['epoch']}")
    runtime.apply(settings)
    normalisation = fit_normalisation(samples, settings)
    try:
        fit = start_fit(_model(session, spec), settings, runtime, normalisation)
        if state is not None:
            fit.load_state(state)
        fit.run(samples, labels, _hooks(session, settings, folder, facts))
    except (DivergedError, FreezingError) as error:
        raise JobError(str(error)) from error
    except torch.cuda.OutOfMemoryError as error:
        raise JobError(
            f"GPU memory exhausted: lower batch_size ({settings.batch_size}) or set micro_batch"
        ) from error
    return fit


def _model(session: Session, spec: JobSpec) -> Callable[[], nn.Module]:
    settings, classes = spec.settings, len(spec.source.classes)
    shape = Shape(classes, settings.input_size, settings.hidden_units, settings.dropout)
    if settings.weights == "none":
        return lambda: build_model(settings.model, shape)
    known = find_architecture(settings.model)
    weights = local_weights(session.settings, settings.model)
    if weights is None and session.settings.weights_hub and known.hub_file is not None:
        try:
            weights = download_weights(known, session.settings.scratch / "hub")
        except OSError as error:
            raise JobError(f"the weights hub cannot be reached: {error}") from error
    if weights is None:
        raise JobError(f"this worker has no {settings.weights} weights of {settings.model}")
    return lambda: build_model(settings.model, shape, weights)


def _hooks(
    session: Session, settings: TrainingSettings, folder: Path, facts: dict[str, Any]
) -> Hooks:
    def progress(epoch: int, done: float) -> Progress:
        fraction = FETCHED + (TRAINED - FETCHED) * done
        return Progress(phase="training", epoch=epoch, epochs=settings.epochs, fraction=fraction)

    def before_batch(step: int, total: int) -> None:
        session.check_stop()
        session.show(progress(1 + step * settings.epochs // max(1, total), step / total))

    def after_epoch(result: EpochResult, state: dict[str, Any]) -> None:
        shown = progress(result.epoch, result.epoch / settings.epochs)
        save_checkpoint(session, folder, result, state, shown, facts)

    return Hooks(before_batch, after_epoch)


def _finish(
    session: Session,
    row: Any,
    spec: JobSpec,
    samples: Samples,
    labels: NDArray[np.int64],
    fit: Fit,
    folder: Path,
    notes: list[str],
    started: float,
) -> None:
    """Use the test split, once; write report and weights; end the job."""
    from trainer.evaluation.baseline import evaluate_baseline  # two seconds of imports

    epochs = spec.settings.epochs
    if fit.epoch < epochs:
        bettered = f"{SPLITS[samples.selection]} was best after epoch {fit.best_epoch}"
        notes.append(f"Training stopped early, after epoch {fit.epoch}: {bettered}.")
        session.note(notes[-1])
    shown = Progress(phase="evaluating", epoch=fit.epoch, epochs=epochs, fraction=TRAINED)
    _show(session, shown, notes)
    test = samples.in_split(TEST)
    probs = fit.predict(samples, TEST)
    metrics = evaluate_predictions(labels[test], probs, samples.patients[test], samples.classes)
    metrics |= {"epoch": fit.best_epoch, "baseline": evaluate_baseline(samples, labels)}
    metrics["thresholds"] = _thresholds(fit, samples, labels, probs)
    if samples.birads is not None:
        metrics["birads"] = evaluate_birads(samples, labels, probs)
    history = session.write(lambda s: store.read_epochs(s, session.lease.job_id))
    explainer = Explainer(fit.model, spec.settings, fit.normalisation, fit.runtime.device)
    explanations, pictures = explain_test(explainer, samples, labels, probs)
    report = {
        "job": {name: getattr(row, name) for name in ("job_id", "name", "experiment", "cohort_id")},
        "owner": row.owner["name"],
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": row.spec_sha256,
        "metrics": metrics,
        **describe_test(samples, labels, probs),
        "explanations": explanations,
        "epochs": [_epoch(e) for e in history],
        "splits": _split_table(samples, labels),
        "published": published_figures(spec.experiment),
        "warnings": [*notes, *metrics.pop("warnings")],
        "manifest": {
            "samples_sha256": samples.sha256,
            "runtime": fit.runtime.as_dict(),
            "versions": describe_versions(),
            "normalisation": {"mean": fit.normalisation.mean, "sd": fit.normalisation.sd},
            "parameters": sum(p.numel() for p in fit.model.parameters()),
            "attempts": row.attempts,
            "attempt_seconds": round(time.monotonic() - started, 2),
        },
    }
    _show(session, Progress(phase="reporting", epoch=epochs, epochs=epochs, fraction=EVALUATED))
    (folder / "report.html").write_text(render_report(report, pictures))
    files = _write_files(folder, report, samples, labels, probs)
    files["weights.safetensors"] = write_weights(fit, samples.classes, folder)
    (folder / SCALARS).write_bytes(write_scalars(map(_scalars, history)))
    files[SCALARS] = folder / SCALARS, "application/octet-stream"
    artifacts = upload_artifacts(session, files)
    model = describe_model(fit, samples, artifacts)
    session.write(
        lambda s: store.finish_job(
            s, session.lease, "succeeded", metrics=metrics, artifacts=artifacts, model=model
        )
    )


def _thresholds(
    fit: Fit, samples: Samples, labels: NDArray[np.int64], probs: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Of two classes, chosen on validation where it was not trained on; ``probs`` of the test."""
    from trainer.evaluation.thresholds import evaluate_thresholds  # two seconds of imports

    validation, test = samples.in_split(VALIDATION), samples.in_split(TEST)
    if len(samples.classes) != 2 or not len(validation):
        return []
    chosen_on = labels[validation], fit.predict(samples, VALIDATION)[:, 1]
    return evaluate_thresholds(chosen_on, (labels[test], probs[:, 1], samples.patients[test]))


def _epoch(row: Any) -> dict[str, Any]:
    columns = (
        "epoch",
        "train_loss",
        "validation_loss",
        "validation_accuracy",
        "validation_roc_auc",
    )
    return {name: getattr(row, name) for name in (*columns, "seconds")}


def _scalars(row: Any) -> tuple[float, int, dict[str, float | None]]:
    """An epoch for TensorBoard."""
    values = {
        "loss/train": row.train_loss,
        "loss/validation": row.validation_loss,
        "validation/accuracy": row.validation_accuracy,
        "validation/roc_auc": row.validation_roc_auc,
    }
    return row.finished_at.timestamp(), row.epoch, values


def _split_table(samples: Samples, labels: NDArray[np.int64]) -> list[dict[str, Any]]:
    table = []
    for split in sorted({TRAIN, samples.selection, TEST}):
        places = samples.in_split(split)
        counts = np.bincount(labels[places], minlength=len(samples.classes)).tolist()
        patients = len(np.unique(samples.patients[places]))
        classes = dict(zip(samples.classes, counts, strict=True))
        table.append(
            {
                "split": SPLITS[split],
                "images": len(places),
                "patients": patients,
                "classes": classes,
            }
        )
    return table


def _write_files(
    folder: Path,
    report: dict[str, Any],
    samples: Samples,
    labels: NDArray[np.int64],
    probs: NDArray[np.float64],
) -> dict[str, tuple[Path, str]]:
    """{name: (path, media type)} of what the job leaves."""
    files = {
        "report.json": "application/json",
        "report.html": "text/html; charset=utf-8",
        "predictions.csv": "text/csv",
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1, allow_nan=False))
    write_predictions(folder / "predictions.csv", samples, labels, {TEST: probs})
    return {name: (folder / name, kind) for name, kind in files.items()}


def _show(session: Session, progress: Progress, warnings: list[str] | None = None) -> None:
    session.write(lambda s: store.write_progress(s, session.lease, progress, warnings))
