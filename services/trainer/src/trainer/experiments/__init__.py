"""The registry: one file per family of experiments, listed here."""

from chassis.problems import Problem, not_found

from trainer.experiments.arrays import LABELLED_ARRAY
from trainer.experiments.declared import Declared
from trainer.experiments.embed_2b6k import EMBED_2B6K

EXPERIMENTS: dict[str, Declared] = {e.name: e for e in (EMBED_2B6K, LABELLED_ARRAY)}


def find_experiment(name: str) -> Declared:
    """The experiment of that name; a 404 problem that lists the known ones."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    missing: Problem = not_found("experiment", name)
    missing.detail = f"There is no experiment {name}. Known: {', '.join(EXPERIMENTS)}."
    raise missing
