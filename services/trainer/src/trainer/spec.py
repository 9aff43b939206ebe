"""What a job trains: settings that a person may override, where the samples are, and both together.

A spec is complete when the job is submitted: a worker reads nothing else.
"""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool

from trainer.composition import Composition, Fold, Frozen

SPEC_VERSION = 1

Protocol = Literal["patient", "published"]
Labelling = Literal["mass-calcification", "benign-malignant", "baseline-mass-calcification"]


def _listed(value: Any) -> Any:
    """A text as a form or a command line gives it: `a, b`."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_listed)]
Numbers = Annotated[
    tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2), BeforeValidator(_listed)
]


class TrainingSettings(Frozen):
    """What may be overridden when a job is submitted."""

    model: str = Field(
        description="Architecture: the experiment's own, or any other name of torchvision or timm"
    )
    weights: Literal["imagenet", "ddsm", "none"] = Field(
        description="What the network starts from; `ddsm`: `mammo_model` as published"
    )
    input_size: int = Field(ge=32, le=1024, description="Side of the square input in pixels")
    epochs: int = Field(ge=1, le=500, description="Passes over the training split")
    batch_size: int = Field(ge=1, le=512, description="Images per optimiser step")
    learning_rate: float = Field(gt=0, le=1, description="Peak learning rate")
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="Decoupled for adamw")
    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = Field(
        default="adam", description="Optimiser"
    )
    schedule: Literal["constant", "linear", "cosine", "step", "one-cycle", "plateau"] = Field(
        default="constant",
        description=(
            "Learning rate over the steps of the job; `step`: a tenth after each third; `plateau`: "
            "a tenth after each five epochs that did not better validation loss"
        ),
    )
    augment: Literal["none", "light", "affine", "right-angles", "strong"] = Field(
        default="none",
        description=(
            "`light`: shifts within the margin and vertical flips; `affine`: turned up to 40 "
            "degrees, shifted, zoomed; `right-angles`: turned by right angles, vertical flips; "
            "`strong`: turned a little, shifted, zoomed, upside down, brighter or darker, "
            "harder or softer, some blurred"
        ),
    )
    augmented_copies: int = Field(
        default=0,
        ge=0,
        le=20,
        description="Fixed variations of each image beside it, instead of new ones every epoch",
    )
    fit: Literal["crop", "pad"] = Field(
        default="crop",
        description="`crop`: shorter edge to size, centre crop; `pad`: longer edge to size, black",
    )
    normalisation: Literal["imagenet", "dataset"] = Field(
        default="imagenet", description="Mean and sd of ImageNet, or of the training split"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="`auto`: bfloat16 where the processor has matrix units for it"
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="`balanced`: total / (classes x count)"
    )
    class_weight_values: Numbers | None = Field(
        default=None,
        description="Weights of the classes in their order, instead, e.g. 1, 1.25",
    )
    hidden_units: int | None = Field(
        default=None,
        ge=1,
        le=8192,
        description="Of the dense layer before the last, where there is one; none: as published",
    )
    dropout: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Share dropped before the last layer; none: as published",
    )
    output: Literal["softmax", "sigmoid"] = Field(
        default="softmax",
        description="`sigmoid`: each class against the rest, probabilities scaled to sum to one",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=500,
        description="Stop after as many epochs in which validation loss was not bettered",
    )
    micro_batch: int | None = Field(
        default=None,
        ge=1,
        le=512,
        description="Images at a time whose gradients are summed up to a batch: less memory",
    )
    trainable_layers: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Train only as many of the last layers that have weights",
    )
    trainable_blocks: Words | None = Field(
        default=None,
        description="Train only modules whose names begin so, e.g. `layer4`, `fc`",
    )
    deterministic: StrictBool = Field(
        default=True, description="Only algorithms that repeat to the bit; slower on a GPU"
    )
    seed: int = Field(
        default=0, ge=0, le=2**31 - 1, description="Initial weights, order, augmentation"
    )
    missing_tolerance: float = Field(
        default=0.02, ge=0, le=1, description="Share of images that may be missing or unreadable"
    )
    permute_labels: int | None = Field(
        default=None,
        ge=0,
        le=2**31 - 1,
        description="CONTROL: shuffle labels within each split by this seed; nothing can be learnt",
    )

    @property
    def stored_size(self) -> int:
        """Side of the stored square in pixels: 256 for an input of 224, as published."""
        return self.input_size if self.fit == "pad" else round(self.input_size * 256 / 224)


class CohortSource(Frozen):
    """Frozen members of a cohort of the catalog."""

    kind: Literal["cohort"] = "cohort"
    cohort_id: str
    sha256: str
    dataset: str
    revision_id: str
    images: int
    classes: tuple[str, ...]


class ArraySource(Frozen):
    """A labelled array on the worker's disk: `images.npy`, `samples.json`."""

    kind: Literal["array"] = "array"
    name: str
    images: int
    classes: tuple[str, ...]


class PatchSource(Frozen):
    """CBIS-DDSM patches on the worker's disk, labelled for a task."""

    kind: Literal["patches"] = "patches"
    name: str
    images: int
    classes: tuple[str, ...]
    labelling: Labelling


Source = Annotated[CohortSource | ArraySource | PatchSource, Field(discriminator="kind")]


class PredictionSpec(Frozen):
    """Weights of a job that are used and not trained: the settings are those of that job."""

    model_id: str
    key: str
    weights_sha256: str
    preprocessing_sha256: str
    classes: tuple[str, ...]


class ScoresSpec(Frozen):
    """Uploaded scores that are evaluated: nothing is trained."""

    key: str
    sha256: str
    split: str


class JobSpec(Frozen):
    """All that decides what a job computes."""

    version: int = SPEC_VERSION
    experiment: str
    experiment_version: int
    protocol: Protocol
    profile: str
    settings: TrainingSettings
    source: Source
    fold: Fold | None = Field(default=None, description="Splits anew, where it is a fold")
    composition: Composition | None = Field(
        default=None, description="What children it has; it trains nothing itself"
    )
    prediction: PredictionSpec | None = Field(
        default=None, description="Whose weights predict all images of the source"
    )
    scores: ScoresSpec | None = Field(
        default=None, description="Uploaded scores of a split of the source"
    )

    @property
    def is_inflated(self) -> bool:
        """Whether the test split, which shares patients with the training, chose the epoch."""
        trained = self.prediction is None and self.scores is None
        return trained and self.protocol == "published"

    def sha256(self) -> str:
        """Digest of the canonical JSON: equal specs, equal digests."""
        return digest(self.model_dump(mode="json"))


def digest(value: Any) -> str:
    """SHA-256 (hex) of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
