"""Bodies of the API."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

from trainer.composition import Composition
from trainer.evaluation.schemas import (
    BaselineMetrics,
    ChosenThreshold,
    ConfusionMatrix,
    Evaluation,
    Explanations,
    Misclassified,
    RocCurve,
    SplitMetrics,
)
from trainer.experiments.declared import Declared, Published
from trainer.spec import JobSpec, Protocol

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "succeeded", "failed", "cancelled")
IDENTIFIER = r"^[A-Za-z0-9_-]{1,100}$"
FINISHED: tuple[State, ...] = ("succeeded", "failed", "cancelled")


class Experiment(BaseModel):
    """A declared experiment, with what others published for it."""

    name: str
    version: int
    title: str
    description: str
    task: str
    dataset_kind: str
    classes: list[str]
    models: list[str]
    defaults: dict[str, Any]
    profiles: dict[str, dict[str, Any]]
    overrides: dict[str, Any] = Field(description="JSON Schema of `overrides`")
    arrays: list[str] | None = Field(
        description="Arrays or patches of this server that it can train on; null: on a cohort"
    )
    cohort: dict[str, Any] | None = Field(description="The cohort definition it expects")
    published: list[Published]
    composition: Composition | None = Field(
        default=None, description="What a job of it is made of, unless the job says otherwise"
    )

    @classmethod
    def of(cls, declared: Declared, arrays: list[str] | None = None) -> "Experiment":
        """The public form of a declaration, with the arrays that are there for it."""
        return cls(
            **declared.model_dump(
                include={"name", "version", "title", "description", "task", "dataset_kind"}
            ),
            classes=list(declared.classes),
            models=list(declared.models),
            defaults=declared.defaults.model_dump(mode="json"),
            profiles={k: v.model_dump(mode="json") for k, v in declared.profiles.items()},
            overrides=declared.overrides_schema(),
            arrays=arrays,
            cohort=declared.cohort.model_dump(mode="json") if declared.cohort else None,
            published=list(declared.published),
            composition=declared.composition,
        )


class NewJob(BaseModel):
    """A job to submit."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "experiment": "embed-2b6k",
                    "cohort_id": "b1946ac9",
                    "overrides": {"model": "resnet18", "weights": "none", "epochs": 12},
                }
            ]
        },
    )

    experiment: str
    cohort_id: str | None = Field(
        default=None, pattern=IDENTIFIER, description="Frozen cohort to train on"
    )
    array: str | None = Field(
        default=None, pattern=IDENTIFIER, description="Array dataset, where there is no cohort"
    )
    name: str | None = Field(default=None, min_length=1, max_length=200)
    profile: str | None = Field(default=None, description="Named settings to start from")
    protocol: Protocol = Field(
        default="patient",
        description=(
            "`patient`: splits by patient, the epoch chosen on validation. `published`: as others "
            "did, on a cohort split by image: validation is trained on too and the test split "
            "chooses the epoch; its figures are inflated"
        ),
    )
    priority: int = Field(
        default=0, ge=-10, le=10, description="Orders your own jobs; nobody else's wait for it"
    )
    time_limit_minutes: int | None = Field(
        default=None, ge=1, le=60 * 24 * 30, description="How long an attempt may take"
    )
    overrides: dict[str, Any] = Field(default={}, description="See the experiment's JSON Schema")
    webhook: str | None = Field(
        default=None,
        max_length=2000,
        description="Address that is told when the job has ended; its host must be allowed here",
    )
    composition: Composition | None = Field(
        default=None,
        description=(
            "A sweep, folds or an ensemble: the job has children. Left out: as the experiment "
            "declares it; null: one job"
        ),
    )


class Progress(BaseModel):
    """How far a job is; ``fraction`` of all its work, 0 to 1."""

    phase: str = "queued"
    epoch: int = 0
    epochs: int = 0
    fraction: float = 0.0


class Epoch(BaseModel):
    """What one pass over the training split came to."""

    epoch: int = Field(description="From 1")
    train_loss: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    validation_roc_auc: float | None
    seconds: float


class Estimate(BaseModel):
    """What a job is expected to take."""

    bytes: int = Field(description="To fetch, where nothing is cached")
    disk: int = Field(description="Bytes of scratch and artifacts")
    minutes: float
    basis: Literal["history", "reference"] = Field(
        default="reference",
        description="`history`: epochs of this model and size on this server; else a table",
    )


class Failure(BaseModel):
    """An attempt that ended without an end of its job."""

    attempt: int
    at: datetime
    worker: str | None
    reason: str


class Owner(BaseModel):
    """Who submitted a job."""

    person_id: str
    name: str


class BiradsMetrics(BaseModel):
    """What a network that is told the assessment must be seen beside."""

    alone: SplitMetrics = Field(description="The assessment without pixels")
    without_k: SplitMetrics | None = Field(
        description="Test images that are not BI-RADS 6; null where all are"
    )


