"""A synthetic EMBED: the tables at any scale, the DICOM files of chosen patients, and two real
CBIS-DDSM cases beside it."""

from devstack.synthetic.demo import Demo, DemoSummary, Progress, write_demo, write_demo_tables
from devstack.synthetic.dicoms import DicomSummary, write_dicoms
from devstack.synthetic.options import FULL_SCALE, Defects, Generation, Scale
from devstack.synthetic.tables import TablesSummary, write_tables

__all__ = [
    "FULL_SCALE",
    "Defects",
    "Demo",
    "DemoSummary",
    "DicomSummary",
    "Generation",
    "Progress",
    "Scale",
    "TablesSummary",
    "write_demo",
    "write_demo_tables",
    "write_dicoms",
    "write_tables",
]
