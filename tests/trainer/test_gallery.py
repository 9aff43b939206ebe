"""What a report shows of a network's reasons."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from trainer.explanations.gallery import Explainer, choose_cases, explain_test
from trainer.networks import NETWORKS, Shape
from trainer.samples import Samples
from trainer.spec import TrainingSettings
from trainer.training.batches import Normalisation

SIDE, COUNT = 32, 40
SETTINGS = TrainingSettings(
    model="tiny_cnn", weights="none", input_size=SIDE, epochs=1, batch_size=8,
    learning_rate=0.001, fit="pad",
)  # fmt: skip


@pytest.fixture(scope="module")
def samples() -> Samples:
    generator = np.random.default_rng(2)
    box = {"ymin": 8, "xmin": 8, "ymax": 16, "xmax": 16}
    return Samples(
        images=generator.integers(0, 200, (COUNT, SIDE, SIDE)).astype(np.uint8),
        rows=np.arange(COUNT),
        labels=np.arange(COUNT) % 2,
        splits=np.repeat([0, 2], COUNT // 2).astype(np.int8),
        patients=np.arange(COUNT) // 2,
        keys=[str(100 + i) for i in range(COUNT)],
        classes=("B", "K"),
        rois={str(100 + i): {"full": (32, 32), "rois": [box]} for i in range(20, 36)},
    )


def explainer(name: str) -> Explainer:
    torch.manual_seed(1)
    network = NETWORKS[name](Shape(2, SIDE), None)
    known = Normalisation((0.4,) * 3, (0.2,) * 3)
    return Explainer(network, SETTINGS, known, "cpu")


def test_hits_and_misses_of_each_class_are_shown_with_their_maps(samples: Samples) -> None:
    probs = np.random.default_rng(3).dirichlet(np.ones(2), COUNT // 2)
    found, pictures = explain_test(explainer("tiny_cnn"), samples, samples.labels, probs)
    cases = found["gallery"]
    assert {(case["label"], case["right"]) for case in cases} == {
        ("B", True), ("B", False), ("K", True), ("K", False),
    }  # fmt: skip
    assert len(cases) == 8
    wanted = {f"{c['image_id']}-{m}" for c in cases for m in ("picture", *c["methods"])}
    assert set(pictures) == wanted
    assert all(body.startswith(b"\x89PNG") for body in pictures.values())
    for told in found["agreement"].values():
        assert (told["images"], told["patients"]) == (16, 8)
        assert 0 <= told["energy"]["value"] <= 1
    assert set(found["agreement"]) == {"saliency", "grad-cam", "integrated-gradients"}


def test_the_surest_are_chosen() -> None:
    probs = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
    assert choose_cases(np.array([0, 0, 0, 0, 1]), probs).tolist() == [1, 2, 3, 4]


def test_pictures_without_a_say_are_refused(samples: Samples) -> None:
    told = replace(samples, birads=np.arange(COUNT) % 7)
    probs = np.full((COUNT // 2, 2), 0.5)
    found, pictures = explain_test(explainer("birads_only"), told, samples.labels, probs)
    assert pictures == {}
    assert "nothing to explain" in found["refused"]
