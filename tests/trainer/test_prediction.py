"""Weights say how their pictures were prepared, and are of no use to code that differs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainer import preprocessing
from trainer.spec import TrainingSettings
from trainer.training import prediction
from trainer.training.batches import Normalisation
from trainer.training.fit import Fit, start_fit
from trainer.training.models import build_model
from trainer.training.runtime import choose_runtime

CLASSES = ("plain", "spot")


def make_fit(**changes: Any) -> Fit:
    values = {"model": "tiny_cnn", "weights": "none", "input_size": 32, "epochs": 1}
    values |= {"batch_size": 4, "learning_rate": 1e-3, "fit": "pad", "precision": "float32"}
    settings = TrainingSettings.model_validate(values | changes)
    shape = prediction.Shape(2, 32, settings.hidden_units, settings.dropout)
    runtime = choose_runtime(settings, "cpu", 1)
    grey = Normalisation((0.2,) * 3, (0.3,) * 3)
    return start_fit(lambda: build_model(settings.model, shape), settings, runtime, grey)


def load(path: Path, fit: Fit, sha256: str) -> prediction.TrainedModel:
    return prediction.load_model(path, fit.settings, CLASSES, sha256, "cpu", 1)


def digest_of(fit: Fit) -> str:
    known = fit.normalisation
    document = preprocessing.describe_preprocessing(fit.settings, known.mean, known.sd)
    return preprocessing.preprocessing_sha256(document)


def test_a_network_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    fit = make_fit()
    path, _ = prediction.write_weights(fit, CLASSES, tmp_path)
    loaded = load(path, fit, digest_of(fit))
    squares = np.random.default_rng(1).integers(0, 255, (5, 32, 32)).astype(np.uint8)
    probs = loaded.predict_squares(squares)
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert len(np.unique(probs[:, 0])) == 5
    assert (loaded.geometry.size, loaded.geometry.fit) == (32, "pad")


def test_pictures_prepared_in_another_way_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = make_fit()
    path, _ = prediction.write_weights(fit, CLASSES, tmp_path)
    sha256 = digest_of(fit)
    with pytest.raises(prediction.ModelError, match="another way"):
        load(path, fit, "0" * 64)
    with pytest.raises(prediction.ModelError, match="another way"):
        load(path, make_fit(fit="crop"), sha256)
    monkeypatch.setattr(preprocessing, "PIPELINE", 2)
    with pytest.raises(prediction.ModelError, match="another way"):
        load(path, fit, sha256)
    path.write_bytes(b"torn")
    with pytest.raises(prediction.ModelError, match="cannot be read"):
        load(path, fit, sha256)
