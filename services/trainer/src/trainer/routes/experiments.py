"""Which experiments there are."""

from chassis.identity import Caller
from chassis.pages import Page
from chassis.problems import problem_responses
from fastapi import APIRouter

from trainer.context import InContext
from trainer.experiments import EXPERIMENTS, find_experiment
from trainer.schemas import Experiment
from trainer.submit import list_local

router = APIRouter(prefix="/api/v1/experiments", tags=["training"])


@router.get("")
def list_experiments(caller: Caller, context: InContext) -> Page[Experiment]:
    """Every declared experiment, with the JSON Schema of its overrides and what was published."""
    items = [Experiment.of(e, list_local(e, context.settings)) for e in EXPERIMENTS.values()]
    return Page(items=items, total=len(items))


@router.get("/{name}", responses=problem_responses(404))
def retrieve_experiment(name: str, caller: Caller, context: InContext) -> Experiment:
    """One experiment."""
    declared = find_experiment(name)
    return Experiment.of(declared, list_local(declared, context.settings))
