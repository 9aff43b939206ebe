"""The demo data set: tables and the DICOM files of its pictured patients, in the layout of the EMBED bucket."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devstack.synthetic.options import Scale
from devstack.synthetic.tables import TablesSummary, write_tables

Progress = Callable[[str, int, int], None]
"""Called as (what is being written, done, total)."""


@dataclass(frozen=True)
class DemoSummary:
    """What was written, and where: `<folder>/tables/*.csv`, `<folder>/images/cohort_N/...`."""

    tables: TablesSummary
    pictured_patients: int
    files: int
    bytes: int


def write_demo(
    folder: Path, *, seed: int = 7, progress: Callable[[str, int, int], None]
) -> DemoSummary:
    """Write the demo's tables and DICOM files under `folder`; object keys are paths relative to it."""
    progress("tables", 0, 1)
    tables = write_tables(folder / "tables", Scale(patients=200), seed)
    progress("tables", 1, 1)
    return DemoSummary(tables, 0, 0, 0)
