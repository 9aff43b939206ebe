"""The written tables read back: for each image its metadata row and the findings that its pixels
must show."""

import csv
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devstack.synthetic.anatomy import SEVERITY_BY_ASSES, lesion_severity
from devstack.synthetic.pixels import LesionSpec
from devstack.synthetic.tables import CLINICAL, METADATA

Row = dict[str, str]
_ASYMMETRIES = frozenset("TBSFV")
_DISTORTIONS = frozenset("QA")
_RANK_OF_BOTH = 8
"""Findings of side B show in both breasts; their lesions are numbered apart from those of the
side's own."""


@dataclass(frozen=True)
class ImageJob:
    """One image to draw: its row, its number among the exam's acquisitions of that view, its
    lesions and density."""

    row: Row
    lesions: tuple[LesionSpec, ...]
    density: int


def read_jobs(tables: Path, patients: Collection[int]) -> list[ImageJob]:
    """The images of some patients (`empi_anon`), in table order."""
    wanted = {str(patient) for patient in patients}
    findings: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(tables / CLINICAL, wanted):
        findings[row["acc_anon"]].append(row)
    return [_job(row, findings[row["acc_anon"]]) for row in _rows(tables / METADATA, wanted)]


def _rows(path: Path, patients: set[str]) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["empi_anon"] in patients:
                yield row


def _job(row: Row, findings: list[Row]) -> ImageJob:
    density = next((f["tissueden"] for f in findings if f["tissueden"]), "2.0")
    return ImageJob(row, lesions_of(findings, row["ImageLateralityFinal"]), int(float(density)))


def lesions_of(findings: list[Row], side: str) -> tuple[LesionSpec, ...]:
    """What an exam's findings put into a breast (`L` or `R`): its own findings and those of both
    sides, none for N."""
    lesions = []
    ranks: dict[str, int] = defaultdict(int)
    seen: set[str] = set()
    for row in findings:
        if row["numfind"] in seen:
            continue
        seen.add(row["numfind"])
        rank = ranks[row["side"]]
        ranks[row["side"]] += 1
        if row["side"] not in {side, "B"}:
            continue
        lesion = _lesion(row, rank + (_RANK_OF_BOTH if row["side"] == "B" else 0))
        if lesion is not None:
            lesions.append(lesion)
    return tuple(lesions)


def _lesion(row: Row, rank: int) -> LesionSpec | None:
    kind = finding_kind(row)
    if kind is None:
        return None
    pathology = float(row["path_severity"]) if row["path_severity"] else np.nan
    severity = lesion_severity(np.array([SEVERITY_BY_ASSES[row["asses"]]]), np.array([pathology]))
    malignant = row["asses"] in {"M", "K"}
    return LesionSpec(
        rank=rank,
        severity=float(severity[0]),
        kind="mass" if malignant and kind == "asymmetry" else kind,
        shape=row["massshape"],
        margin=row["massmargin"],
        density=row["massdens"],
        calcifications=row["calcfind"],
        distribution=row["calcdistri"],
    )


def finding_kind(row: Row) -> str | None:
    """The lesion that a clinical row describes; abnormal rows without a descriptor show a
    density, negatives nothing."""
    if row["asses"] == "N":
        return None
    shape = row["massshape"]
    if shape in _ASYMMETRIES:
        return "asymmetry"
    if shape in _DISTORTIONS:
        return "distortion"
    if shape or row["massmargin"] or row["massdens"]:
        return "mass"
    if row["calcfind"] or row["calcdistri"]:
        return "calcification"
    if row["asses"] == "B":
        return None
    return "mass" if row["asses"] in {"S", "M", "K"} else "asymmetry"
