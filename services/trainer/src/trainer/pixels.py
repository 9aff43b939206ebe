"""Pixels of a list of images, fetched once into a memory-mapped array at training size.

A folder of scratch is named by what it holds (dataset, revision, images, geometry), so every job
on the same images shares it. Fetching goes on where it was broken off; one process does it, others
wait.
"""

import asyncio
import fcntl
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from trainer.objects import file_sha256
from trainer.spec import digest

Fit = Literal["crop", "pad"]

FORMAT = 1
WAITING, PRESENT, MISSING = range(3)
FLUSH_EVERY = 64
LOCK_WAIT_S = 0.2


class BadPixelsError(ValueError):
    """What imagery sent is not a picture of the size that was asked for."""


@dataclass(frozen=True)
class Geometry:
    """How a picture becomes a square of ``size`` pixels."""

    size: int
    fit: Fit

    @property
    def query(self) -> dict[str, str]:
        """Parameters of imagery's `pixels`."""
        edge = {"short_edge": str(self.size)}
        box = {"viewport": f"{self.size},{self.size}"}
        return (edge if self.fit == "crop" else box) | {"depth": "8", "format": "npy"}

    def square(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(size, size): the centre of it, or all of it with black beside and around.

        The chest wall is at the left and stays there.

        Raises:
            BadPixelsError: wrong type, or not of the size that was asked for.
        """
        if picture.dtype != np.uint8 or picture.ndim != 2:
            raise BadPixelsError(f"{picture.dtype} with {picture.ndim} dimensions")
        height, width = picture.shape
        edge = min(height, width) if self.fit == "crop" else max(height, width)
        if edge != self.size or min(height, width) < 1:
            raise BadPixelsError(f"{height} x {width} for size {self.size} ({self.fit})")
        if self.fit == "crop":
            top, left = (height - self.size) // 2, (width - self.size) // 2
            return picture[top : top + self.size, left : left + self.size]
        square = np.zeros((self.size, self.size), np.uint8)
        top = (self.size - height) // 2
        square[top : top + height, :width] = picture
        return square


@dataclass
class PixelArray:
    """``images`` (n, size, size), ``shapes`` (n, 2) before squaring, ``states`` (n,)."""

    folder: Path
    images: NDArray[np.uint8]
    shapes: NDArray[np.int32]
    states: NDArray[np.uint8]

    @classmethod
    def open(cls, folder: Path, count: int, size: int) -> Self:
        """The array in ``folder``, made where there is none; missing images are asked for again."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            images = _open(folder / "images.npy", (count, size, size), np.uint8)
            shapes = _open(folder / "shapes.npy", (count, 2), np.int32)
            states = _open(folder / "states.npy", (count,), np.uint8)
        except ValueError:  # half written when the machine went down
            shutil.rmtree(folder)
            return cls.open(folder, count, size)
        states[states == MISSING] = WAITING
        return cls(folder, images, shapes, states)

    def waiting(self) -> NDArray[np.int64]:
        """Places of images still to fetch."""
        return np.flatnonzero(self.states == WAITING)

    def writer(self) -> "PixelWriter":
        """Writes fetched pictures."""
        return PixelWriter(self, {})

    def sha256(self) -> str:
        """Digest of the pixels; kept beside them once all are there."""
        manifest = self.folder / "manifest.json"
        if manifest.exists():
            return str(json.loads(manifest.read_text())["sha256"])
        found = file_sha256(self.folder / "images.npy")
        if (self.states == PRESENT).all():
            part = manifest.with_suffix(".part")
            part.write_text(json.dumps({"sha256": found, "images": len(self.images)}))
            part.replace(manifest)
        return found


@dataclass
class PixelWriter:
    """Marks images as present only after their pixels are on disk."""

    array: PixelArray
    unmarked: dict[int, int]

    def put(self, place: int, picture: NDArray[np.uint8], square: NDArray[np.uint8]) -> None:
        """Store one picture, given as it came and squared."""
        self.copy(place, square, picture.shape)

    def copy(
        self, place: int, square: NDArray[np.uint8], shape: Sequence[int] | NDArray[np.int32]
    ) -> None:
        """Store a square that another array has, with the shape of its picture."""
        self.array.images[place] = square
        self.array.shapes[place] = shape
        self._mark(place, PRESENT)

    def put_missing(self, place: int) -> None:
        """Note that an image cannot be had."""
        self._mark(place, MISSING)

    def flush(self) -> None:
        """Write everything to disk, pixels first."""
        for part in (self.array.images, self.array.shapes):
            _flush(part)
        for place, state in self.unmarked.items():
            self.array.states[place] = state
        _flush(self.array.states)
        self.unmarked.clear()

    def _mark(self, place: int, state: int) -> None:
        self.unmarked[place] = state
        if len(self.unmarked) >= FLUSH_EVERY:
            self.flush()


def array_folder(
    scratch: Path, dataset: str, revision: str, uids: Sequence[str], geometry: Geometry
) -> Path:
    """Where the pixels of these images (in this order, at this geometry) are kept."""
    named = {"format": FORMAT, "dataset": dataset, "revision": revision, "images": digest(uids)}
    key = digest(named | {"size": geometry.size, "fit": geometry.fit})
    return scratch / "pixels" / key[:40]


@asynccontextmanager
async def sole_owner(folder: Path) -> AsyncIterator[None]:
    """Hold the folder alone among the processes of this host; waits for its turn."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        while not _lock(lock):  # noqa: ASYNC110 - another process releases it
            await asyncio.sleep(LOCK_WAIT_S)
        yield


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path, shape: tuple[int, ...], kind: type) -> NDArray[Any]:
    if not path.exists():
        part = path.with_suffix(".part")
        np.lib.format.open_memmap(part, mode="w+", dtype=kind, shape=shape).flush()
        part.replace(path)
    found = np.lib.format.open_memmap(path, mode="r+")
    if found.shape != shape or found.dtype != kind:
        raise ValueError(f"{path} holds {found.dtype} {found.shape}")
    return found


def _flush(array: NDArray[Any]) -> None:
    assert isinstance(array, np.memmap)
    array.flush()
