"""What a split by image and training on with a new split do to a score. Synthetic pictures.

    python -m benchmarks.experiments.protocols [--seeds 8] [--epochs 25] [--processes 2]

Images of a patient resemble each other: each patient has a grain of their own (orientation,
spacing, contrast), which each image shows with other noise. The label is the patient's. In one
population a small bright spot tells it, in the other nothing does. Four procedures train the same
network (`tiny_cnn`) on the same pictures:

* `patient`: 70/10/20 by patient, epoch chosen on validation, test used once (ours);
* `image`: the same, split by image;
* `published`: 80/20 by image, epoch chosen on the test split;
* `continued`: `published`, then trained on with a new random split of the same images.

Beside the score that each reports stands what its network reaches on patients nobody has seen.
Writes `protocols.md`; exits 1 where a bar is missed.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn
from trainer.evaluation.metrics import roc_auc
from trainer.networks import Shape
from trainer.samples import TEST, VALIDATION, Samples
from trainer.spec import TrainingSettings
from trainer.training.batches import fit_normalisation
from trainer.training.fit import Fit, Hooks, start_fit
from trainer.training.models import build_model
from trainer.training.runtime import choose_runtime

from benchmarks.machine import measured_on

HERE = Path(__file__).parent
PATIENTS, IMAGES, SIDE, NEW = 80, 4, 32, 80
SPOT = {"none": 0.0, "weak": 55.0}
SHARES = (0.7, 0.1, 0.2)
Ints = NDArray[np.int64]
Splits = NDArray[np.int8]


@dataclass(frozen=True)
class Population:
    """Pictures (n, side, side) with the label of their patient."""

    images: NDArray[np.uint8]
    labels: Ints
    patients: Ints


@dataclass(frozen=True)
class Score:
    """What a procedure reports, and what its network is worth on new patients."""

    reported: float
    new: float


def draw_population(patients: int, spot: float, generator: np.random.Generator) -> Population:
    """``patients`` with a grain of their own, four images each."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    labels = generator.integers(0, 2, patients)
    people = np.repeat(np.arange(patients), IMAGES)
    angle, waves = generator.uniform(0, np.pi, patients), generator.uniform(2, 12, patients)
    depth = generator.uniform(15, 45, patients)
    images = np.empty((len(people), SIDE, SIDE), np.uint8)
    for place, person in enumerate(people):
        along = np.cos(angle[person]) * columns + np.sin(angle[person]) * rows
        phase = generator.uniform(0, 2 * np.pi)
        grain = depth[person] * np.sin(2 * np.pi * waves[person] * along + phase)
        y, x = generator.uniform(0.2, 0.8, 2)
        near = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 0.004)
        noise = generator.normal(0, 25, (SIDE, SIDE))
        picture = 110 + grain + noise + spot * labels[person] * near
        images[place] = np.clip(picture, 0, 255).astype(np.uint8)
    return Population(images, labels[people], people)


def split_by(units: Ints, shares: Sequence[float], generator: np.random.Generator) -> Splits:
    """Units (patients, or images) go to train, validation and test as a whole."""
    names, member = np.unique(units, return_inverse=True)
    order = generator.permutation(len(names))
    ends = np.round(np.cumsum(shares) * len(names)).astype(int)
    splits = np.empty(len(names), np.int8)
    splits[order] = np.searchsorted(ends, np.arange(len(names)), side="right")
    found: Splits = splits[member]
    return found


def make_samples(population: Population, splits: Splits, *, choose_on_test: bool) -> Samples:
    """Samples; where the epoch is chosen on the test split, that is the validation split too."""
    rows, splits = np.arange(len(splits)), splits.copy()
    if choose_on_test:
        test = np.flatnonzero(splits == TEST)
        rows = np.concatenate([rows, test])
        splits = np.concatenate([splits, np.full(len(test), VALIDATION, np.int8)])
    return Samples(
        images=population.images,
        rows=rows,
        labels=population.labels[rows],
        splits=splits,
        patients=population.patients[rows],
        keys=[str(row) for row in rows],
        classes=("B", "K"),
    )


def train(samples: Samples, settings: TrainingSettings, model: Callable[[], nn.Module]) -> Fit:
    """The network of the epoch that validation chose."""
    runtime = choose_runtime(settings, "cpu", 1)
    runtime.apply(settings)
    fit = start_fit(model, settings, runtime, fit_normalisation(samples, settings))
    fit.run(samples, samples.labels, Hooks())
    return fit


