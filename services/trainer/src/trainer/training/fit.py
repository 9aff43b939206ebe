"""The training loop: epochs over the training split, the best of them chosen on validation.

It knows nothing of jobs, databases or stores: ``Hooks`` tell it to stop and keep what it reaches.
Started again from a kept state it goes on as if it had never stopped, to the bit.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trainer.evaluation.metrics import Floats, accuracy, log_loss, roc_auc
from trainer.samples import TRAIN, Samples
from trainer.spec import TrainingSettings
from trainer.training.batches import (
    Inputs,
    Normalisation,
    count_batches,
    count_training_images,
    evaluation_batches,
    to_tensors,
    training_batches,
)
from trainer.training.freezing import freeze
from trainer.training.outputs import probabilities, summed_loss
from trainer.training.runtime import Runtime

WARM_UP = 0.25
FINAL_LR = 1e-3
PLATEAU_EPOCHS, PLATEAU_FACTOR = 5, 0.1


class DivergedError(Exception):
    """The loss is no longer a number; the text says when."""


@dataclass(frozen=True)
class EpochResult:
    """What an epoch came to; ``epoch`` counts from 1."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    validation_roc_auc: float
    seconds: float

    @property
    def rank(self) -> float:
        """Greater is better. The loss on validation decides: among few images many epochs have the
        same ROC-AUC, and an epoch whose batch statistics have not settled may rank well by chance.
        """
        return -self.validation_loss


@dataclass
class Hooks:
    """``before_batch(done, total)`` may raise to stop; ``after_epoch(result, state)`` keeps."""

    before_batch: Callable[[int, int], None] = lambda done, total: None
    after_epoch: Callable[[EpochResult, dict[str, Any]], None] = lambda result, state: None


