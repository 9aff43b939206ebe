"""Jobs made of jobs: a parent, its children, and a step that combines what the children came to.

A parent trains nothing. It waits without a worker's slot until its children have ended and is then
claimed like any job, for as long as combining takes. Children are jobs like any other.
"""

import itertools
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_CHILDREN = 100
FEWEST_FOLDS = {"k-fold": 3, "k-holdout": 2}

FoldMethod = Literal["k-fold", "k-holdout"]


class Frozen(BaseModel):
    """A value object that refuses unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fold(Frozen):
    """Which part of the patients a child holds out; ``index`` from 0."""

    method: FoldMethod
    count: int
    index: int
    seed: int


class Sweep(Frozen):
    """One child per combination of settings; validation chooses among them."""

    kind: Literal["sweep"] = "sweep"
    grid: dict[str, tuple[Any, ...]] = Field(
        default={}, description="Values of settings: every combination is tried"
    )
    runs: tuple[dict[str, Any], ...] = Field(
        default=(), description="Overrides of one child each; with a grid, each combined with it"
    )

    @model_validator(mode="after")
    def _sized(self) -> Self:
        count = sum(1 for _ in itertools.islice(self.overrides(), MOST_CHILDREN + 1))
        if not 2 <= count <= MOST_CHILDREN:
            raise ValueError(f"a sweep has 2 to {MOST_CHILDREN} children")
        return self

    def overrides(self) -> Iterator[dict[str, Any]]:
        """What each child overrides, the last setting of the grid changing first."""
        for run in self.runs or ({},):
            for values in itertools.product(*self.grid.values()):
                yield run | dict(zip(self.grid, values, strict=True))


class Folds(Frozen):
    """One child per fold of the patients, stratified by class; the mean over folds counts."""

    kind: Literal["folds"] = "folds"
    count: int = Field(ge=2, le=20)
    method: FoldMethod = Field(
        default="k-fold",
        description=(
            "`k-fold`: every patient is in the test of one fold, the next fold validates; "
            "`k-holdout`: the test split stays, every other patient validates once"
        ),
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Which patients are in a fold")

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.count < FEWEST_FOLDS[self.method]:
            raise ValueError(f"{self.method} takes at least {FEWEST_FOLDS[self.method]} folds")
        return self

    def folds(self) -> list[Fold]:
        """What each child holds out."""
        return [
            Fold(method=self.method, count=self.count, index=index, seed=self.seed)
            for index in range(self.count)
        ]


class EnsembleMember(Frozen):
    """An experiment whose predictions take part, on the ensemble's own cohort or array."""

    experiment: str
    profile: str | None = None
    overrides: dict[str, Any] = {}


class Ensemble(Frozen):
    """The mean of class probabilities on one test set: of jobs that are there, or of children."""

    kind: Literal["ensemble"] = "ensemble"
    members: tuple[EnsembleMember, ...] = Field(
        default=(), max_length=20, description="Trained as children"
    )
    jobs: tuple[str, ...] = Field(
        default=(), max_length=20, description="Ids of jobs that have succeeded"
    )

    @model_validator(mode="after")
    def _several(self) -> Self:
        if len(self.members) + len(self.jobs) < 2 or len(set(self.jobs)) < len(self.jobs):
            raise ValueError("an ensemble takes two or more different jobs or members")
        return self


Composition = Annotated[Sweep | Folds | Ensemble, Field(discriminator="kind")]
