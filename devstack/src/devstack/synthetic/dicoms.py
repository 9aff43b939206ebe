"""Writes the DICOM files of chosen patients at the keys that `anon_dicom_path` names, on all
cores."""

import multiprocessing
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2

from devstack.synthetic.dicom import dicom_bytes
from devstack.synthetic.paths import object_key
from devstack.synthetic.records import ImageJob, read_jobs

Store = Callable[[str, bytes], None]
"""Called with an object key and the file's bytes."""
_INLINE = 8
"""So few images are drawn sooner than a pool starts."""


@dataclass(frozen=True)
class DicomSummary:
    """What was written."""

    files: int
    bytes: int


def write_dicoms(
    tables: Path,
    store: Path | Store,
    patients: Collection[int],
    progress: Callable[[str, int, int], None] | None = None,
    *,
    workers: int | None = None,
) -> DicomSummary:
    """Draw every image of `patients` (`empi_anon`) in the tables and store each file under its key.

    `store` is a folder, or a callable that takes key and bytes (called in the calling process, in
    table order). The tables alone decide the pixels: the same tables give the same bytes.
    """
    jobs = read_jobs(tables, patients)
    keep = folder_store(store) if isinstance(store, Path) else store
    written = 0
    for done, (key, data) in enumerate(_drawn(jobs, workers or os.cpu_count() or 1), start=1):
        keep(key, data)
        written += len(data)
        if progress is not None:
            progress("images", done, len(jobs))
    return DicomSummary(len(jobs), written)


def folder_store(folder: Path) -> Store:
    """Store objects as files under a folder."""

    def write(key: str, data: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return write


def _drawn(jobs: list[ImageJob], workers: int) -> Iterator[tuple[str, bytes]]:
    if workers == 1 or len(jobs) <= _INLINE:
        yield from map(_draw, jobs)
        return
    # Spawned, not forked: the caller may hold threads and connections.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_be_single_threaded) as pool:
        yield from pool.map(_draw, jobs, chunksize=6)


def _be_single_threaded() -> None:
    cv2.setNumThreads(1)


def _draw(job: ImageJob) -> tuple[str, bytes]:
    return object_key(job.row["anon_dicom_path"]), dicom_bytes(job)