@dataclass
class Fit:
    """A network in training."""

    model: nn.Module
    settings: TrainingSettings
    runtime: Runtime
    normalisation: Normalisation
    epoch: int = 0
    best_rank: float | None = None
    best_epoch: int = 0
    best_model: dict[str, torch.Tensor] = field(default_factory=dict)
    rate_factor: float = 1.0
    """What plateaus have left of the learning rate."""
    reduced_at: int = 0
    """The epoch after which that was last lowered."""
    optimiser: torch.optim.Optimizer = field(init=False)
    frozen: list[nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        device = torch.device(self.runtime.device)
        self.model.to(device=device, memory_format=torch.channels_last)
        self.frozen = freeze(self.model, self.settings)
        self.optimiser = _optimiser(self.model, self.settings)

    def state(self) -> dict[str, Any]:
        """Everything a later process needs to go on."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rng": _rng_state(),
            "best": {"rank": self.best_rank, "epoch": self.best_epoch, "model": self.best_model},
            "plateau": {"factor": self.rate_factor, "at": self.reduced_at},
            "runtime": self.runtime.as_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a kept state."""
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        _set_rng_state(state["rng"])
        self.rate_factor, self.reduced_at = state["plateau"]["factor"], state["plateau"]["at"]
        best = state["best"]
        self.best_rank, self.best_epoch, self.best_model = (
            best["rank"],
            best["epoch"],
            best["model"],
        )

    def run(self, samples: Samples, labels: NDArray[np.int64], hooks: Hooks) -> None:
        """Train to the last epoch, from wherever it stands; then the model is the best one."""
        weights = _class_weights(samples, labels, self.settings).to(self.runtime.device)
        while self.epoch < self.settings.epochs and not self.exhausted:
            started = time.monotonic()
            loss = self._train_epoch(samples, labels, weights, hooks)
            self.epoch += 1
            result = self._validate(samples, labels, loss, started)
            if self.best_rank is None or result.rank > self.best_rank:
                self.best_rank, self.best_epoch = result.rank, self.epoch
                # State dicts share memory with the network that goes on learning.
                copies = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
                self.best_model = copies
            self._note_plateau()
            hooks.after_epoch(result, self.state())
        self.model.load_state_dict(self.best_model)

    def _note_plateau(self) -> None:
        """Lower the rate where validation has not improved since it did, or since it was lowered"""
        stood = self.epoch - max(self.best_epoch, self.reduced_at)
        if self.settings.schedule == "plateau" and stood >= PLATEAU_EPOCHS:
            self.rate_factor *= PLATEAU_FACTOR
            self.reduced_at = self.epoch

    @property
    def exhausted(self) -> bool:
        """Whether validation has not improved for as many epochs as are borne with."""
        patience = self.settings.patience
        return patience is not None and self.epoch - self.best_epoch >= patience

    def predict(self, samples: Samples, split: int) -> Floats:
        """(n, classes) probabilities of a split, in ascending order of its samples."""
        batches = evaluation_batches(samples, split, self.settings)
        return predict_batches(self.model, batches, self.settings, self.normalisation, self.runtime)

    def _train_epoch(
        self, samples: Samples, labels: NDArray[np.int64], weights: torch.Tensor, hooks: Hooks
    ) -> float:
        self.model.train()
        for module in self.frozen:  # their running statistics are kept too
            module.training = False
        images = count_training_images(samples, self.settings)
        per_epoch = count_batches(images, self.settings.batch_size)
        total, step, losses = per_epoch * self.settings.epochs, per_epoch * self.epoch, []
        for inputs, truth in training_batches(samples, labels, self.settings, self.epoch):
            hooks.before_batch(step, total)
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate(self.settings, step, total) * self.rate_factor
            losses.append(self._step(inputs, truth, weights))
            step += 1
        mean = float(torch.stack(losses).mean())
        if not math.isfinite(mean):
            raise DivergedError(f"training diverged in epoch {self.epoch + 1}: lower learning_rate")
        return mean

    def _step(
        self, inputs: Inputs, truth: NDArray[np.int64], weights: torch.Tensor
    ) -> torch.Tensor:
        """One step of the optimiser; the mean loss of the batch, in parts where it is to be."""
        device = torch.device(self.runtime.device)
        target = torch.from_numpy(truth).to(device)
        total, losses = weights[target].sum(), []
        self.optimiser.zero_grad(set_to_none=True)
        size = self.settings.micro_batch or len(truth)
        for start in range(0, len(truth), size):
            part = slice(start, start + size)
            with self._arithmetic():
                logits = self.model(*to_tensors(inputs.part(part), self.normalisation, device))
            loss = summed_loss(logits, target[part], weights, self.settings.output) / total
            loss.backward()
            losses.append(loss.detach())
        self.optimiser.step()
        return torch.stack(losses).sum()

    def _validate(
        self, samples: Samples, labels: NDArray[np.int64], train_loss: float, started: float
    ) -> EpochResult:
        probs = self.predict(samples, samples.selection)
        target = labels[samples.in_split(samples.selection)]
        ones = np.ones((1, len(target)))
        scores = (log_loss, accuracy, roc_auc)
        loss, right, area = (float(f(ones, target, probs)[0]) for f in scores)
        seconds = time.monotonic() - started
        return EpochResult(self.epoch, train_loss, loss, right, area, seconds)

    def _arithmetic(self) -> torch.autocast:
        return arithmetic(self.runtime)


def arithmetic(runtime: Runtime) -> torch.autocast:
    """The precision that networks compute in."""
    half = runtime.precision == "bfloat16"
    return torch.autocast(runtime.device, torch.bfloat16, enabled=half)


def predict_batches(
    model: nn.Module,
    batches: Iterable[Inputs],
    settings: TrainingSettings,
    normalisation: Normalisation,
    runtime: Runtime,
) -> Floats:
    """(n, classes) probabilities of all batches, in double precision."""
    model.eval()
    device, parts = torch.device(runtime.device), []
    with torch.inference_mode(), arithmetic(runtime):
        for inputs in batches:
            logits = model(*to_tensors(inputs, normalisation, device))
            parts.append(probabilities(logits, settings.output).cpu().numpy())
    return np.concatenate(parts)


def learning_rate(settings: TrainingSettings, step: int, total: int) -> float:
    """The rate of a step: a pure function, so that a resumed job needs no scheduler's state."""
    peak, done = settings.learning_rate, step / max(1, total)
    if settings.schedule in ("constant", "plateau"):  # plateaus are the epochs' to find
        return peak
    if settings.schedule == "step":
        return peak * 0.1 ** int(3 * done)
    if settings.schedule == "linear":
        return peak * (1 - done * (1 - FINAL_LR))
    if settings.schedule == "one-cycle" and done < WARM_UP:
        return peak * (0.04 + 0.96 * done / WARM_UP)
    start = WARM_UP if settings.schedule == "one-cycle" else 0.0
    falling = 0.5 * (1 + math.cos(math.pi * (done - start) / (1 - start)))
    return peak * (FINAL_LR + (1 - FINAL_LR) * falling)


def start_fit(
    model: Callable[[], nn.Module],
    settings: TrainingSettings,
    runtime: Runtime,
    normalisation: Normalisation,
) -> Fit:
    """A fresh fit: the network is built after seeding, so that its weights follow from the seed."""
    torch.manual_seed(settings.seed)
    return Fit(model(), settings, runtime, normalisation)


def _optimiser(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    trained = [p for p in model.parameters() if p.requires_grad]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(trained, lr=rate, momentum=0.9, weight_decay=decay)
    kinds = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "rmsprop": torch.optim.RMSprop,
    }
    return kinds[settings.optimiser](trained, lr=rate, weight_decay=decay)


def _class_weights(
    samples: Samples, labels: NDArray[np.int64], settings: TrainingSettings
) -> torch.Tensor:
    """What was asked for: total / (classes x count) of the training split, values, or ones."""
    counts = np.bincount(labels[samples.in_split(TRAIN)], minlength=len(samples.classes))
    if settings.class_weight_values is not None:
        return torch.tensor(settings.class_weight_values)
    if settings.class_weights == "none":
        return torch.ones(len(counts))
    return torch.from_numpy(counts.sum() / (len(counts) * counts)).float()


def _rng_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _set_rng_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
