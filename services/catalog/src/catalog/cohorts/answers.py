"""What is answered about cohorts."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from catalog.cohorts.definition import Split
from catalog.schemas import Totals, Value


class ClassCounts(BaseModel):
    """A class: its images, patients, and images per split."""

    name: str
    images: int
    patients: int
    splits: dict[Split, int]


class AttritionStep(Totals):
    """What was left after a step; ``rows`` of the table that a recipe was working on."""

    step: str
    rows: int | None = None


class CohortPreview(BaseModel):
    """A cohort as it would be."""

    dataset: str
    revision_id: int
    definition: dict[str, Any]
    counts: Totals
    classes: list[ClassCounts]
    attrition: list[AttritionStep]
    warnings: list[str]


class Cohort(CohortPreview):
    """A frozen cohort."""

    cohort_id: str
    name: str
    sha256: str
    owner: str
    created_at: datetime


class Evidence(BaseModel):
    """A row of the clinical table that a recipe's label rests on."""

    role: str = Field(examples=["screen", "diagnostic", "later screen"])
    row: int = Field(description="Number of the row in the clinical file, from 0")
    days: int = Field(description="Days after the screening exam")
    exam_id: str
    study_date_anon: str | None
    desc: str | None
    side: str | None
    asses: str | None
    path_severity: float | None


class Member(BaseModel):
    """An image of a cohort. ``attributes`` are what subgroups and baselines go by."""

    image_id: int
    sop_instance_uid: str
    patient_id: str
    exam_id: str
    label: str
    split: Split
    fold: int | None = None
    attributes: dict[str, Value]
    evidence: list[Evidence] | None = None


class PartCounts(BaseModel):
    """A split or a fold: its images and patients, and images per class."""

    name: str
    images: int
    patients: int
    classes: dict[str, int]


class SubgroupCounts(BaseModel):
    """Images and patients by split of the members that have one value of an attribute."""

    attribute: str = Field(examples=["race"])
    value: str | None = Field(description="null: not recorded")
    images: dict[str, int] = Field(description="By split; one without any is left out")
    patients: dict[str, int] = Field(description="Likewise")


class Splits(BaseModel):
    """How a cohort is split. ``folds`` is empty where it was not asked for."""

    by: Literal["patient", "image"]
    patients_in_several: int = Field(description="0 by construction where split by patient")
    splits: list[PartCounts]
    folds: list[PartCounts]
    subgroups: list[SubgroupCounts]


class Compared(BaseModel):
    """One of two cohorts that are compared."""

    cohort_id: str
    name: str
    sha256: str
    revision_id: int
    counts: Totals


class Difference(BaseModel):
    """A part of the definition that differs; null where one has no such part."""

    path: str = Field(examples=["filter.age_at_study.gte"])
    a: Any
    b: Any


class Reason(BaseModel):
    """Why images of one cohort are not in the other."""

    reason: str
    images: int


class Missing(BaseModel):
    """Images that only one of the cohorts has, and the steps of the other that left them out.

    ``reasons`` is null where the revision that the other was frozen on is not served any more.
    """

    images: int
    patients: int
    reasons: list[Reason] | None


class Moved(BaseModel):
    """Images of both that have another label, or another split, in each."""

    a: str
    b: str
    images: int


class CohortComparison(BaseModel):
    """What differs between two cohorts, and why."""

    a: Compared
    b: Compared
    same: bool = Field(description="The hashes are equal")
    same_revision: bool
    definition: list[Difference]
    in_both: int
    only_a: Missing
    only_b: Missing
    labels: list[Moved]
    splits: list[Moved]
