"""The jobs of `all.py`: which there are, and how a running stack is asked for each."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from embedlab.client import Client
from embedlab.errors import JobFailed

from benchmarks.experiments import severities

PERMUTATIONS = 5
# (dataset, images of a class)
DEMO, SEVERITIES = ("embed-synthetic", 40), (severities.DATASET, 120)
PATCHES = "cbis-synthetic"
PICTURED = {"FinalImageType": ["2D"], "has_file": [True]}
FORMS = ("late_embedding", "late_mlp", "late_transformer", "mid", "early")
LAST = ["dense_out", "dense_1", "dense"]
BLOCK4 = ["base.block4", "base.block5", "dense", "out"]
PAIRED = ["shared.base.block5", "shared.dense", "out"]
# Beside the quick profile: what else the reports tried, and every way of telling an assessment.
VARIANTS: Mapping[str, Sequence[dict[str, Any]]] = {
    "embed-2b6k": [{"model": "convnext_tiny"}],
    "embed-birads7": [{"model": "resnet34"}, {"model": "convnext_tiny"}],
    "embed-diagnostic456": [{"model": "resnet34"}],
    "embed-diagnostic456-ddsm": [{"trainable_blocks": LAST[:count]} for count in (1, 2, 3)],
    "embed-pathology": [
        {"model": "resnet34"},
        {"model": "convnext_tiny", "epochs": 2},
        {"normalisation": "imagenet"},
    ],
    "embed-pathology-birads-vit": [
        *({"model": f"vit_ti16_{form}"} for form in FORMS),
        {"model": "birads_only", "learning_rate": 0.05},
        {"model": "vit_b16_late", "epochs": 1},
    ],
    "cbis-masscalc-scratch": [{"augment": "affine"}],
    "cbis-benmal-scratch": [
        {"augment": "right-angles"},
        {"class_weights": "balanced"},
        {"model": "scratch_a", "hidden_units": 256, "dropout": 0.2},
    ],
    "cbis-baseline3": [{"class_weights": "balanced"}],
    "cbis-benmal-vgg16-fe": [{"class_weight_values": [1, 1.25]}],
    "cbis-masscalc-vgg16-ft": [{"dropout": 0.5}, {"trainable_blocks": BLOCK4}],
    "cbis-siamese": [
        {"trainable_blocks": PAIRED},
        {"trainable_blocks": PAIRED, "dropout": 0.5},
    ],
}
SMALL = {"scratch_a": 78, "scratch_b": 110, "mammo_model": 64}


@dataclass(frozen=True)
class Row:
    """One job: an experiment, what is changed of its quick profile, and whether labels are."""

    experiment: Mapping[str, Any]
    overrides: dict[str, Any] = field(default_factory=dict)
    permutation: int | None = None

    @property
    def name(self) -> str:
        """Equal for equal jobs."""
        changes = " ".join(_words(self.overrides))
        dataset, per_class = self.images
        elsewhere = "" if self.images == DEMO else f"of {per_class} a class of {dataset}"
        return " ".join(filter(None, (self.experiment["name"], elsewhere, changes)))

    @property
    def images(self) -> tuple[str, int]:
        """Dataset and number of images of a class, where the experiment takes a cohort."""
        return SEVERITIES if self.experiment["name"].startswith("embed-pathology") else DEMO

    @property
    def model(self) -> str:
        """The network, of a family of jobs that of the parent's settings."""
        return str(self.overrides.get("model", self.experiment["profiles"]["quick"]["model"]))

    @property
    def network(self) -> str:
        """The network, and what else is not as in the quick profile."""
        others = {name: value for name, value in self.overrides.items() if name != "model"}
        return "; ".join((self.model, *_words(others)))

    @property
    def is_pretrained(self) -> bool:
        """Whether the report began with weights that are not here."""
        published = self.experiment["profiles"].get("published", {})
        return published.get("weights", "none") != "none" or "ensemble" in self.name


def _words(overrides: Mapping[str, Any]) -> Iterator[str]:
    for name, value in overrides.items():
        told = ", ".join(map(str, value)) if isinstance(value, list) else value
        yield f"{name} {told}"


class Bench:
    """Submits rows to a stack and keeps to its time."""

    def __init__(self, lab: Client, run: str, deadline: float) -> None:
        self.lab, self.run, self.deadline = lab, run, deadline
        self.cohorts: dict[str, str] = {}
        ended = [job for job in lab.jobs(q=run) if job["state"] in ("succeeded", "failed")]
        self.ended = {job["name"]: dict(job) for job in ended}

    def job_of(self, row: Row) -> dict[str, Any] | None:
        """The finished job; None where the time is over. A job that was asked for before is it."""
        name = f"{self.run} {row.name}"
        if name not in self.ended:
            ended = self._run(row, name)
            if ended is None:
                return None
            self.ended[name] = ended
        job = self.ended[name]
        children = self.lab.jobs(parent=job["job_id"]) if job["children"] else [job]
        return job | {"seconds": sum(map(_seconds, children))}

    def _run(self, row: Row, name: str) -> dict[str, Any] | None:
        if time.monotonic() > self.deadline:
            return None
        experiment = row.experiment
        cohort = self._cohort(row) if experiment["dataset_kind"] == "cohort" else None
        job = self.lab.submit_job(
            experiment["name"],
            cohort,
            row.overrides,
            array=None if cohort else PATCHES,
            name=name,
            idempotency_key=name,
        )
        try:
            left = self.deadline - time.monotonic()
            return dict(self.lab.wait_for_job(job["job_id"], None, timeout_s=left))
        except TimeoutError:
            return None
        except JobFailed as failed:
            return dict(failed.job)

    def _cohort(self, row: Row) -> str:
        """The declared cohort with fewer images, frozen once a run."""
        dataset, per_class = row.images
        name = f"{self.run} {row.experiment['name']} of {per_class} a class of {dataset}"
        if not self.cohorts:
            self.cohorts = {c["name"]: c["cohort_id"] for c in self.lab.cohorts()}
        if name not in self.cohorts:
            expected = row.experiment["cohort"]
            body = {
                **expected,
                "name": name,
                "dataset": dataset,
                "seed": 7,
                "filter": {**expected["filter"], **PICTURED},
                "sampling": {"per_class": per_class},
            }
            self.cohorts[name] = self.lab.create_cohort(body)["cohort_id"]
        return self.cohorts[name]


def _seconds(job: Mapping[str, Any]) -> float:
    if job["started_at"] is None or job["finished_at"] is None:
        return 0.0
    started, ended = (datetime.fromisoformat(job[k]) for k in ("started_at", "finished_at"))
    return (ended - started).total_seconds()


def quick_rows(experiments: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Each experiment as it is, and the other ways of some."""
    for experiment in experiments:
        yield Row(experiment)
        for overrides in VARIANTS.get(experiment["name"], ()):
            yield Row(experiment, overrides)


def permuted_rows(experiments: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Each experiment with its labels shuffled within each split, by five seeds."""
    for experiment in experiments:
        model = experiment["profiles"]["quick"]["model"]
        small = {"epochs": 1 if experiment["composition"] else 2, "precision": "float32"}
        size = SMALL.get(model, 32)
        for seed in range(PERMUTATIONS):
            yield Row(experiment, {**small, "input_size": size, "permute_labels": seed}, seed)
