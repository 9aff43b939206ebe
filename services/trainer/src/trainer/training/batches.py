"""From a memory-mapped array of uint8 to batches of floats. All chance follows from the seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.samples import TRAIN, Samples
from trainer.spec import TrainingSettings
from trainer.training.augmentation import draw_variations, vary, vary_strongly

IMAGENET_MEAN, IMAGENET_SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EVALUATION_BATCH = 64
PAD_SHIFT = 0.06
CHUNK = 256
FIXED = 2**31  # an epoch that never comes: the seed of variations that all epochs share


@dataclass(frozen=True)
class Normalisation:
    """Per-channel mean and sd of values between 0 and 1."""

    mean: tuple[float, float, float]
    sd: tuple[float, float, float]


class Inputs(NamedTuple):
    """What a network is given of b images, in its order; ``None``: it takes no such thing."""

    pictures: NDArray[np.uint8]
    """(b, size, size)"""
    partners: NDArray[np.uint8] | None = None
    """(b, size, size) a second picture of each: the baseline beside an abnormality."""
    birads: NDArray[np.int64] | None = None
    """(b,) assessments as places in A N B P S M K."""

    def part(self, places: slice) -> "Inputs":
        """Some of the images."""
        partners = None if self.partners is None else self.partners[places]
        birads = None if self.birads is None else self.birads[places]
        return Inputs(self.pictures[places], partners, birads)


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
) -> Iterator[tuple[Inputs, NDArray[np.int64]]]:
    """(inputs, labels (b,)) in the order and augmentation of ``epoch``.

    Batches are equal in size to within one: batch normalisation suffers from a small last one.
    """
    generator = np.random.default_rng([settings.seed, epoch])
    train = samples.in_split(TRAIN)
    count = count_training_images(samples, settings)
    fixed = _fixed_variations(len(train), settings)
    for part in np.array_split(
        generator.permutation(count), count_batches(count, settings.batch_size)
    ):
        places = train[part % len(train)]
        if fixed is not None:
            yield _inputs(samples, places, settings, fixed[part]), labels[places]
        elif settings.augment in ("affine", "right-angles"):
            fresh = draw_variations(len(part), settings.augment, generator)
            yield _inputs(samples, places, settings, fresh), labels[places]
        elif settings.augment == "strong":
            yield _strong(_inputs(samples, places, settings), generator), labels[places]
        elif settings.augment == "light":
            yield _shifted(samples, places, settings, generator), labels[places]
        else:
            yield _inputs(samples, places, settings), labels[places]


def evaluation_batches(
    samples: Samples, split: int, settings: TrainingSettings
) -> Iterator[Inputs]:
    """Inputs of a split in ascending order, unaugmented."""
    places = samples.in_split(split)
    for start in range(0, len(places), EVALUATION_BATCH):
        yield _inputs(samples, places[start : start + EVALUATION_BATCH], settings)


def count_training_images(samples: Samples, settings: TrainingSettings) -> int:
    """Images that an epoch goes through, fixed variations among them."""
    return len(samples.in_split(TRAIN)) * (1 + settings.augmented_copies)


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


def to_tensors(
    inputs: Inputs, normalisation: Normalisation, device: torch.device
) -> list[torch.Tensor]:
    """The arguments of a network: pictures, partners and assessments, as far as there are any."""
    found = [
        to_input(pictures, normalisation, device)
        for pictures in (inputs.pictures, inputs.partners)
        if pictures is not None
    ]
    if inputs.birads is not None:
        found.append(torch.from_numpy(inputs.birads).to(device))
    return found


def _fixed_variations(count: int, settings: TrainingSettings) -> NDArray[np.float32] | None:
    """(count x (1 + copies), 2, 3) the images as they are, then variations that never change."""
    if not settings.augmented_copies:
        return None
    generator = np.random.default_rng([settings.seed, FIXED])
    copies = draw_variations(count * settings.augmented_copies, settings.augment, generator)
    unchanged = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    return np.concatenate([unchanged, copies])


def _inputs(
    samples: Samples,
    places: NDArray[np.int64],
    settings: TrainingSettings,
    variations: NDArray[np.float32] | None = None,
) -> Inputs:
    """A pair of pictures is varied alike: the baseline lay beside the abnormality."""
    pictures = _centred(samples, places, settings.input_size)
    partners = None
    if samples.partners is not None:
        partners = _centred(samples, places, settings.input_size, samples.partners)
    if variations is not None:
        pictures = vary(pictures, variations, settings.augment)
        partners = None if partners is None else vary(partners, variations, settings.augment)
    return Inputs(pictures, partners, _birads(samples, places))


def _strong(inputs: Inputs, generator: np.random.Generator) -> Inputs:
    alike = [p for p in (inputs.pictures, inputs.partners) if p is not None]
    stacks = vary_strongly(np.stack(alike, axis=1), generator)
    partners = None if inputs.partners is None else stacks[:, 1]
    return inputs._replace(pictures=stacks[:, 0], partners=partners)


def _birads(samples: Samples, places: NDArray[np.int64]) -> NDArray[np.int64] | None:
    return None if samples.birads is None else samples.birads[places]


def _centred(
    samples: Samples,
    places: NDArray[np.int64],
    size: int,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.uint8]:
    start = (samples.images.shape[1] - size) // 2
    rows = (samples.rows if rows is None else rows)[places]
    return np.stack(
        [samples.images[row, start : start + size, start : start + size] for row in rows]
    )


def _shifted(
    samples: Samples,
    places: NDArray[np.int64],
    settings: TrainingSettings,
    generator: np.random.Generator,
) -> Inputs:
    """Shifted within the margin (black comes in where there is none) and flipped upside down."""
    size, stored = settings.input_size, samples.images.shape[1]
    pad = round(size * PAD_SHIFT) if stored == size else 0
    offsets = generator.integers(0, stored - size + 2 * pad + 1, (len(places), 2))
    flips = generator.random(len(places)) < 0.5

    def move(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        batch = np.empty((len(rows), size, size), np.uint8)
        for i, row in enumerate(rows):
            picture = np.pad(samples.images[row], pad) if pad else samples.images[row]
            top, left = offsets[i]
            part = picture[top : top + size, left : left + size]
            batch[i] = part[::-1] if flips[i] else part
        return batch

    partners = None if samples.partners is None else move(samples.partners[places])
    return Inputs(move(samples.rows[places]), partners, _birads(samples, places))
