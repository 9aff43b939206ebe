"""What is said of members: counts, warnings, and the hash of them all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.cohorts.definition import SPLITS, CohortRequest
from catalog.cohorts.splits import Assigned

Ints = npt.NDArray[np.int64]

FEW_PATIENTS = 30
IMAGE_SPLIT = (
    "The split is by image: pictures of one patient stand in training and test. "
    "Use it only to reproduce published numbers."
)


@dataclass(frozen=True)
class Members:
    """By member the number of its class, exam and patient; ``names`` are those of the classes."""

    names: Sequence[str]
    labels: Ints
    exams: Ints
    patients: Ints
    assigned: Assigned

    def counts(self) -> dict[str, int]:
        """How many images, exams and patients."""
        return {
            "images": len(self.labels),
            "exams": len(np.unique(self.exams)),
            "patients": len(np.unique(self.patients)),
        }

    def classes(self) -> list[dict[str, Any]]:
        """A ClassCounts each."""
        return [self._class(number, name) for number, name in enumerate(self.names)]

    def _class(self, number: int, name: str) -> dict[str, Any]:
        of_class = self.labels == number
        splits = np.bincount(self.assigned.splits[of_class], minlength=len(SPLITS))
        return {
            "name": name,
            "images": int(of_class.sum()),
            "patients": len(np.unique(self.patients[of_class])),
            "splits": dict(zip(SPLITS, splits.tolist(), strict=True)),
        }


def warnings(classes: Sequence[Mapping[str, Any]], request: CohortRequest) -> list[str]:
    """What a person should know before they use the cohort."""
    found = [IMAGE_SPLIT] if request.split.by == "image" else []
    for counts in classes:
        name, images, patients = counts["name"], counts["images"], counts["patients"]
        asked = request.sampling.per_class if request.sampling else 0
        if asked != "smallest" and images < asked:
            found.append(f"{name} has {images} images; {asked} were asked for.")
        if patients < FEW_PATIENTS:
            found.append(f"{name} comes from {patients} patients; intervals will be wide.")
        found.extend(
            f"{name} has no image in the {split} split."
            for split in SPLITS
            if getattr(request.split, split) > 0 and counts["splits"][split] == 0
        )
    return found


def content_hash(
    definition: Mapping[str, Any], revision_sha256: str, members: Members, uids: Sequence[str]
) -> str:
    """The hash of definition, revision content, seed, members, labels, splits and folds.

    Equal on two stacks that ingested the same files; another when one label changes.
    """
    digest = sha256()
    document = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    digest.update(f"{document}\n{revision_sha256}\n".encode())
    names, folds = members.names, members.assigned.folds
    lines = [
        f"{uid}\t{names[label]}\t{SPLITS[split]}"
        for uid, label, split in zip(
            uids, members.labels.tolist(), members.assigned.splits.tolist(), strict=True
        )
    ]
    if folds is not None:
        lines = [f"{line}\t{fold}" for line, fold in zip(lines, folds.tolist(), strict=True)]
    for line in sorted(lines):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
