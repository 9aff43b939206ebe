"""A synthetic EMBED: the tables at any scale, the DICOM files of chosen patients, and two real CBIS-DDSM cases beside it."""

from devstack.synthetic.demo import DemoSummary, Progress, write_demo
from devstack.synthetic.options import FULL_SCALE, Defects, Generation, Scale
from devstack.synthetic.tables import TablesSummary, write_tables

__all__ = [
    "FULL_SCALE",
    "Defects",
    "DemoSummary",
    "Generation",
    "Progress",
    "Scale",
    "TablesSummary",
    "write_demo",
    "write_tables",
]