class Metrics(BaseModel):
    """What a job reached, on a test split that was used once."""

    test: SplitMetrics
    confusion_matrix: ConfusionMatrix
    roc: list[RocCurve]
    baseline: BaselineMetrics | None = Field(
        default=None, description="Null where no pixels were looked at"
    )
    epoch: int | None = Field(
        description="The epoch that validation chose; null where several jobs were combined"
    )
    birads: BiradsMetrics | None = Field(
        default=None, description="Where the network was told the assessment"
    )
    thresholds: list[ChosenThreshold] = Field(
        default=[],
        description=(
            "Chosen on validation, for two classes; none where nothing was validated here: scores "
            "uploaded, several models together, the published protocol"
        ),
    )


class Member(BaseModel):
    """A job that another was made of; ``metrics`` are values on its test split."""

    job_id: str
    name: str
    state: State
    reason: str | None
    differs: dict[str, Any] = Field(description="Its settings, as far as members differ in them")
    validation_loss: float | None = Field(description="Of its best epoch")
    metrics: dict[str, float | None]


class Combined(BaseModel):
    """What a parent's children came to."""

    kind: Literal["sweep", "folds", "ensemble"]
    chosen: str | None = Field(
        description="The child with the least validation loss, where one was to be chosen"
    )
    members: list[Member]


class Children(BaseModel):
    """How many children a job has, and how many of them have ended, and how."""

    total: int
    ended: int
    succeeded: int


class Webhook(BaseModel):
    """Who is told of a job's end, and what came of it."""

    url: str = Field(description="Without its query, which may hold a secret")
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    status: int | None = Field(default=None, description="What the other server answered last")
    error: str | None = None

    @field_validator("url")
    @classmethod
    def _without_query(cls, value: str) -> str:
        return value.partition("?")[0]


class SplitCounts(BaseModel):
    """Images, patients and images per class of a split."""

    split: str
    images: int
    patients: int
    classes: dict[str, int]


class Report(BaseModel):
    """All of a finished job in one document."""

    job: dict[str, str | None]
    owner: str
    spec: JobSpec
    spec_sha256: str
    unit: Literal["image", "exam"] = Field(
        default="image", description="What was tested on: exams, where scores were uploaded so"
    )
    metrics: Metrics
    evaluation: Evaluation | None = Field(
        default=None, description="Null in reports of an older version"
    )
    misclassified: Misclassified | None = None
    explanations: Explanations | None = None
    lineage: dict[str, Any] = Field(default={}, description="Cohort and dataset, as frozen")
    epochs: list[Epoch]
    splits: list[SplitCounts]
    published: list[Published]
    warnings: list[str]
    combined: Combined | None = None
    manifest: dict[str, Any] = Field(description="Samples, runtime, versions: all that decides")


class Job(BaseModel):
    """A training job."""

    job_id: str
    name: str
    experiment: str
    cohort_id: str | None
    dataset: str | None
    owner: Owner
    state: State
    control: str | None = Field(
        default=None,
        description="Set where the job is a control and no result, e.g. permuted labels",
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    priority: int = Field(default=0, description="Orders the jobs of one person; 0 is usual")
    archived: bool = Field(default=False, description="Put away: lists leave it out")
    keep: bool = Field(default=False, description="Its files stay although they grow old")
    expired_at: datetime | None = Field(
        default=None, description="When its weights and predictions were let go"
    )
    expected_start_at: datetime | None = Field(
        default=None, description="From the queue, the workers and history; null once it runs"
    )
    expected_end_at: datetime | None = Field(default=None, description="Likewise")
    queue_position: int | None = Field(description="1 is next; null once it runs")
    progress: Progress
    epochs: list[Epoch]
    metrics: Metrics | None
    reason: str | None = Field(description="Why it failed, or waits again")
    waiting: str | None = Field(
        default=None, description="What it waits for just now, e.g. the object store"
    )
    attempts: int
    failures: list[Failure] = Field(default=[], description="Why earlier attempts ended")
    quarantined: bool = Field(
        default=False,
        description="It ended too many attempts in a row without an epoch: only a retry frees it",
    )
    time_limit_s: int | None = Field(default=None, description="Seconds an attempt may take")
    cancel_requested: bool
    worker: str | None
    parent_id: str | None = Field(default=None, description="The job whose child it is")
    children: Children | None = None
    combined: Combined | None = Field(
        default=None, description="What its children came to, once they have been combined"
    )
    webhook: Webhook | None = None
    spec: JobSpec
    spec_sha256: str
    warnings: list[str]
    estimate: Estimate


class JobPreview(BaseModel):
    """What submitting would queue."""

    spec: JobSpec
    spec_sha256: str
    warnings: list[str]
    estimate: Estimate = Field(description="Of the children together, where there are any")
    children: list[JobSpec] = []


class JobChange(BaseModel):
    """What may be changed of a job; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=200)
    archived: StrictBool | None = None
    keep: StrictBool | None = None
    priority: int | None = Field(default=None, ge=-10, le=10)


class Storage(BaseModel):
    """What the caller's jobs keep in the object store."""

    bytes: int
    quota: int | None = Field(description="Beyond it nothing new is queued; null: any number")
    retention_days: int | None = Field(
        description="After so many days weights and predictions go; null: never"
    )


class LogLine(BaseModel):
    """What a job said."""

    line_id: int = Field(description="Ascending, with gaps")
    at: datetime
    level: Literal["info", "warning", "error"]
    text: str


class Artifact(BaseModel):
    """A file a job left."""

    name: str
    bytes: int
    sha256: str
    media_type: str
