"""Union, intersection and difference of frozen cohorts, as sets of images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from chassis.problems import invalid

from catalog.cohorts.definition import COHORT_FIELD, SPLITS, CohortRequest, plain_label
from catalog.cohorts.describe import Members, content_hash, warnings
from catalog.cohorts.splits import (
    Assigned,
    assign_by_patient,
    sample_per_class,
    shuffled_keys,
    split_by_member,
)
from catalog.paths import hash_texts


@dataclass(frozen=True)
class Operand:
    """A frozen cohort: what is known of it, and its members in columns."""

    cohort: Mapping[str, Any]
    frame: pl.DataFrame


@dataclass(frozen=True)
class Combined:
    """The new cohort; ``chosen`` says which member of which operand each of its members is."""

    result: dict[str, Any]
    sha256: str
    chosen: pl.DataFrame


def combine(request: CohortRequest, operands: Sequence[Operand]) -> Combined:
    """Operate, leave out what is labelled differently, sample, split."""
    assert request.combine
    steps: list[dict[str, Any]] = []
    found = _operate(request.combine.operation, operands, steps)
    if found.is_empty():
        raise invalid("combine", "no image is left")
    found = found.sort("patient", "exam", "uid")
    names = _class_names(operands, set(found["label"].unique()))
    place = {name: number for number, name in enumerate(names)}
    labels = found["label"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    if request.sampling:
        found, labels = _sample(request, found, labels, len(names))
        steps.append(_step("sampled", found))
    members = _members(request, names, found, labels)
    document = _definition(request, operands, names)
    classes = members.classes()
    result = {
        "dataset": document["dataset"],
        "revision_id": max(operand.cohort["revision_id"] for operand in operands),
        "definition": document,
        "counts": members.counts(),
        "classes": classes,
        "attrition": steps,
        "warnings": warnings(classes, request),
    }
    sha256 = content_hash(document, "", members, found["uid"].to_list())
    return Combined(result, sha256, _chosen(found, members.assigned))


def _operate(
    operation: str, operands: Sequence[Operand], steps: list[dict[str, Any]]
) -> pl.DataFrame:
    """The images of the result, each as the first operand that has it says."""
    frames = []
    for operand in operands:
        source = str(operand.cohort["cohort_id"])
        frames.append(operand.frame.with_columns(source=pl.lit(source)))
        steps.append(_step(f"cohort {operand.cohort['name']}", operand.frame))
    kept = frames[0]
    if operation == "union":
        kept = pl.concat(frames).unique("image_id", keep="first", maintain_order=True)
    for other in frames[1:]:
        if operation == "intersection":
            kept = kept.join(other, on="image_id", how="semi")
        elif operation == "difference":
            kept = kept.join(other, on="image_id", how="anti")
    steps.append(_step(operation, kept))
    if operation == "difference":
        return kept
    counts = pl.concat(frames).group_by("image_id").agg(pl.col("label").n_unique())
    agreed = kept.join(counts.filter(pl.col("label") == 1), on="image_id", how="semi")
    steps.append(_step("with one label in all of them", agreed))
    return agreed


def _step(name: str, frame: pl.DataFrame) -> dict[str, Any]:
    return {
        "step": name,
        "images": frame.height,
        "exams": frame["exam"].n_unique(),
        "patients": frame["patient"].n_unique(),
    }


def _class_names(operands: Sequence[Operand], present: set[str]) -> list[str]:
    """The classes that are left, in the order of the operands'."""
    named = [item["name"] for operand in operands for item in operand.cohort["classes"]]
    return [name for name in dict.fromkeys(named) if name in present]


def _sample(
    request: CohortRequest, found: pl.DataFrame, labels: Any, count: int
) -> tuple[pl.DataFrame, Any]:
    assert request.sampling
    cap = request.sampling.per_class
    if cap == "smallest":
        cap = int(np.bincount(labels, minlength=count).min())
    keys = shuffled_keys(hash_texts(found["uid"]), "sample", request.seed)
    kept = sample_per_class(labels, keys, cap)
    return found.filter(kept), labels[kept]


def _members(request: CohortRequest, names: list[str], found: pl.DataFrame, labels: Any) -> Members:
    patients, exams = (found[n].rle_id().to_numpy().astype(np.int64) for n in ("patient", "exam"))
    if request.split.by == "image":
        keys = shuffled_keys(hash_texts(found["uid"]), "split", request.seed)
        shares = [getattr(request.split, name) for name in SPLITS]
        assigned = Assigned(split_by_member(labels, keys, shares), None)
    else:
        named = found["patient"].unique(maintain_order=True)
        keys = shuffled_keys(hash_texts(named), "split", request.seed)
        assigned = assign_by_patient(request.split, labels, patients, keys)
    return Members(names, labels, exams, patients, assigned)


def _definition(
    request: CohortRequest, operands: Sequence[Operand], names: list[str]
) -> dict[str, Any]:
    """Operands by their hashes, which are the same on every stack."""
    assert request.combine
    hashes = [operand.cohort["sha256"] for operand in operands]
    resolved = {"operation": request.combine.operation, "cohorts": hashes}
    dataset = operands[0].cohort["dataset"]
    label = plain_label(COHORT_FIELD, names)
    return request.document(label, dataset=dataset, filter={}, combine=resolved)


def _chosen(found: pl.DataFrame, assigned: Assigned) -> pl.DataFrame:
    folds = assigned.folds
    return pl.DataFrame(
        {
            "position": np.arange(found.height, dtype=np.int32),
            "source": found["source"],
            "at": found["position"],
            "split": [SPLITS[split] for split in assigned.splits.tolist()],
            "fold": pl.Series([None] * found.height if folds is None else folds, dtype=pl.Int32),
        }
    )
