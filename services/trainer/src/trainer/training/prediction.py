"""A trained network and the very way of its pixels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from trainer import store
from trainer.evaluation.metrics import Floats
from trainer.networks import Shape
from trainer.outcome import JobError
from trainer.pixels import Geometry
from trainer.preprocessing import code_version, describe_preprocessing, preprocessing_sha256
from trainer.samples import SPLITS, TEST, Samples
from trainer.schemas import Progress
from trainer.spec import PredictionSpec, TrainingSettings
from trainer.training.artifacts import upload_artifacts
from trainer.training.batches import Normalisation, evaluation_batches
from trainer.training.fit import Fit, predict_batches
from trainer.training.models import build_model
from trainer.training.predictions import write_predictions
from trainer.training.runtime import Runtime, choose_runtime, describe_versions
from trainer.training.session import Session

WEIGHTS = "weights.safetensors"
TOLD = "embedlab"


class ModelError(Exception):
    """The weights cannot be used; the text says why."""


@dataclass(frozen=True)
class TrainedModel:
    """Ready to predict."""

    model: nn.Module
    settings: TrainingSettings
    normalisation: Normalisation
    runtime: Runtime
    classes: tuple[str, ...]

    @property
    def geometry(self) -> Geometry:
        """The squares it takes."""
        return Geometry(self.settings.stored_size, self.settings.fit)

    def predict(self, samples: Samples, split: int) -> Floats:
        """(n, classes) probabilities of a split in ascending order of its samples."""
        batches = evaluation_batches(samples, split, self.settings)
        return predict_batches(self.model, batches, self.settings, self.normalisation, self.runtime)

    def predict_squares(self, squares: NDArray[np.uint8]) -> Floats:
        """(n, classes) of (n, side, side) pictures as ``geometry`` makes them."""
        count = len(squares)
        nobody = np.arange(count)
        samples = Samples(
            images=squares, rows=nobody, labels=np.zeros(count, np.int64), patients=nobody,
            splits=np.full(count, TEST, np.int8), keys=[""] * count, classes=self.classes,
        )  # fmt: skip
        return self.predict(samples, TEST)


def write_weights(fit: Fit, classes: Sequence[str], folder: Path) -> tuple[Path, str]:
    """(file, media type) of the weights, which say of themselves how pictures are prepared.

    They say nothing of their job: the same weights are the same file.
    """
    known = fit.normalisation
    document = describe_preprocessing(fit.settings, known.mean, known.sd)
    told = {
        "model": fit.settings.model,
        "classes": list(classes),
        "preprocessing": document,
        "preprocessing_sha256": preprocessing_sha256(document),
    }
    path = folder / WEIGHTS
    weights = {k: v.detach().cpu().contiguous() for k, v in fit.model.state_dict().items()}
    # One entry: several would stand in the file in any order, and it would differ from its twin.
    save_file(weights, path, {TOLD: json.dumps(told, sort_keys=True)})
    return path, "application/octet-stream"


def describe_model(
    fit: Fit, samples: Samples, artifacts: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What the job's row keeps of its weights."""
    known = fit.normalisation
    document = describe_preprocessing(fit.settings, known.mean, known.sd)
    (stored,) = (one for one in artifacts if one["name"] == WEIGHTS)
    return {
        "key": stored["key"],
        "bytes": stored["bytes"],
        "weights_sha256": stored["sha256"],
        "parameters": sum(p.numel() for p in fit.model.parameters()),
        "preprocessing": document,
        "preprocessing_sha256": preprocessing_sha256(document),
        "takes": [n for n in ("partners", "birads") if getattr(samples, n) is not None],
        "samples_sha256": samples.sha256,
        "code_version": code_version(),
        "versions": describe_versions(),
    }


def predict_source(
    session: Session,
    wanted: PredictionSpec,
    settings: TrainingSettings,
    samples: Samples,
    folder: Path,
) -> None:
    """Predict every image of the samples, and end the job as succeeded.

    Raises:
        JobError: the weights are gone, or were trained on pictures prepared in another way.
    """
    path = folder / WEIGHTS
    get = partial(session.objects.get_file, wanted.key, path, wanted.weights_sha256)
    if not session.insist("the object store", get):
        raise JobError("the weights of the model are gone")
    service = session.settings
    try:
        model = load_model(
            path, settings, wanted.classes, wanted.preprocessing_sha256,
            service.device, service.own_threads,
        )  # fmt: skip
    except ModelError as error:
        raise JobError(str(error)) from error
    probs = {}
    for split, name in enumerate(SPLITS):
        session.check_stop()
        session.show(Progress(phase=f"predicting {name}", fraction=0.2 + 0.25 * split))
        if len(samples.in_split(split)):
            probs[split] = model.predict(samples, split)
    found = folder / "predictions.csv"
    write_predictions(found, samples, samples.labels, probs, wanted.classes)
    artifacts = upload_artifacts(session, {found.name: (found, "text/csv")})
    session.write(lambda s: store.finish_job(s, session.lease, "succeeded", artifacts=artifacts))


def load_model(
    path: Path,
    settings: TrainingSettings,
    classes: Sequence[str],
    expected_sha256: str,
    device: str,
    threads: int,
) -> TrainedModel:
    """The network of a file of weights.

    ``expected_sha256`` is of the preprocessing, as the job told when it ended.

    Raises:
        ModelError: this code prepares pictures in another way, or the file is another's.
    """
    try:
        with safe_open(path, "pt") as opened:
            told: dict[str, Any] = json.loads((opened.metadata() or {}).get(TOLD, "{}"))
    except SafetensorError as error:
        raise ModelError(f"the weights cannot be read: {error}") from error
    document: dict[str, Any] = told.get("preprocessing", {})
    mean, sd = document.get("mean", ()), document.get("sd", ())
    now = preprocessing_sha256(describe_preprocessing(settings, mean, sd))
    if not told.get("preprocessing_sha256") == expected_sha256 == now:
        raise ModelError("it was trained on pictures that were prepared in another way")
    runtime = choose_runtime(settings, device, threads)
    torch.set_num_threads(threads)
    shape = Shape(len(classes), settings.input_size, settings.hidden_units, settings.dropout)
    model = build_model(settings.model, shape)
    model.load_state_dict(load_file(path))
    place = torch.device(runtime.device)
    model.to(device=place, memory_format=torch.channels_last)
    normalisation = Normalisation((mean[0], mean[1], mean[2]), (sd[0], sd[1], sd[2]))
    return TrainedModel(model.eval(), settings, normalisation, runtime, tuple(classes))
