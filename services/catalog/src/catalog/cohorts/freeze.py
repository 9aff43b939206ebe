"""From a definition to members, labels, splits, and a hash that says them all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog import views
from catalog.cohorts.definition import SPLITS, CohortRequest
from catalog.cohorts.labels import DISAGREE, NO_LABEL, label_images
from catalog.cohorts.splits import (
    sample_per_class,
    shuffled_keys,
    split_by_member,
    split_by_patient,
)
from catalog.fields import Level, fields
from catalog.grammar import canonical, parse_json
from catalog.model.read_model import ReadModel
from catalog.model.select import CompiledFilter

Ints = npt.NDArray[np.int64]

FEW_PATIENTS = 30
IMAGE_SPLIT = (
    "The split is by image: pictures of one patient stand in training and test. "
    "Use it only to reproduce published numbers."
)
ATTRIBUTES = (
    "race",
    "ethnicity",
    "age_at_study",
    "age_band",
    "tissueden",
    "Manufacturer",
    "ManufacturerModelName",
    "FinalImageType",
    "ViewPosition",
    "ImageLateralityFinal",
    "exam_type",
    "spot_or_magnification",
    "num_roi",
    "Rows",
    "Columns",
)


@dataclass(frozen=True)
class Frozen:
    """Members by place in the model, ascending; classes and splits by number."""

    model: ReadModel
    request: CohortRequest
    definition: dict[str, Any]
    places: Ints
    labels: Ints
    splits: Ints
    attrition: list[dict[str, Any]]

    @property
    def class_names(self) -> list[str]:
        """Names of the classes by number."""
        return [item.name for item in self.request.label.classes]


def canonical_definition(request: CohortRequest, dataset: str) -> dict[str, Any]:
    """The definition in one spelling; the name is no part of it."""
    document = request.model_dump(exclude={"name", "filter"})
    return {**document, "dataset": dataset, "filter": canonical(parse_json(request.filter))}


def freeze(model: ReadModel, request: CohortRequest) -> Frozen:
    """Filter, label, sample, split."""
    conditions = parse_json(request.filter)
    attrition = [_step(model, "all images", np.arange(model.images))]
    places = CompiledFilter(model, conditions).select().places
    if conditions:
        attrition.append(_step(model, "matching the filter", places))
    if "has_file" in model.codes:
        places = places[_has_file(model)[places]]
        attrition.append(_step(model, "with an image file in the store", places))
    labelled = label_images(model, request.label)
    for name, excluded in labelled.exclusions:
        places = places[~excluded[places]]
        attrition.append(_step(model, name, places))
    for name, outcome in (("with a value", NO_LABEL), ("findings agree", DISAGREE)):
        if outcome == DISAGREE and request.label.policy != "exclude":
            continue
        places = places[labelled.classes[places] != outcome]
        attrition.append(_step(model, f"{request.label.field}: {name}", places))
    places = places[labelled.classes[places] >= 0]
    attrition.append(_step(model, f"{request.label.field}: in one of the classes", places))
    if request.sampling:
        keys = shuffled_keys(model.image_hash[places], "sample", request.seed)
        per_class = request.sampling.per_class
        places = places[sample_per_class(labelled.classes[places], keys, per_class)]
        attrition.append(_step(model, f"sampled: at most {per_class} per class", places))
    labels = labelled.classes[places]
    splits = _split(model, request, places, labels)
    definition = canonical_definition(request, model.dataset)
    return Frozen(model, request, definition, places, labels, splits, attrition)


def _has_file(model: ReadModel) -> npt.NDArray[np.bool_]:
    members = model.dictionaries["has_file"].members([True])
    found: npt.NDArray[np.bool_] = members[model.codes["has_file"]]
    return found


def _split(model: ReadModel, request: CohortRequest, places: Ints, labels: Ints) -> Ints:
    shares = [getattr(request.split, name) for name in SPLITS]
    if request.split.by == "image":
        keys = shuffled_keys(model.image_hash[places], "split", request.seed)
        return split_by_member(labels, keys, shares)
    patients = _owners(model, places)[1]
    keys = shuffled_keys(model.patient_hash, "split", request.seed)
    return split_by_patient(labels, patients, keys, shares)


def _owners(model: ReadModel, places: Ints) -> tuple[Ints, Ints]:
    exams = model.exam_of_breast[model.breast_of_image[places]].astype(np.int64)
    return exams, model.patient_of_exam[exams].astype(np.int64)


def _totals(model: ReadModel, places: Ints) -> dict[str, int]:
    exams, patients = _owners(model, places)
    return {
        "images": len(places),
        "exams": len(np.unique(exams)),
        "patients": len(np.unique(patients)),
    }


def _step(model: ReadModel, name: str, places: Ints) -> dict[str, Any]:
    return {"step": name, **_totals(model, places)}


def describe(frozen: Frozen) -> dict[str, Any]:
    """A CohortPreview."""
    return {
        "dataset": frozen.model.dataset,
        "revision_id": frozen.model.revision_id,
        "definition": frozen.definition,
        "counts": _totals(frozen.model, frozen.places),
        "classes": [_class_counts(frozen, k, name) for k, name in enumerate(frozen.class_names)],
        "attrition": frozen.attrition,
        "warnings": _warnings(frozen),
    }


def _class_counts(frozen: Frozen, number: int, name: str) -> dict[str, Any]:
    of_class = frozen.labels == number
    splits = np.bincount(frozen.splits[of_class], minlength=len(SPLITS))
    return {
        "name": name,
        "images": int(of_class.sum()),
        "patients": _totals(frozen.model, frozen.places[of_class])["patients"],
        "splits": dict(zip(SPLITS, splits.tolist(), strict=True)),
    }


def _warnings(frozen: Frozen) -> list[str]:
    request = frozen.request
    found = [IMAGE_SPLIT] if request.split.by == "image" else []
    for number, name in enumerate(frozen.class_names):
        counts = _class_counts(frozen, number, name)
        asked = request.sampling.per_class if request.sampling else 0
        if counts["images"] < asked:
            found.append(f"{name} has {counts['images']} images; {asked} were asked for.")
        if counts["patients"] < FEW_PATIENTS:
            patients = counts["patients"]
            found.append(f"{name} comes from {patients} patients; intervals will be wide.")
        found.extend(
            f"{name} has no image in the {split} split."
            for split in SPLITS
            if getattr(request.split, split) > 0 and counts["splits"][split] == 0
        )
    return found


def content_hash(frozen: Frozen, uids: Sequence[str]) -> str:
    """The hash of definition, revision content, seed, members, labels and splits.

    Equal on two stacks that ingested the same files; another when one label changes.
    """
    digest = sha256()
    definition = json.dumps(frozen.definition, sort_keys=True, separators=(",", ":"))
    digest.update(f"{definition}\n{frozen.model.sha256}\n".encode())
    names = frozen.class_names
    lines = [
        f"{uid}\t{names[label]}\t{SPLITS[split]}\n"
        for uid, label, split in zip(
            uids, frozen.labels.tolist(), frozen.splits.tolist(), strict=True
        )
    ]
    for line in sorted(lines):
        digest.update(line.encode())
    return digest.hexdigest()


def attributes(model: ReadModel, place: int) -> dict[str, Any]:
    """What subgroups and baselines go by; null is absent."""
    breast = int(model.breast_of_image[place])
    exam = int(model.exam_of_breast[breast])
    patient = int(model.patient_of_exam[exam])
    owner: dict[Level, int] = {"image": place, "exam": exam, "patient": patient}
    found = {name: model.value(name, owner[fields()[name].level]) for name in ATTRIBUTES}
    found["asses"] = views.worst_assessment(model, breast)
    screening = found["exam_type"]
    found["screening"] = None if screening is None else screening == "screening"
    return {name: value for name, value in found.items() if value is not None}
