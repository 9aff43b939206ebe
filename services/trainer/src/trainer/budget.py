"""Which pixel arrays a disk keeps: the least recently used make way, those at work stay."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

DATASET = "dataset"

_held: list[IO[str]] = []


def hold(folder: Path) -> None:
    """Keep ``folder`` from being evicted until this process ends; it counts as used now."""
    marker = folder.with_suffix(".use")
    marker.touch()
    handle = marker.open()
    fcntl.flock(handle, fcntl.LOCK_SH)
    _held.append(handle)  # a process trains one job: its end lets go


@contextmanager
def reading(folder: Path) -> Iterator[bool]:
    """Keep ``folder`` from being evicted meanwhile; False where it is just being removed.

    It does not count as used.
    """
    marker = folder.with_suffix(".use")
    try:
        handle = marker.open()
    except FileNotFoundError:
        yield False
        return
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield folder.is_dir()


def make_room(root: Path, budget: int) -> list[Path]:
    """Remove arrays under ``root``, longest unused first, until ``budget`` bytes are kept.

    What a process holds stays, also where that leaves more than the budget. Returns what went.
    """
    folders = sorted((f for f in root.glob("*") if f.is_dir()), key=_used_at)
    sizes = {folder: _size(folder) for folder in folders}
    total, gone = sum(sizes.values()), []
    for folder in folders:
        if total <= budget:
            break
        if _remove(folder):
            total -= sizes[folder]
            gone.append(folder)
    return gone


def note_dataset(folder: Path, dataset: str) -> None:
    """Say whose pixels ``folder`` holds, before it holds any."""
    (folder / DATASET).write_text(dataset)


def remove_of(root: Path, dataset: str) -> tuple[int, int]:
    """Remove the arrays under ``root`` of a dataset: (how many went, how many a process holds).

    What does not say whose it is goes as well: an array is made anew when a job needs it.
    """
    gone = held = 0
    for folder in (f for f in root.glob("*") if f.is_dir()):
        if _dataset_of(folder) in (dataset, ""):
            removed = _remove(folder)
            gone, held = gone + removed, held + (not removed)
    return gone, held


def _dataset_of(folder: Path) -> str:
    try:
        return (folder / DATASET).read_text()
    except FileNotFoundError:
        return ""


def _used_at(folder: Path) -> float:
    marker = folder.with_suffix(".use")
    return (marker if marker.exists() else folder).stat().st_mtime


def _size(folder: Path) -> int:
    """Bytes on disk: an array that is being filled has holes."""
    return sum(f.stat().st_blocks * 512 for f in folder.glob("*"))


def _remove(folder: Path) -> bool:
    marker = folder.with_suffix(".use")
    with marker.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        shutil.rmtree(folder)
        marker.unlink()
    return True
