"""The demo data set: tables and the DICOM files of its pictured patients, in the layout of the
EMBED bucket."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from devstack.synthetic.chunks import Chunk
from devstack.synthetic.dicoms import DicomSummary, write_dicoms
from devstack.synthetic.options import Generation, Scale
from devstack.synthetic.selection import Plan, choose_patients
from devstack.synthetic.tables import TablesSummary, chunks_of, write_chunks

Progress = Callable[[str, int, int], None]
"""Called as (what is being written, done, total)."""
DEMO_SCALE = 5 / 16
"""Most demo images have 5/16 of the detector's Rows and Columns (1040 x 800 for 3328 x 2560),
with that much larger pixels."""
_OUTLINED = 3.0
"""roi_share of the pictured: all recalled findings have a region of interest and three fifths of
the other abnormal ones."""


@dataclass(frozen=True)
class Demo:
    """How large the demo is."""

    unpictured_patients: int = 1500
    """Patients whose rows are in the tables without a DICOM file (has_pix_array False), with
    EMBED's marginals."""
    plan: Plan = field(default_factory=Plan)
    pixel_scale: float = DEMO_SCALE


@dataclass(frozen=True)
class DemoSummary:
    """What was written, and where: `<folder>/tables/*.csv`, `<folder>/images/cohort_N/...`."""

    tables: TablesSummary
    pictured_patients: int
    files: int
    bytes: int


def write_demo(
    folder: Path, *, seed: int = 7, progress: Progress, demo: Demo | None = None
) -> DemoSummary:
    """Write the demo's tables and DICOM files under `folder`; object keys are paths relative to
    it."""
    patients, tables = write_demo_tables(folder / "tables", seed=seed, progress=progress, demo=demo)
    files: DicomSummary = write_dicoms(folder / "tables", folder, patients, progress)
    return DemoSummary(tables, len(patients), files.files, files.bytes)


def write_demo_tables(
    folder: Path, *, seed: int = 7, progress: Progress, demo: Demo | None = None
) -> tuple[set[int], TablesSummary]:
    """Write the demo's tables; returns the patients (`empi_anon`) who get pictures, whose rows
    come first."""
    demo = demo or Demo()
    steps = 2 + demo.unpictured_patients // 1000
    progress("tables", 0, steps)
    generation = Generation()
    pictured, full_size = choose_patients(seed, generation, demo.plan)
    pictured = _with_pictures(pictured, full_size, demo.pixel_scale)
    empis = set(pictured.patients.empi.tolist())

    def chunks() -> Iterator[Chunk]:
        yield pictured
        progress("tables", 1, steps)
        if demo.unpictured_patients:
            rest = chunks_of(Scale(patients=demo.unpictured_patients), seed, generation)
            for done, chunk in enumerate(rest, start=2):
                yield chunk
                progress("tables", min(done, steps - 1), steps)

    summary = write_chunks(folder, chunks(), generation, pictured=empis)
    progress("tables", steps, steps)
    return empis, summary


def _with_pictures(chunk: Chunk, full_size: set[int], pixel_scale: float) -> Chunk:
    """The same patients, most of their findings outlined, most of their images smaller."""
    patients = chunk.patients
    full = np.isin(patients.empi, list(full_size))
    changed = patients.replace(
        roi_share=np.full(len(patients), _OUTLINED), pixel_scale=np.where(full, 1.0, pixel_scale)
    )
    return Chunk(changed, chunk.exams, chunk.facts, chunk.rows, chunk.images)
