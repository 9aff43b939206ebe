"""Pictures that another array of this host has already: copied, not fetched a second time.

Cohorts overlap. A picture is known by its name, a digest of dataset, revision, SOP Instance UID and
geometry; each array keeps the names of its own beside its pixels.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.budget import reading
from trainer.pixels import PRESENT, Geometry, PixelArray

NAMES = "names.npy"


def name_pictures(
    dataset: str, revision: str, uids: Iterable[str], geometry: Geometry
) -> NDArray[np.uint64]:
    """(n,) names of 8 bytes: of half a million pictures two are the same once in ten million."""
    common = f"{dataset}\0{revision}\0{geometry.size}\0{geometry.fit}\0".encode()
    digests = (hashlib.blake2b(common + uid.encode(), digest_size=8).digest() for uid in uids)
    return np.frombuffer(b"".join(digests), np.uint64)


def reuse_pictures(array: PixelArray, names: NDArray[np.uint64]) -> int:
    """Copy what other arrays beside ``array`` have of what it lacks; how many pictures."""
    part = array.folder / "names.part"
    with part.open("wb") as stream:
        np.save(stream, names)
    part.replace(array.folder / NAMES)
    copied = 0
    for other in sorted(array.folder.parent.glob(f"*/{NAMES}")):
        waiting = array.waiting()
        if not len(waiting):
            break
        if other.parent != array.folder:
            copied += _copy(array, names, waiting, other.parent)
    return copied


def _copy(
    array: PixelArray, names: NDArray[np.uint64], waiting: NDArray[np.int64], other: Path
) -> int:
    with reading(other) as held:
        if not held:
            return 0
        _, mine, theirs = np.intersect1d(
            names[waiting], np.load(other / NAMES), return_indices=True
        )
        states = np.load(other / "states.npy", mmap_mode="r")
        there = states[theirs] == PRESENT
        _copy_places(array, other, waiting[mine[there]].tolist(), theirs[there].tolist())
    return int(there.sum())


def _copy_places(
    array: PixelArray, other: Path, mine: Sequence[int], theirs: Sequence[int]
) -> None:
    images = np.load(other / "images.npy", mmap_mode="r")
    shapes = np.load(other / "shapes.npy", mmap_mode="r")
    writer = array.writer()
    for place, source in zip(mine, theirs, strict=True):
        writer.copy(place, images[source], shapes[source])
    writer.flush()
