"""Whether jobs on the same test images differ by more than chance, by what they predicted."""

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

from trainer import store
from trainer.context import Context
from trainer.evaluation.metrics import Floats, Ints
from trainer.evaluation.paired import compare_paired
from trainer.evaluation.predictions import Unit
from trainer.evaluation.schemas import Interval, PairedDifference, Refused
from trainer.objects import storage_problem
from trainer.schemas import Job

PREDICTIONS = "predictions.csv"
# A comparison holds two tables and a block of draws; more at once would crowd out the API.
_one_at_a_time = asyncio.Semaphore(1)


class NotComparableError(ValueError):
    """Two jobs cannot be tested against each other; the text says why."""


@dataclass(frozen=True)
class Scored:
    """A job's `predictions.csv`."""

    unit: Unit
    keys: list[str]
    labels: list[str]
    patients: list[str]
    classes: tuple[str, ...]
    probs: Floats


def read_predictions(text: str) -> Scored:
    """Parse a table of predictions.

    Raises:
        NotComparableError: it does not say which images are of one patient.
    """
    header, *rows = csv.reader(text.splitlines())
    if "patient" not in header:
        raise NotComparableError("predictions of an older version do not tell the patients")
    places = [i for i, name in enumerate(header) if name.startswith("p_")]
    unit: Unit = "exam" if "exam_id" in header else "image"
    key, label, patient = (header.index(n) for n in (f"{unit}_id", "label", "patient"))
    return Scored(
        unit=unit,
        keys=[row[key] for row in rows],
        labels=[row[label] for row in rows],
        patients=[row[patient] for row in rows],
        classes=tuple(header[i].removeprefix("p_") for i in places),
        probs=np.array([[float(row[i]) for i in places] for row in rows]),
    )


def align(a: Scored, b: Scored) -> tuple[Ints, Floats, Floats, Ints]:
    """(target, probs of a, probs of b, patients) in the order of ``a``.

    Raises:
        NotComparableError: classes, images or labels differ, or one is by exam.
    """
    if a.unit != b.unit:
        raise NotComparableError(f"one is by {a.unit}, the other by {b.unit}")
    if a.classes != b.classes:
        raise NotComparableError("their classes differ")
    if sorted(a.keys) != sorted(b.keys):
        alike = len(set(a.keys) & set(b.keys))
        raise NotComparableError(
            f"their test sets differ: {len(a.keys)} and {len(b.keys)} {a.unit}s, {alike} in both"
        )
    order = _ranks(a.keys), np.argsort(np.array(b.keys), kind="stable")
    match = order[1][order[0]]
    if [b.labels[i] for i in match] != a.labels:
        raise NotComparableError(f"they do not label the same {a.unit}s alike")
    target = np.array([a.classes.index(label) for label in a.labels])
    _, patients = np.unique(a.patients, return_inverse=True)
    return target, a.probs, b.probs[match], patients.astype(np.int64)


def _ranks(keys: Sequence[str]) -> Ints:
    """(n,) place of each key among the sorted."""
    order = np.argsort(np.array(keys), kind="stable")
    ranks = np.empty(len(keys), np.int64)
    ranks[order] = np.arange(len(keys))
    return ranks


def compare_pair(a: Job, b: Job, first: Scored, second: Scored) -> PairedDifference:
    """The test of one job against another; NotComparableError where there can be none."""
    target, one, other, patients = align(first, second)
    found = compare_paired(target, one, other, patients)
    return PairedDifference(
        a=a.job_id,
        b=b.job_id,
        n=len(target),
        patients=int(patients.max()) + 1,
        roc_auc=Interval(value=found.difference, low=found.low, high=found.high),
        bootstrap_p=found.bootstrap_p,
        delong_p=found.delong_p,
    )


async def compare_significance(
    context: Context, jobs: Sequence[Job]
) -> tuple[list[PairedDifference], list[Refused]]:
    """Each job against the first."""
    tests: list[PairedDifference] = []
    refused: list[Refused] = []
    first: Scored | NotComparableError
    async with _one_at_a_time:
        reference, *others = jobs
        try:
            first = await _read(context, reference)
        except NotComparableError as error:
            first = error
        for other in others:
            try:
                if isinstance(first, NotComparableError):
                    raise first
                second = await _read(context, other)
                tests.append(await asyncio.to_thread(compare_pair, reference, other, first, second))
            except NotComparableError as error:
                reason = str(error)
                refused.append(Refused(a=reference.job_id, b=other.job_id, reason=reason))
    return tests, refused


async def _read(context: Context, job: Job) -> Scored:
    if job.state != "succeeded":
        raise NotComparableError(f"{job.name} is {job.state}: it has no predictions")
    async with context.database.transaction() as session:
        artifact = await store.find_artifact(session, job.job_id, PREDICTIONS)
    if artifact is None:
        raise NotComparableError(f"{job.name} left no predictions")
    try:
        body = await context.objects.read(artifact.key)
    except (BotoCoreError, ClientError) as error:
        raise storage_problem(error) from error
    return await asyncio.to_thread(read_predictions, body.decode())
