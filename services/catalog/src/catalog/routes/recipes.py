"""``/recipes``: the curations that a cohort can be made by."""

from typing import Any

from chassis.identity import Caller
from chassis.pages import Page
from chassis.problems import not_found
from fastapi import APIRouter, Response

from catalog.recipes import published
from catalog.recipes.published import RECIPES
from catalog.recipes.schemas import Recipe
from catalog.routes.state import answer

router = APIRouter(prefix="/api/v1/recipes", tags=["cohorts"])

OPTIONS = {"nus": {"roi": ["any", "some", "one"]}}


@router.get("", response_model=Page[Recipe])
async def list_recipes(caller: Caller) -> Response:
    """Emory's curations: cohorts are made by them with `recipe: {name}`."""
    items = [_describe(name) for name in RECIPES]
    return answer({"items": items, "total": len(items), "next": None})


@router.get("/{name}", response_model=Recipe)
async def retrieve_recipe(name: str, caller: Caller) -> Response:
    """One recipe."""
    if name not in RECIPES:
        raise not_found("recipe", name[:64])
    return answer(_describe(name))


def _describe(name: str) -> dict[str, Any]:
    recipe = RECIPES[name]
    plain = ("name", "title", "description", "source", "release", "classes")
    return {
        **{key: getattr(recipe, key) for key in plain},
        "options": OPTIONS.get(name, {}),
        "steps": [
            {
                "step": step.text,
                "published": {n: step.counts.get(n) for n in published.COUNTS}
                if step.published
                else None,
            }
            for step in published.steps(name).values()
        ],
    }
