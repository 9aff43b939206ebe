"""What a person asks of a cohort."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalog.flags import FlagKind
from catalog.schemas import FilterDocument, Seed, Value

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
RecipeName = Literal["sn", "dc", "sla", "nus", "dt"]
MatchOn = Literal["age", "density", "manufacturer", "year"]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
ClassName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]

RECIPE_FIELD = "recipe"
COHORT_FIELD = "cohort"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClassDefinition(_Strict):
    """A class and the values of the label field that make it."""

    name: ClassName
    values: list[Value] = Field(min_length=1, max_length=200)


class LabelDefinition(_Strict):
    """The field that labels an image; ``policy`` decides where its findings disagree.

    With a recipe the field is ``recipe``, and the values are the recipe's classes.
    """

    field: str = Field(max_length=200, examples=["asses"])
    classes: list[ClassDefinition] = Field(min_length=1, max_length=50)
    policy: Literal["worst", "exclude", "finding"] = "worst"

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [item.name for item in self.classes]
        values = [(type(v) is bool, v) for item in self.classes for v in item.values]
        if len(set(names)) < len(names) or len(set(values)) < len(values):
            raise ValueError("class names and values must be distinct")
        return self


def plain_label(field: str, classes: list[str]) -> LabelDefinition:
    """A label whose classes are its field's values."""
    return LabelDefinition(
        field=field,
        classes=[ClassDefinition(name=name, values=[name]) for name in classes],
        policy="exclude",
    )


class RecipeDefinition(_Strict):
    """A published curation that chooses the images and labels them; ``GET /recipes`` tells more."""

    name: RecipeName
    roi: Literal["any", "some", "one"] = "any"

    @model_validator(mode="after")
    def _roi(self) -> Self:
        if self.roi != "any" and self.name != "nus":
            raise ValueError("roi is for the recipe nus")
        return self


class CombineDefinition(_Strict):
    """Frozen cohorts of one dataset as sets; a difference takes the others from the first.

    Images that two of them label differently are left out and counted.
    """

    operation: Literal["union", "intersection", "difference"]
    cohorts: list[UUID] = Field(min_length=2, max_length=10)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.cohorts)) < len(self.cohorts):
            raise ValueError("a cohort is named twice")
        return self


class MatchDefinition(_Strict):
    """Controls for each exam of the class ``cases``, from exams of patients who are no case.

    Exams are matched on equal density and manufacturer, and on age and year (of the patient's
    shifted dates) within a distance; each patient serves as a control once.
    """

    cases: ClassName
    on: list[MatchOn] = Field(min_length=1, max_length=4)
    controls: int = Field(default=1, ge=1, le=20, description="Control exams for a case, at most")
    age_within: float = Field(default=5, ge=0, le=50, description="Years")
    year_within: int = Field(default=0, ge=0, le=20)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.on)) < len(self.on):
            raise ValueError("a variable is named twice")
        return self


class SamplingDefinition(_Strict):
    """At most this many images of each class, chosen by the hash of their UIDs and the seed.

    ``smallest``: as many as the smallest class has, so that the classes are balanced.
    """

    per_class: Annotated[int, Field(ge=1, le=10_000_000)] | Literal["smallest"]


class FoldsDefinition(_Strict):
    """Equal parts by patient: ``test`` is tested, the next validates, the others train."""

    count: int = Field(ge=3, le=20)
    test: int = Field(default=0, ge=0, le=19)

    @model_validator(mode="after")
    def _there(self) -> Self:
        if self.test >= self.count:
            raise ValueError(f"test must be below {self.count}")
        return self


class SplitDefinition(_Strict):
    """Shares of the splits, or k folds. ``by: image`` only reproduces published numbers."""

    by: Literal["patient", "image"] = "patient"
    train: Share = 0.7
    validation: Share = 0.1
    test: Share = 0.2
    folds: FoldsDefinition | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.folds:
            self._share_folds(1 / self.folds.count)
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("train, validation and test must add up to 1")
        return self

    def _share_folds(self, share: float) -> None:
        shares = {"train": 1 - 2 * share, "validation": share, "test": share}
        given = self.model_fields_set & shares.keys()
        if self.by != "patient":
            raise ValueError("folds are by patient")
        if any(abs(getattr(self, name) - shares[name]) > 1e-6 for name in given):
            raise ValueError("the number of folds decides the shares")
        self.train, self.validation, self.test = shares.values()


class CohortRequest(_Strict):
    """A cohort to be made: of a label, of a recipe, or of frozen cohorts."""

    name: Name = "cohort"
    dataset: str | None = None
    filter: FilterDocument | None = None
    label: LabelDefinition | None = None
    recipe: RecipeDefinition | None = None
    combine: CombineDefinition | None = None
    images: list[Annotated[int, Field(ge=0, lt=2**63)]] | None = Field(
        default=None,
        min_length=1,
        max_length=10_000,
        description="Only these images of the dataset, e.g. those that a model misread",
    )
    without_flags: list[FlagKind] | None = Field(default=None, max_length=4)
    match: MatchDefinition | None = None
    sampling: SamplingDefinition | None = None
    split: SplitDefinition = SplitDefinition()
    seed: Seed = 0

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.combine:
            others = ("filter", "label", "recipe", "images", "without_flags", "match")
            given = [name for name in others if getattr(self, name)]
            if given:
                raise ValueError(f"combine takes its images and labels from cohorts; drop {given}")
        elif self.recipe:
            if self.label and self.label.field != RECIPE_FIELD:
                raise ValueError("label.field must be recipe where a recipe labels")
        elif self.label is None:
            raise ValueError("one of label, recipe and combine is needed")
        if self.match and self.sampling:
            raise ValueError("sampling would part matched exams; ask for one of match and sampling")
        return self

    def document(self, label: LabelDefinition, **resolved: Any) -> dict[str, Any]:
        """The definition in one spelling, ``resolved`` in it; the name is no part of it."""
        left_out = {"name", "filter", "images", "without_flags"}
        plain = self.model_dump(mode="json", exclude=left_out, exclude_none=True)
        if self.images:
            plain["images"] = sorted(set(self.images))
        if self.without_flags:
            plain["without_flags"] = sorted(set(self.without_flags))
        return {"sampling": None, **plain, "label": label.model_dump(mode="json"), **resolved}
