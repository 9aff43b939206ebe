"""One picture's heat map, by a trained network that a predictor keeps."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import predict_classes
from trainer.explanations.gallery import Explainer, explain
from trainer.explanations.pictures import brighten, encode_png, overlay
from trainer.samples import TEST, Samples
from trainer.training.prediction import TrainedModel


def explain_square(model: TrainedModel, square: NDArray[np.uint8], method: str) -> dict[str, Any]:
    """{said, methods, png, npy}: the class that is read, the methods that apply, and where
    ``method`` is one of them the overlay and the heat map (float32, input size), as base64."""
    probs = model.predict_squares(square[None])
    said = predict_classes(probs)
    nobody = np.zeros(1, np.int64)
    samples = Samples(
        images=square[None], rows=nobody, labels=nobody, splits=np.full(1, TEST, np.int8),
        patients=nobody, keys=[""], classes=model.classes,
    )  # fmt: skip
    device = model.runtime.device
    explainer = Explainer(model.model, model.settings, model.normalisation, device)
    (heat,) = explain(explainer, samples, nobody, said)
    found = {"said": model.classes[said[0]], "methods": list(heat.maps)}
    if method not in heat.maps:
        return found
    stream = io.BytesIO()
    np.save(stream, heat.maps[method])
    picture = encode_png(overlay(heat.picture, brighten(heat.maps[method])))
    return found | {"png": _text(picture), "npy": _text(stream.getvalue())}


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()
