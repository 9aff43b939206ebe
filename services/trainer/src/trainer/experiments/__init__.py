"""The registry: one file per family of experiments, listed here."""

from typing import Any

from chassis.problems import Problem, not_found

from trainer.experiments.arrays import LABELLED_ARRAY
from trainer.experiments.cbis_pretrained import PRETRAINED_EXPERIMENTS
from trainer.experiments.cbis_scratch import SCRATCH_EXPERIMENTS
from trainer.experiments.declared import Declared
from trainer.experiments.embed_2b6k import EMBED_2B6K
from trainer.experiments.embed_birads import (
    EMBED_BIRADS7,
    EMBED_DIAGNOSTIC456,
    EMBED_DIAGNOSTIC456_DDSM,
)
from trainer.experiments.embed_pathology import EMBED_PATHOLOGY, EMBED_PATHOLOGY_BIRADS_VIT

_declared = (
    EMBED_2B6K,
    EMBED_BIRADS7,
    EMBED_DIAGNOSTIC456,
    EMBED_DIAGNOSTIC456_DDSM,
    EMBED_PATHOLOGY,
    EMBED_PATHOLOGY_BIRADS_VIT,
    *SCRATCH_EXPERIMENTS,
    *PRETRAINED_EXPERIMENTS,
    LABELLED_ARRAY,
)
EXPERIMENTS: dict[str, Declared] = {declared.name: declared for declared in _declared}


def find_experiment(name: str) -> Declared:
    """The experiment of that name; a 404 problem that lists the known ones."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    missing: Problem = not_found("experiment", name)
    missing.detail = f"There is no experiment {name}. Known: {', '.join(EXPERIMENTS)}."
    raise missing


def published_figures(name: str) -> list[dict[str, Any]]:
    """What others published for an experiment, of whatever model; none of one that is no more."""
    declared = EXPERIMENTS.get(name)
    return [row.model_dump() for row in declared.published] if declared else []
