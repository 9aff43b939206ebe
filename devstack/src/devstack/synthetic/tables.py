"""Writes the four tables, chunk by chunk: memory does not grow with the scale."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from devstack.synthetic.arrays import Bools
from devstack.synthetic.chunks import PATIENTS_PER_CHUNK, Chunk, generate_chunk
from devstack.synthetic.clinical import clinical_cells
from devstack.synthetic.metadata import metadata_cells
from devstack.synthetic.options import Defects, Generation, Scale
from devstack.synthetic.vocabulary import Cells, columns, encode_cell

CLINICAL = "EMBED_OpenData_clinical.csv"
METADATA = "EMBED_OpenData_metadata.csv"
CLINICAL_REDUCED = "EMBED_OpenData_clinical_reduced.csv"
METADATA_REDUCED = "EMBED_OpenData_metadata_reduced.csv"
_RENAMED = {"RACE_DESC": "ETHNICITY_DESC"}


@dataclass(frozen=True)
class TablesSummary:
    """What was written."""

    patients: int
    exams: int
    findings: int
    images: int
    paths: tuple[Path, ...]


def write_tables(
    folder: Path,
    scale: Scale,
    seed: int = 7,
    defects: Defects | None = None,
    generation: Generation | None = None,
) -> TablesSummary:
    """Write both full and both reduced tables of the scale into `folder`.

    Equal arguments give byte-identical files. `defects` is short for a `Generation` with these
    defects.
    """
    chosen = generation or Generation(defects=defects or Defects())
    return write_chunks(folder, chunks_of(scale, seed, chosen), chosen)


def chunks_of(scale: Scale, seed: int, generation: Generation) -> Iterator[Chunk]:
    """Chunks that together have exactly the scale's images or patients."""
    left = scale.images if scale.images is not None else scale.patients or 0
    number = 0
    while left > 0:
        chunk = generate_chunk(seed, number, generation)
        if scale.patients is not None:
            chunk = (
                chunk
                if left >= PATIENTS_PER_CHUNK
                else chunk.take_patients(np.arange(PATIENTS_PER_CHUNK) < left)
            )
            left -= len(chunk.patients)
        else:
            chunk = chunk if left >= len(chunk.images) else chunk.first_images(left)
            left -= len(chunk.images)
        yield chunk
        number += 1


def write_chunks(
    folder: Path, chunks: Iterable[Chunk], generation: Generation, pictured: set[int] | None = None
) -> TablesSummary:
    """Write chunks as they come. `pictured` names the patients (`empi_anon`) whose images have a
    DICOM file."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = np.zeros(4, np.int64)
    with ExitStack() as stack:
        clinical = _Table(stack, folder, "clinical", generation.defects)
        metadata = _Table(stack, folder, "metadata", generation.defects)
        for chunk in chunks:
            has_file = None if pictured is None else _has_file(chunk, pictured)
            metadata.append(metadata_cells(chunk, int(counts[3]), generation, pictured=has_file))
            recorded = chunk.patients.recorded[chunk.exams.patient[chunk.rows.exam]]
            clinical.append(clinical_cells(chunk, int(counts[2]), generation), recorded)
            counts += [
                len(chunk.patients),
                len(chunk.exams),
                int(recorded.sum()),
                len(chunk.images),
            ]
    names = (CLINICAL, METADATA, CLINICAL_REDUCED, METADATA_REDUCED)
    patients, exams, findings, images = counts.tolist()
    return TablesSummary(patients, exams, findings, images, tuple(folder / name for name in names))


def _has_file(chunk: Chunk, pictured: set[int]) -> Bools:
    chosen = np.isin(chunk.patients.empi, list(pictured))
    return np.asarray(chosen[chunk.exams.patient[chunk.images.exam]])


class _Table:
    """One table and its reduced copy, open for appending rows."""

    def __init__(self, stack: ExitStack, folder: Path, name: str, defects: Defects) -> None:
        self._columns = columns(name)
        reduced = columns(f"{name}_reduced")
        self._picked = [self._columns.index(_RENAMED.get(column, column)) for column in reduced]
        self._float_ids = defects.reduced_float_ids
        self._full = stack.enter_context(_open(folder / f"EMBED_OpenData_{name}.csv"))
        self._reduced = stack.enter_context(_open(folder / f"EMBED_OpenData_{name}_reduced.csv"))
        _write_header(self._full, self._columns, defects)
        _write_header(self._reduced, reduced, defects)

    def append(self, cells: list[Cells], keep: Bools | None = None) -> None:
        kept = cells if keep is None or keep.all() else [column[keep] for column in cells]
        lists = [column.tolist() for column in kept]
        self._full.writelines(f"{line}\n" for line in map(",".join, zip(*lists, strict=True)))
        picked = [self._reduced_cells(place, lists[place]) for place in self._picked]
        self._reduced.writelines(f"{line}\n" for line in map(",".join, zip(*picked, strict=True)))

    def _reduced_cells(self, place: int, cells: list[str]) -> list[str]:
        if self._float_ids and self._columns[place] in {"empi_anon", "acc_anon"}:
            return [str(float(cell)) for cell in cells]
        return cells


def _open(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="", buffering=1 << 20)


def _write_header(file: TextIO, names: list[str], defects: Defects) -> None:
    blank = defects.blank_index_header
    file.write(
        ",".join("" if blank and name == "Unnamed: 0" else encode_cell(name) for name in names)
        + "\n"
    )
