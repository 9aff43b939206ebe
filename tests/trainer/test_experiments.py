"""What is declared can be run, is documented, and says of others only what they published."""

from pathlib import Path

import pytest
from trainer.architectures import ARCHITECTURES
from trainer.composition import Ensemble
from trainer.experiments import EXPERIMENTS
from trainer.experiments.declared import Declared
from trainer.schemas import Experiment
from trainer.spec import TrainingSettings

FIGURES = {
    "embed-2b6k": ["convnext_tiny 15 0.95 0.985", "resnet18 15 0.925 0.9635"],
    "embed-birads7": ["resnet18 10 0.6571 0.9123", "resnet34 20 0.5643 0.8792"],
    "embed-diagnostic456": ["resnet34 5 0.8804 0.9457"],
    "embed-diagnostic456-ddsm": ["mammo_model None 0.4 0.6135"],
    "embed-pathology": ["resnet34 5 0.417 0.787", "resnet34 5 0.5617 0.8476"],
    "embed-pathology-birads-vit": ["vit_b16_late 20 0.4771 None", "vit_b16_late 40 0.8509 0.967"],
}
declared = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)


@declared
def test_every_profile_is_of_a_declared_network_that_takes_its_pictures(
    experiment: Declared,
) -> None:
    assert {"quick"} <= set(experiment.profiles)
    assert experiment.default_profile in experiment.profiles
    for settings in experiment.profiles.values():
        assert settings.model in experiment.models
        assert ARCHITECTURES[settings.model].size_refusal(settings.input_size) is None
    assert experiment.profiles["quick"].weights == "none", "it runs where nothing can be fetched"
    assert set(experiment.models) <= set(ARCHITECTURES)


@declared
def test_networks_of_one_experiment_are_given_the_same(experiment: Declared) -> None:
    given = {
        (ARCHITECTURES[m].takes_birads, ARCHITECTURES[m].takes_pairs) for m in experiment.models
    }
    assert len(given) == 1


@declared
def test_an_experiment_is_shown_with_published_figures_within_bounds(experiment: Declared) -> None:
    shown = Experiment.of(experiment).model_dump(mode="json")
    assert shown["overrides"]["properties"]["model"]["enum"] == list(experiment.models)
    for row in experiment.published:
        assert row.model in experiment.models
        assert row.source
        shares = (row.accuracy, row.balanced_accuracy, row.roc_auc, row.f1)
        assert all(share is None or 0 < share < 1 for share in shares)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_the_report(name: str) -> None:
    rows = EXPERIMENTS[name].published
    said = [f"{r.model} {r.epochs} {r.accuracy} {r.roc_auc}" for r in rows]
    assert set(FIGURES[name]) <= set(said)


def test_what_published_figures_are_not_is_told_beside_them() -> None:
    vit = EXPERIMENTS["embed-pathology-birads-vit"].published
    told = {row.epochs: row.variant or "" for row in vit}
    assert [epochs for epochs, variant in told.items() if "trained on" in variant] == [40]
    rows = [r for e in EXPERIMENTS.values() if e.name.startswith("cbis-") for r in e.published]
    assert all("probably balanced accuracy" in row.source for row in rows)
    assert all(row.roc_auc is None for row in rows)


def test_members_of_ensembles_are_the_models_that_the_report_saved() -> None:
    members = {}
    for name in ("cbis-masscalc-ensemble", "cbis-benmal-ensemble"):
        composition = EXPERIMENTS[name].composition
        assert isinstance(composition, Ensemble)
        members[name] = [(m.experiment, m.overrides) for m in composition.members]
        for experiment, overrides in members[name]:
            settings = EXPERIMENTS[experiment].profiles["published"].model_dump()
            TrainingSettings.model_validate(settings | overrides)
    assert members == {
        "cbis-masscalc-ensemble": [
            ("cbis-masscalc-scratch", {}),
            ("cbis-masscalc-vgg16-ft", {"dropout": 0.5}),
            ("cbis-masscalc-vgg16-fe", {}),
        ],
        "cbis-benmal-ensemble": [
            ("cbis-benmal-scratch", {}),
            ("cbis-benmal-scratch", {"class_weights": "balanced"}),
            ("cbis-benmal-vgg16-fe", {"class_weight_values": (1.0, 1.25)}),
        ],
    }


def test_published_profiles_are_the_reports_settings() -> None:
    for name, experiment in EXPERIMENTS.items():
        if not name.startswith("embed-"):
            continue
        settings = experiment.profiles["published"]
        assert (settings.input_size, settings.stored_size, settings.batch_size) == (224, 256, 8)
        assert settings.learning_rate == 1e-4
        assert settings.optimiser == ("adamw" if "vit" in name else "adam")
    vit = EXPERIMENTS["embed-pathology-birads-vit"].profiles["published"]
    assert (vit.weights, vit.weight_decay, vit.epochs) == ("none", 1e-4, 40)
    pathology = EXPERIMENTS["embed-pathology"].profiles
    assert pathology["published"].normalisation == "dataset"
    assert pathology["published-imagenet-normalisation"].normalisation == "imagenet"
    layers = [
        len(EXPERIMENTS["embed-diagnostic456-ddsm"].profiles[p].trainable_blocks or ())
        for p in ("published", "published-2-layers", "published-3-layers")
    ]
    assert layers == [1, 2, 3]


@declared
def test_every_experiment_is_documented(experiment: Declared) -> None:
    text = (Path(__file__).parents[2] / "docs/experiments.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith(f"| `{experiment.name}` |")]
    assert rows, f"docs/experiments.md has no row of {experiment.name}"
    told = " ".join(rows)
    for name in (*experiment.classes, *experiment.profiles):
        assert name in told, f"the row of {experiment.name} does not say {name}"
    for model in {row.model for row in experiment.published} | {experiment.defaults.model}:
        assert model in told, f"the row of {experiment.name} does not say {model}"
