"""What an experiment declares."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainer.composition import Composition
from trainer.spec import Labelling, Protocol, TrainingSettings

DatasetKind = Literal["cohort", "array", "patches"]


class Published(BaseModel):
    """A figure somebody else published, on data that is not here; never ours."""

    model_config = ConfigDict(frozen=True)

    model: str
    epochs: int | None = None
    variant: str | None = Field(default=None, description="What else tells it from its like")
    accuracy: float | None = Field(default=None, description="Share, 0 to 1")
    balanced_accuracy: float | None = None
    roc_auc: float | None = None
    f1: float | None = None
    log_loss: float | None = None
    protocol: Protocol = "published"
    source: str


class ExpectedCohort(BaseModel):
    """The cohort an experiment is about, as `POST /api/v1/cohorts` takes it."""

    model_config = ConfigDict(frozen=True)

    label: dict[str, Any]
    sampling: dict[str, Any] | None
    split: dict[str, Any]
    filter: dict[str, Any] = {}


class Declared(BaseModel):
    """One experiment: a versioned document. A change of meaning is a new version."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    title: str
    description: str
    task: str
    dataset_kind: DatasetKind
    classes: tuple[str, ...] = Field(description="Negative first; empty: whatever the source has")
    models: tuple[str, ...]
    profiles: dict[str, TrainingSettings]
    default_profile: str
    cohort: ExpectedCohort | None = None
    labelling: Labelling | None = Field(
        default=None, description="What patches are told apart by, where it trains on patches"
    )
    published: tuple[Published, ...] = ()
    composition: Composition | None = Field(
        default=None,
        description="A sweep, folds or an ensemble: what a job of it is unless it says otherwise",
    )

    @property
    def defaults(self) -> TrainingSettings:
        """Settings where nothing is overridden."""
        return self.profiles[self.default_profile]

    def overrides_schema(self) -> dict[str, Any]:
        """JSON Schema of `overrides`: every setting optional, defaults of this experiment."""
        schema = TrainingSettings.model_json_schema()
        defaults = self.defaults.model_dump(mode="json")
        for name, member in schema["properties"].items():
            member["default"] = defaults[name]
        schema["properties"]["model"]["enum"] = list(self.models)
        schema.pop("required", None)
        schema["title"] = f"Overrides of {self.name}"
        return schema
