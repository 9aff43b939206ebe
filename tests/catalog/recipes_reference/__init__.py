"""Emory's recipes once more, in plain Python over dictionaries, from the published description.

Nothing of the catalog is used. A row is a dict, an exam is a list of rows, every rule is a loop.
"""

from tests.catalog.recipes_reference.dc import dc
from tests.catalog.recipes_reference.dt import dt
from tests.catalog.recipes_reference.nus import nus
from tests.catalog.recipes_reference.sla import sla
from tests.catalog.recipes_reference.sn import sn
from tests.catalog.recipes_reference.tables import Result, Tables

__all__ = ["Result", "Tables", "curate"]

RECIPES = {"sn": sn, "dc": dc, "sla": sla, "dt": dt}


def curate(tables: Tables, name: str, roi: str = "any") -> Result:
    """What the recipe makes of the tables; ``roi`` is of nus."""
    return nus(tables, roi) if name == "nus" else RECIPES[name](tables)
