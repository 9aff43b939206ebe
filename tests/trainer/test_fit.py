"""The training loop alone: it learns, it repeats, and it resumes to the bit."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from trainer.arrays import read_array
from trainer.experiments import EXPERIMENTS
from trainer.networks import Shape
from trainer.samples import TEST, Samples
from trainer.spec import TrainingSettings
from trainer.training.batches import (
    Inputs,
    fit_normalisation,
    training_batches,
)
from trainer.training.fit import DivergedError, EpochResult, Fit, Hooks, learning_rate, start_fit
from trainer.training.freezing import FreezingError
from trainer.training.models import build_model
from trainer.training.runtime import Runtime, choose_runtime

from tests.trainer.running import write_blobs

SETTINGS = EXPERIMENTS["labelled-array"].defaults.model_copy(
    update={"input_size": 28, "fit": "crop", "epochs": 4, "augment": "light", "optimiser": "adamw"}
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = tmp_path_factory.mktemp("arrays")
    write_blobs(folder / "blobs", patients=40)
    images, described = read_array(folder, "blobs")
    return described.as_samples(images, folder / "blobs")


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


def make_fit(samples: Samples, settings: TrainingSettings = SETTINGS, threads: int = 1) -> Fit:
    runtime = choose_runtime(settings, "cpu", threads)
    runtime.apply(settings)
    normalisation = fit_normalisation(samples, settings)
    return start_fit(
        lambda: build_model(settings.model, Shape(2)), settings, runtime, normalisation
    )


def run(fit: Fit, samples: Samples) -> tuple[list[EpochResult], list[bytes]]:
    """(results, checkpoints) of all epochs."""
    results: list[EpochResult] = []
    states: list[bytes] = []

    def keep(result: EpochResult, state: dict[str, Any]) -> None:
        stream = io.BytesIO()
        torch.save(state, stream)
        results.append(result)
        states.append(stream.getvalue())

    fit.run(samples, samples.labels, Hooks(after_epoch=keep))
    return results, states


def figures(results: list[EpochResult]) -> list[tuple[float, ...]]:
    return [(r.train_loss, r.validation_loss, r.validation_roc_auc) for r in results]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_two_runs_are_equal_to_the_bit(samples: Samples, precision: str) -> None:
    settings = SETTINGS.model_copy(update={"precision": precision})
    first = make_fit(samples, settings)
    results, _ = run(first, samples)
    second = make_fit(samples, settings)
    assert figures(run(second, samples)[0]) == figures(results)
    assert (first.predict(samples, TEST) == second.predict(samples, TEST)).all()


def test_it_resumes_from_any_epoch_equal_to_the_bit(samples: Samples) -> None:
    whole = make_fit(samples)
    results, states = run(whole, samples)
    for place, state in enumerate(states[:-1]):
        torch.manual_seed(99)
        resumed = make_fit(samples)
        resumed.load_state(torch.load(io.BytesIO(state), weights_only=True))
        rest, _ = run(resumed, samples)
        assert figures(rest) == figures(results[place + 1 :])
        assert resumed.best_epoch == whole.best_epoch
        assert (resumed.predict(samples, TEST) == whole.predict(samples, TEST)).all()


def test_another_seed_gives_another_network(samples: Samples) -> None:
    other = make_fit(samples, SETTINGS.model_copy(update={"seed": 1}))
    assert figures(run(other, samples)[0]) != figures(run(make_fit(samples), samples)[0])


def test_the_best_epoch_is_the_one_that_validation_chose(samples: Samples) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 6, "learning_rate": 3e-2})
    fit = make_fit(samples, settings)
    results, _ = run(fit, samples)
    assert fit.best_epoch == max(results, key=lambda r: r.rank).epoch
    for name, value in fit.best_model.items():
        assert torch.equal(fit.model.state_dict()[name], value)


def test_a_loss_that_is_no_number_is_a_clear_failure(samples: Samples) -> None:
    settings = SETTINGS.model_copy(update={"learning_rate": 1.0, "optimiser": "sgd"})
    fit = make_fit(samples, settings)
    with torch.no_grad():
        next(fit.model.parameters()).fill_(float("nan"))
    with pytest.raises(DivergedError, match="epoch 1"):
        run(fit, samples)


def test_a_hook_that_raises_stops_before_the_next_batch(samples: Samples) -> None:
    seen: list[int] = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        make_fit(samples).run(samples, samples.labels, Hooks(before_batch=stop))
    assert seen == [0, 1, 2]


def test_an_epoch_shows_every_training_image_once_in_even_batches(samples: Samples) -> None:
    marked = np.zeros((len(samples.rows), 40, 40), np.uint8)
    marked += np.arange(len(marked), dtype=np.uint8)[:, None, None]
    numbered = Samples(
        images=marked, rows=samples.rows, labels=samples.labels, splits=samples.splits,
        patients=samples.patients, keys=samples.keys, classes=samples.classes,
    )  # fmt: skip
    expected = numbered.in_split(0)
    for epoch in (0, 1):
        parts = list(training_batches(numbered, samples.labels, SETTINGS, epoch))
        shown = np.concatenate([inputs.pictures[:, 14, 14] for inputs, _ in parts])
        assert sorted(shown) == expected.tolist()
        assert (samples.labels[shown] == np.concatenate([labels for _, labels in parts])).all()
        sizes = [len(labels) for _, labels in parts]
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= SETTINGS.batch_size


def test_augmentation_shifts_and_flips_but_never_mirrors(samples: Samples) -> None:
    gradient = np.arange(32, dtype=np.uint8)
    pictures = np.broadcast_to(gradient[None, None, :] * 2, samples.images.shape).copy()
    pictures[:, :16] += 1
    marked = Samples(
        images=pictures, rows=samples.rows, labels=samples.labels, splits=samples.splits,
        patients=samples.patients, keys=samples.keys, classes=samples.classes,
    )  # fmt: skip
    shown = np.concatenate(
        [p.pictures for p, _ in training_batches(marked, samples.labels, SETTINGS, epoch=0)]
    )
    assert (np.diff(shown[:, 5].astype(int), axis=1) == 2).all(), "the chest wall stays left"
    assert len(np.unique(shown[:, 0, 0] // 2)) > 2, "shifted"
    upright = (shown[:, 0, 0] % 2) == 1
    assert 0.2 < upright.mean() < 0.8, "flipped upside down"


def test_it_stops_early_and_a_resumed_job_stops_at_the_same_epoch(samples: Samples) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 30, "learning_rate": 0.1, "patience": 2})
    whole = make_fit(samples, settings)
    results, states = run(whole, samples)
    assert len(results) < 30
    assert whole.best_epoch == len(results) - 2
    resumed = make_fit(samples, settings)
    resumed.load_state(torch.load(io.BytesIO(states[-2]), weights_only=True))
    rest, _ = run(resumed, samples)
    assert figures(rest) == figures(results[-1:])
    assert (resumed.predict(samples, TEST) == whole.predict(samples, TEST)).all()


def test_gradients_of_parts_add_up_to_those_of_the_batch(samples: Samples) -> None:
    flat = SETTINGS.model_copy(update={"precision": "float32", "class_weights": "balanced"})
    gradients = []
    for micro_batch in (None, 5):
        fit = make_fit(samples, flat.model_copy(update={"micro_batch": micro_batch}))
        fit.model.eval()  # statistics of a part are not those of the batch
        weights = torch.tensor([0.5, 2.0])
        inputs = Inputs(samples.images[:16, :28, :28].copy())
        fit._step(inputs, samples.labels[:16], weights)
        gradients.append([p.grad.clone() for p in fit.model.parameters() if p.grad is not None])
    assert gradients[0]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize(
    ("chosen", "trained"),
    [
        ({"trainable_layers": 2}, {"7", "12"}),
        ({"trainable_blocks": ("6", "12")}, {"6", "12"}),
    ],
)
def test_frozen_layers_keep_weights_and_statistics(
    samples: Samples, chosen: dict[str, Any], trained: set[str]
) -> None:
    fit = make_fit(samples, SETTINGS.model_copy(update={"epochs": 1, **chosen}))
    before = {k: v.clone() for k, v in fit.model.state_dict().items()}
    run(fit, samples)
    changed = {k for k, v in fit.model.state_dict().items() if not torch.equal(v, before[k])}
    assert {name.partition(".")[0] for name in changed} == trained


def test_a_block_that_is_not_there_is_named(samples: Samples) -> None:
    with pytest.raises(FreezingError, match="no block is called"):
        make_fit(samples, SETTINGS.model_copy(update={"trainable_blocks": ("layer4",)}))


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimiser_learns(samples: Samples, optimiser: str) -> None:
    settings = SETTINGS.model_copy(update={"optimiser": optimiser})
    results, _ = run(make_fit(samples, settings), samples)
    assert results[-1].train_loss < results[0].train_loss


def test_normalisation_is_that_of_the_training_split(samples: Samples) -> None:
    found = fit_normalisation(samples, SETTINGS)
    pixels = samples.images[samples.in_split(0)][:, 2:30, 2:30] / 255
    assert found.mean[0] == pytest.approx(pixels.mean())
    assert found.sd[0] == pytest.approx(pixels.std())


def test_learning_rates_rise_and_fall_as_declared() -> None:
    cycle = SETTINGS.model_copy(update={"schedule": "one-cycle", "learning_rate": 0.1})
    rates = [learning_rate(cycle, step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) == 25
    assert rates[0] < 0.01
    assert rates[-1] < 0.001
    step = SETTINGS.model_copy(update={"schedule": "step", "learning_rate": 0.1})
    found = [learning_rate(step, n, 9) for n in range(9)]
    assert found == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.001] * 3)
    line = SETTINGS.model_copy(update={"schedule": "linear", "learning_rate": 0.1})
    assert learning_rate(line, 50, 100) == pytest.approx(0.05, rel=0.01)
    constant = SETTINGS.model_copy(update={"schedule": "constant", "learning_rate": 0.1})
    assert {learning_rate(constant, step, 100) for step in range(100)} == {0.1}


def test_pretrained_weights_come_from_a_file_but_for_the_last_layer(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    source = build_model("resnet18", Shape(1000))
    save_file(source.state_dict(), tmp_path / "resnet18.safetensors")
    torch.save(source.state_dict(), tmp_path / "resnet18.pth")
    for suffix in ("safetensors", "pth"):
        model = build_model("resnet18", Shape(2), tmp_path / f"resnet18.{suffix}")
        assert torch.equal(model.conv1.weight, source.conv1.weight)
        assert model.fc.out_features == 2


def test_a_runtime_says_what_decides_the_last_bits() -> None:
    runtime = choose_runtime(SETTINGS, "cpu", 2)
    assert runtime == Runtime(**runtime.as_dict())
    assert (runtime.device, runtime.threads) == ("cpu", 2)
    assert runtime.precision in ("float32", "bfloat16")
    assert runtime.instructions


def test_a_plateau_lowers_the_rate_and_is_remembered(samples: Samples) -> None:
    settings = SETTINGS.model_copy(update={"schedule": "plateau"})
    fit, factors = make_fit(samples, settings), {}
    fit.best_epoch = 2
    for fit.epoch in range(3, 14):
        fit._note_plateau()
        factors[fit.epoch] = fit.rate_factor
    assert [e for e in factors if factors[e] < factors.get(e - 1, 1.0)] == [7, 12]
    assert factors[13] == pytest.approx(0.01)
    resumed = make_fit(samples, settings)
    resumed.load_state(fit.state())
    assert (resumed.rate_factor, resumed.reduced_at) == (fit.rate_factor, 12)
    results, _ = run(make_fit(samples, settings), samples)
    assert figures(results) == figures(
        run(make_fit(samples, settings.model_copy(update={"schedule": "constant"})), samples)[0]
    ), "nothing is lowered before there is a plateau"
