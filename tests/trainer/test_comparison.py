"""What is said of jobs that stand side by side."""

import pytest
from trainer.comparison import compare_jobs
from trainer.experiments import find_experiment
from trainer.schemas import Epoch, Job
from trainer.spec import CohortSource, JobSpec, ScoresSpec


def job_of(name: str, loss: float, protocol: str, scores: ScoresSpec | None = None) -> Job:
    """A job that reached ``loss`` on the split that chose its epoch."""
    source = CohortSource(
        cohort_id="c", sha256="s", dataset="d", revision_id="1", images=9, classes=("B", "K")
    )
    experiment = find_experiment("embed-2b6k")
    spec = JobSpec.model_validate(
        {"experiment": "embed-2b6k", "experiment_version": 1, "protocol": protocol,
         "profile": "quick", "settings": experiment.defaults, "source": source, "scores": scores}
    )  # fmt: skip
    epoch = Epoch.model_construct(epoch=1, validation_loss=loss)
    return Job.model_construct(job_id=name, spec=spec, epochs=[epoch], metrics=None, control=False)


@pytest.mark.parametrize("losses", [(0.6, 0.2), (0.2, 0.6)])
def test_what_chose_its_epoch_on_the_test_split_is_not_best_on_validation(
    losses: tuple[float, float],
) -> None:
    fair = job_of("fair", losses[0], "patient")
    leaking = job_of("leaking", losses[1], "published")
    found = compare_jobs([leaking, fair])
    assert found.best_on_validation == "fair"
    assert any("inflated" in text for text in found.warnings)
    assert compare_jobs([leaking, leaking]).best_on_validation is None
    assert any("inflated" in text for text in compare_jobs([leaking, leaking]).warnings)


def test_scores_of_a_model_from_elsewhere_are_not_called_inflated() -> None:
    scores = ScoresSpec(key="k", sha256="s", split="test")
    uploaded = job_of("uploaded", 0.5, "published", scores)
    assert compare_jobs([uploaded, uploaded]).warnings == []
