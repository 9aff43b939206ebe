"""What definitions need beside the read model: outcomes of recipes, and flagged images."""

import asyncio
from collections import OrderedDict

import asyncpg
from chassis.database import Database
from chassis.problems import Problem

from catalog.cohorts.definition import CohortRequest, RecipeDefinition
from catalog.cohorts.freeze import Inputs
from catalog.holder import Served
from catalog.recipes.run import RecipeOutcome, run_recipe
from catalog.recipes.tables import recipe_tables, wanted_columns
from catalog.store import flags, recipes

KEPT = 2


class Curation:
    """Runs recipes, one at a time, because each reads all clinical rows; keeps the last two."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[tuple[int, str, str], RecipeOutcome] = OrderedDict()
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        """Keep no outcome: a dataset was purged."""
        self._kept.clear()

    async def gather(self, served: Served, request: CohortRequest) -> Inputs:
        """The inputs of a definition of cohorts."""
        name, kinds = served.dataset.name, request.without_flags
        flagged = await flags.flagged_images(self._database, name, kinds) if kinds else []
        recipe = await self._outcome(served, request.recipe) if request.recipe else None
        return Inputs(recipe, flagged)

    async def _outcome(self, served: Served, recipe: RecipeDefinition) -> RecipeOutcome:
        key = (served.model.revision_id, recipe.name, recipe.roi)
        async with self._lock:
            found = self._kept.pop(key, None) or await self._run(served, recipe)
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found

    async def _run(self, served: Served, recipe: RecipeDefinition) -> RecipeOutcome:
        model = served.model
        columns = wanted_columns(served.dataset.columns["clinical"])
        try:
            clinical = await recipes.clinical_csv(self._database, model.revision_id, columns)
        except asyncpg.UndefinedTableError as error:
            detail = "The rows of this revision are no longer kept."
            raise Problem(409, "Tables gone", detail=detail) from error
        boxes = await recipes.box_counts(self._database, model.revision_id)

        def run() -> RecipeOutcome:
            tables = recipe_tables(model, list(columns), clinical, boxes)
            return run_recipe(tables, recipe.name, recipe.roi)

        return await asyncio.to_thread(run)
