"""Patches at training size: scaled once into a memory-mapped array that jobs share."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from trainer.architectures import find_architecture
from trainer.arrays import ArrayError
from trainer.budget import hold, make_room
from trainer.objects import file_sha256
from trainer.outcome import JobError
from trainer.patches import CHUNK, LABELLINGS, Chosen, Patches, read_patches, to_grey
from trainer.pixels import sole_owner
from trainer.samples import Samples
from trainer.spec import PatchSource, TrainingSettings, digest
from trainer.training.session import Session

FORMAT = 1


def read_patch_samples(
    session: Session, source: PatchSource, settings: TrainingSettings
) -> Samples:
    """The samples of a task on patches; JobError where this worker does not have them."""
    root = session.settings.arrays
    if root is None:
        raise JobError("this worker has no TRAINER_ARRAYS")
    try:
        patches = read_patches(root, source.name)
        pairs = find_architecture(settings.model).takes_pairs
        chosen = Chosen.of(patches, source.labelling, pairs=pairs)
    except ArrayError as error:
        raise JobError(str(error)) from error
    side = min(settings.stored_size, patches.side)
    named = {"format": FORMAT, "files": [file_sha256(file) for file in patches.files]}
    folder = session.settings.scratch / "pixels" / digest(named | {"side": side})[:40]
    session.wait(_prepare(folder, patches, side, session.settings.pixels_budget))
    described = named | {"side": side, "labelling": source.labelling, "pairs": pairs}
    _, people = np.unique(chosen.patients, return_inverse=True)
    return Samples(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        rows=chosen.places,
        labels=chosen.labels,
        splits=chosen.splits,
        patients=people.astype(np.int64),
        keys=[str(place) for place in chosen.places],
        classes=LABELLINGS[source.labelling].classes,
        partners=chosen.partners,
        lineage={"dataset": patches.origin.model_dump()} if patches.origin else {},
        sha256=digest(described),
        notes=chosen.notes,
    )


async def _prepare(folder: Path, patches: Patches, side: int, budget: int) -> None:
    """Both tensors, one after the other, unless another job has done so."""
    async with sole_owner(folder):
        hold(folder)
        make_room(folder.parent, budget)
        if not (folder / "images.npy").exists():
            _fill(folder, patches, side)


def _fill(folder: Path, patches: Patches, side: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "images.part"
    shape = (len(patches.train.labels) + len(patches.test.labels), side, side)
    array = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
    greatest, done = _greatest(patches.train.images), 0
    for tensor in (patches.train.images, patches.test.images):
        for start in range(0, len(tensor), CHUNK):
            scaled = _scaled(to_grey(tensor[start : start + CHUNK], greatest), side)
            array[done : done + len(scaled)] = scaled
            done += len(scaled)
    array.flush()
    part.replace(folder / "images.npy")


def _greatest(tensor: NDArray[Any]) -> float:
    starts = range(0, len(tensor), CHUNK)
    return float(max(tensor[start : start + CHUNK].max() for start in starts))


def _scaled(pictures: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(n, side, side), each pixel the mean of what it covers."""
    if pictures.shape[1] == side:
        return pictures
    grey = torch.from_numpy(pictures)[:, None].float()
    small = functional.interpolate(grey, (side, side), mode="bilinear", antialias=True)
    found: NDArray[np.uint8] = small[:, 0].round().clamp(0, 255).byte().numpy()
    return found
