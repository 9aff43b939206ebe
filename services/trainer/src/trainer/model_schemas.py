"""Bodies of the API about trained models."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from trainer.evaluation.schemas import Interval
from trainer.predictions import MOST_IMAGES
from trainer.schemas import Owner
from trainer.spec import Protocol


class Lineage(BaseModel):
    """Where a model comes from, as far back as it is known."""

    job_id: str
    parent_id: str | None
    experiment: str
    protocol: Protocol = Field(
        description="`published`: the test split, of the same patients, chose the epoch"
    )
    experiment_version: int
    spec_sha256: str
    dataset: str | None
    revision_id: str | None
    cohort_id: str | None
    cohort_sha256: str | None
    array: str | None
    samples_sha256: str = Field(description="Of pixels, labels, splits and patients")
    code_version: str = Field(description="Of the trainer, with a digest of its source")
    versions: dict[str, str]


class Model(BaseModel):
    """Weights that a job left."""

    model_id: str = Field(description="The id of its job")
    name: str
    owner: Owner
    architecture: str
    classes: list[str]
    created_at: datetime
    parameters: int
    bytes: int
    weights_sha256: str
    preprocessing: dict[str, Any] = Field(description="From grey values to the network's input")
    preprocessing_sha256: str = Field(description="Stored with the weights, compared to predict")
    roc_auc: Interval | None = Field(description="On the test split of its job")
    lineage: Lineage


class ImagesToPredict(BaseModel):
    """Images of the catalog."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"image_ids": [7]}]})

    image_ids: list[int] = Field(
        min_length=1, max_length=MOST_IMAGES, description="Of more than these, predict a cohort"
    )


class Prediction(BaseModel):
    """What a model says of an image; ``probs`` by class sum to one."""

    image_id: int
    probs: dict[str, float]


class Predictions(BaseModel):
    """What a model says of images."""

    model_id: str
    predictions: list[Prediction]
    missing: list[int] = Field(description="Images that are not there or cannot be read")
    preprocessing_sha256: str