def area(fit: Fit, samples: Samples) -> float:
    """ROC-AUC on the test split."""
    target = samples.labels[samples.in_split(TEST)]
    return float(roc_auc(np.ones((1, len(target))), target, fit.predict(samples, TEST))[0])


def run_procedures(spot: float, seed: int, epochs: int) -> dict[str, Score]:
    """All procedures on one drawn population."""
    generator = np.random.default_rng([seed, int(spot)])
    population = draw_population(PATIENTS, spot, generator)
    fresh = draw_population(NEW, spot, generator)
    unseen = make_samples(fresh, np.full(len(fresh.labels), TEST, np.int8), choose_on_test=False)
    settings = TrainingSettings(
        model="tiny_cnn",
        weights="none",
        input_size=SIDE,
        epochs=epochs,
        batch_size=16,
        learning_rate=3e-3,
        fit="pad",
        normalisation="dataset",
        precision="float32",
        seed=seed,
    )
    images = np.arange(len(population.labels))
    published = (0.8, 0.0, 0.2)

    def new_network() -> nn.Module:
        return build_model("tiny_cnn", Shape(2, SIDE))

    found: dict[str, Score] = {}
    fit = None
    for name, units, shares, on_test in (
        ("patient", population.patients, SHARES, False),
        ("image", images, SHARES, False),
        ("published", images, published, True),
        ("continued", images, published, True),
    ):
        splits = split_by(units, shares, generator)
        samples = make_samples(population, splits, choose_on_test=on_test)
        model = fit.model if name == "continued" and fit is not None else None
        fit = train(samples, settings, (lambda kept=model: kept) if model else new_network)
        found[name] = Score(area(fit, samples), area(fit, unseen))
    return found


def table(found: dict[str, list[dict[str, Score]]]) -> list[str]:
    """A row a population and procedure: means over the seeds, and their range."""
    lines = [
        "| what tells the label | procedure | reported ROC-AUC | range "
        "| on new patients | inflated by |",
        "|---|---|---|---|---|---|",
    ]
    for spot, runs in found.items():
        for name in runs[0]:
            reported = np.array([run[name].reported for run in runs])
            new = np.array([run[name].new for run in runs])
            told = f"{reported.min():.2f} to {reported.max():.2f}"
            lines.append(
                f"| {spot} | {name} | {reported.mean():.3f} | {told} | {new.mean():.3f} "
                f"| {(reported - new).mean():+.3f} |"
            )
    return lines


def verdicts(found: dict[str, list[dict[str, Score]]]) -> list[tuple[bool, str]]:
    """Whether the split by patient tells the truth where nothing can be learnt, and others not."""
    runs = found["none"]
    means = {name: float(np.mean([run[name].reported for run in runs])) for name in runs[0]}
    return [
        (
            abs(means["patient"] - 0.5) <= 0.1,
            f"nothing to learn, by patient: {means['patient']:.3f} (bar: 0.4 to 0.6)",
        ),
        (
            means["published"] >= means["patient"] + 0.1,
            f"nothing to learn, published: {means['published']:.3f} (bar: 0.1 above by patient)",
        ),
        (
            means["continued"] >= means["published"],
            f"nothing to learn, continued: {means['continued']:.3f} (bar: at least published)",
        ),
    ]


def main() -> int:
    """Run, print and write the table; the exit status."""
    parser = argparse.ArgumentParser(description="Protocols side by side")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=HERE / "protocols.md")
    given = parser.parse_args()
    began = time.monotonic()
    with Pool(given.processes) as pool:
        tasks = [
            (spot, seed, given.epochs) for spot in SPOT.values() for seed in range(given.seeds)
        ]
        runs = pool.starmap(run_procedures, tasks, chunksize=1)
    found = {
        name: runs[place * given.seeds : (place + 1) * given.seeds]
        for place, name in enumerate(SPOT)
    }
    seconds = time.monotonic() - began
    judged = verdicts(found)
    text = "\n".join(
        [
            "# What a protocol does to a score (synthetic pictures)",
            "",
            f"{measured_on()}: {PATIENTS} patients with {IMAGES} images each, {given.seeds} "
            f"populations, {given.epochs} epochs, {seconds:.0f} s",
            "",
            *table(found),
            "",
            *(f"- {said}" for _, said in judged),
        ]
    )
    print(text)
    given.out.write_text(text + "\n")
    return 0 if all(met for met, _ in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
