"""Which experiments there are."""

from chassis.identity import Caller
from chassis.pages import Page
from chassis.problems import problem_responses
from fastapi import APIRouter

from trainer.experiments import EXPERIMENTS, find_experiment
from trainer.schemas import Experiment

router = APIRouter(prefix="/api/v1/experiments", tags=["training"])


@router.get("")
async def list_experiments(caller: Caller) -> Page[Experiment]:
    """Every declared experiment, with the JSON Schema of its overrides and what was published."""
    items = [Experiment.of(declared) for declared in EXPERIMENTS.values()]
    return Page(items=items, total=len(items))


@router.get("/{name}", responses=problem_responses(404))
async def retrieve_experiment(name: str, caller: Caller) -> Experiment:
    """One experiment."""
    return Experiment.of(find_experiment(name))
