"""A synthetic EMBED (tables at any scale, DICOM files of chosen patients) and two real cases."""

from devstack.synthetic.cbis import CbisSummary, write_cbis
from devstack.synthetic.demo import Demo, DemoSummary, Progress, write_demo, write_demo_tables
from devstack.synthetic.dicoms import DicomSummary, write_dicoms
from devstack.synthetic.options import FULL_SCALE, Defects, Generation, Scale
from devstack.synthetic.tables import TablesSummary, write_tables

__all__ = [
    "FULL_SCALE",
    "CbisSummary",
    "Defects",
    "Demo",
    "DemoSummary",
    "DicomSummary",
    "Generation",
    "Progress",
    "Scale",
    "TablesSummary",
    "write_cbis",
    "write_demo",
    "write_demo_tables",
    "write_dicoms",
    "write_tables",
]
