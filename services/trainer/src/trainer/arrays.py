"""Array datasets: folders under TRAINER_ARRAYS that hold `images.npy` and `samples.json`.

``images.npy``: uint8, n x side x side. ``samples.json``: ``{"classes": [names], "labels": [0-based
class of each image], "splits": ["train" | "validation" | "test"], "patients": [any text]}``.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trainer.objects import file_sha256
from trainer.samples import SPLITS, Samples
from trainer.spec import digest


class ArrayError(ValueError):
    """The folder does not hold what it should; the text says what is wrong."""


class ArraySamples(BaseModel):
    """The contents of `samples.json`."""

    model_config = ConfigDict(extra="forbid")

    classes: list[str] = Field(min_length=2)
    labels: list[int]
    splits: list[str]
    patients: list[str]

    @model_validator(mode="after")
    def _consistent(self) -> "ArraySamples":
        if not len(self.labels) == len(self.splits) == len(self.patients):
            raise ValueError("labels, splits and patients differ in length")
        if not set(self.splits) <= set(SPLITS):
            raise ValueError(f"splits are {', '.join(SPLITS)}")
        if self.labels and not 0 <= min(self.labels) <= max(self.labels) < len(self.classes):
            raise ValueError("labels are 0-based places in classes")
        return self

    def as_samples(self, images: NDArray[np.uint8], folder: Path) -> Samples:
        """What training works on; the digest covers pixels, labels, splits and patients."""
        _, patients = np.unique(self.patients, return_inverse=True)
        described = {"pixels": file_sha256(folder / "images.npy"), "samples": self.model_dump()}
        return Samples(
            images=images,
            rows=np.arange(len(self.labels)),
            labels=np.array(self.labels, np.int64),
            splits=np.array([SPLITS.index(s) for s in self.splits], np.int8),
            patients=patients.astype(np.int64),
            keys=[str(place) for place in range(len(self.labels))],
            classes=tuple(self.classes),
            sha256=digest(described),
        )


def list_arrays(root: Path | None) -> list[str]:
    """Names of the array datasets that are there."""
    if root is None or not root.is_dir():
        return []
    return sorted(path.parent.name for path in root.glob("*/samples.json"))


def read_array(root: Path, name: str) -> tuple[NDArray[np.uint8], ArraySamples]:
    """(memory-mapped images, samples) of a dataset; ArrayError where it is not well formed."""
    folder = root / name
    try:
        samples = ArraySamples.model_validate_json((folder / "samples.json").read_bytes())
        images: NDArray[np.uint8] = np.load(folder / "images.npy", mmap_mode="r")
    except ValidationError as error:
        raise ArrayError(f"samples.json: {error.errors()[0]['msg']}") from error
    except (OSError, ValueError) as error:
        raise ArrayError(f"array dataset {name} cannot be read: {error}") from error
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise ArrayError(f"images.npy is {images.dtype} {images.shape}, not uint8 n x side x side")
    if len(images) != len(samples.labels):
        raise ArrayError(
            f"images.npy holds {len(images)} images, samples.json {len(samples.labels)}"
        )
    return images, samples
