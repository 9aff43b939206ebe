"""A recipe by its name, from tables to labelled images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog.recipes import notebooks, outcomes
from catalog.recipes.attrition import Attrition
from catalog.recipes.notebooks import Labelled
from catalog.recipes.published import RECIPES, steps
from catalog.recipes.tables import RecipeTables

Ints = npt.NDArray[np.int64]

NO_LABEL = -1

_runners: Mapping[str, Callable[[RecipeTables, Attrition], Labelled]] = {
    "sn": notebooks.sample_notebook,
    "dc": notebooks.data_curation,
    "sla": outcomes.screening_label_assignment,
    "dt": notebooks.datathon,
}


@dataclass(frozen=True)
class RecipeOutcome:
    """``labels``: by place of an image the number of its class, or NO_LABEL.

    ``evidence``: (place, role, n, days) ordered by place; ``n`` is a row of the clinical file.
    """

    classes: tuple[str, ...]
    labels: Ints
    evidence: pl.DataFrame
    rows: pl.DataFrame
    attrition: Sequence[Mapping[str, Any]]


def run_recipe(tables: RecipeTables, name: str, roi: str = "any") -> RecipeOutcome:
    """Run the recipe ``name``; ``roi`` is for `nus` alone."""
    attrition = Attrition(dict(steps(name)), tables.images)
    run = partial(outcomes.nus_pipeline, roi=roi) if name == "nus" else _runners[name]
    labelled, evidence = run(tables, attrition)
    labels = np.full(tables.images.height, NO_LABEL, np.int64)
    classes = RECIPES[name].classes
    for number, label in enumerate(classes):
        labels[labelled[label].to_numpy()] = number
    found = pl.concat(evidence).sort("place", "days", "n", "role")
    return RecipeOutcome(classes, labels, found, tables.rows, attrition.taken)
