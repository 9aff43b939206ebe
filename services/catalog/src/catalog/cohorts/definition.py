"""What a person asks of a cohort, and what they get."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalog.schemas import FilterDocument, Seed, Totals, Value

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClassDefinition(_Strict):
    """A class and the values of the label field that make it."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
    values: list[Value] = Field(min_length=1, max_length=200)


class LabelDefinition(_Strict):
    """The field that labels an image; ``policy`` decides where its findings disagree."""

    field: str = Field(examples=["asses"])
    classes: list[ClassDefinition] = Field(min_length=1, max_length=50)
    policy: Literal["worst", "exclude", "finding"] = "worst"

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [item.name for item in self.classes]
        values = [(type(v) is bool, v) for item in self.classes for v in item.values]
        if len(set(names)) < len(names) or len(set(values)) < len(values):
            raise ValueError("class names and values must be distinct")
        return self


class SamplingDefinition(_Strict):
    """At most this many images of each class, chosen by the hash of their UIDs and the seed."""

    per_class: int = Field(ge=1, le=10_000_000)


class SplitDefinition(_Strict):
    """Shares of the splits. ``by: image`` exists only to reproduce published numbers."""

    by: Literal["patient", "image"] = "patient"
    train: Share = 0.7
    validation: Share = 0.1
    test: Share = 0.2

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("train, validation and test must add up to 1")
        return self


class CohortRequest(_Strict):
    """A cohort to be made."""

    name: Name = "cohort"
    dataset: str | None = None
    filter: FilterDocument | None = None
    label: LabelDefinition
    sampling: SamplingDefinition | None = None
    split: SplitDefinition = SplitDefinition()
    seed: Seed = 0


class ClassCounts(BaseModel):
    """A class: its images, patients, and images per split."""

    name: str
    images: int
    patients: int
    splits: dict[Split, int]


class AttritionStep(Totals):
    """What was left after a step."""

    step: str


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


class Member(BaseModel):
    """An image of a cohort. ``attributes`` are what subgroups and baselines go by."""

    image_id: int
    sop_instance_uid: str
    patient_id: str
    exam_id: str
    label: str
    split: Split
    attributes: dict[str, Value]
