"""From a memory-mapped array of uint8 to batches of floats. All chance follows from the seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.samples import TRAIN, Samples
from trainer.spec import TrainingSettings

IMAGENET_MEAN, IMAGENET_SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EVALUATION_BATCH = 64
PAD_SHIFT = 0.06
CHUNK = 256


@dataclass(frozen=True)
class Normalisation:
    """Per-channel mean and sd of values between 0 and 1."""

    mean: tuple[float, float, float]
    sd: tuple[float, float, float]


def fit_normalisation(samples: Samples, settings: TrainingSettings) -> Normalisation:
    """ImageNet's, or mean and sd of the training split after crop (published: .1979, .1969)."""
    if settings.normalisation == "imagenet":
        return Normalisation(IMAGENET_MEAN, IMAGENET_SD)
    places = samples.in_split(TRAIN)
    counts = np.zeros(256, np.int64)
    for start in range(0, len(places), CHUNK):
        part = _centred(samples, places[start : start + CHUNK], settings.input_size)
        counts += np.bincount(part.reshape(-1), minlength=256)
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    sd = float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))
    return Normalisation((mean,) * 3, (max(sd, 1e-3),) * 3)


def training_batches(
    samples: Samples, labels: NDArray[np.int64], settings: TrainingSettings, epoch: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """(pictures (b, size, size), labels (b,)) in the order and augmentation of ``epoch``.

    Batches are equal in size to within one: batch normalisation suffers from a small last one.
    """
    generator = np.random.default_rng([settings.seed, epoch])
    places = generator.permutation(samples.in_split(TRAIN))
    for part in np.array_split(places, count_batches(len(places), settings.batch_size)):
        if settings.augment == "none":
            pictures = _centred(samples, part, settings.input_size)
        else:
            pictures = _augmented(samples, part, settings, generator)
        yield pictures, labels[part]


def evaluation_batches(
    samples: Samples, split: int, settings: TrainingSettings
) -> Iterator[NDArray[np.uint8]]:
    """Pictures (b, size, size) of a split in ascending order, unaugmented."""
    places = samples.in_split(split)
    for start in range(0, len(places), EVALUATION_BATCH):
        yield _centred(samples, places[start : start + EVALUATION_BATCH], settings.input_size)


def count_batches(samples: int, batch_size: int) -> int:
    """Optimiser steps of one epoch."""
    return max(1, -(-samples // batch_size))


def to_input(
    pictures: NDArray[np.uint8], normalisation: Normalisation, device: torch.device
) -> torch.Tensor:
    """(b, 3, size, size) float32, channels last: the grey values thrice, normalised."""
    grey = torch.from_numpy(pictures).to(device)[:, None].float() / 255
    mean = torch.tensor(normalisation.mean, device=device).view(1, 3, 1, 1)
    sd = torch.tensor(normalisation.sd, device=device).view(1, 3, 1, 1)
    return ((grey - mean) / sd).contiguous(memory_format=torch.channels_last)


def _centred(samples: Samples, places: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    start = (samples.images.shape[1] - size) // 2
    rows = samples.rows[places]
    return np.stack(
        [samples.images[row, start : start + size, start : start + size] for row in rows]
    )


def _augmented(
    samples: Samples,
    places: NDArray[np.int64],
    settings: TrainingSettings,
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    """Shifted within the margin (black comes in where there is none) and flipped upside down."""
    size, stored = settings.input_size, samples.images.shape[1]
    pad = round(size * PAD_SHIFT) if stored == size else 0
    offsets = generator.integers(0, stored - size + 2 * pad + 1, (len(places), 2))
    flips = generator.random(len(places)) < 0.5
    batch = np.empty((len(places), size, size), np.uint8)
    for i, row in enumerate(samples.rows[places]):
        picture = np.pad(samples.images[row], pad) if pad else samples.images[row]
        top, left = offsets[i]
        part = picture[top : top + size, left : left + size]
        batch[i] = part[::-1] if flips[i] else part
    return batch
