"""The published augmentations, and the two outputs of the published networks."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional
from trainer.experiments import EXPERIMENTS
from trainer.samples import Samples
from trainer.training.augmentation import draw_variations, vary, vary_strongly
from trainer.training.batches import count_training_images, training_batches
from trainer.training.outputs import probabilities, summed_loss

SETTINGS = EXPERIMENTS["labelled-array"].defaults.model_copy(
    update={"input_size": 20, "batch_size": 4}
)
N = 10


@pytest.fixture
def samples() -> Samples:
    generator = np.random.default_rng(0)
    return Samples(
        images=generator.integers(0, 255, (2 * N, 20, 20)).astype(np.uint8),
        rows=np.arange(N) * 2 + 1, labels=np.arange(N) % 2, splits=np.zeros(N, np.int8),
        patients=np.arange(N), keys=[str(i) for i in range(N)], classes=("a", "b"),
        partners=np.arange(N) * 2, birads=np.arange(N) % 7,
    )  # fmt: skip


def shown(samples: Samples, epoch: int, **changes: object) -> list[NDArray[np.uint8]]:
    settings = SETTINGS.model_copy(update=changes)
    batches = training_batches(samples, samples.labels, settings, epoch)
    return [picture for inputs, _ in batches for picture in inputs.pictures]


def test_the_map_that_moves_nothing_leaves_pictures_as_they_are(samples: Samples) -> None:
    still = np.tile(np.eye(2, 3, dtype=np.float32), (len(samples.images), 1, 1))
    assert (vary(samples.images, still, "affine") == samples.images).all()


def test_right_angles_turn_and_flip_without_interpolation() -> None:
    picture = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    quarter = np.array([[[0, -1, 0], [1, 0, 0]]], np.float32)
    assert (vary(picture, quarter, "right-angles")[0] == np.rot90(picture[0])).all()
    thetas = draw_variations(4000, "right-angles", np.random.default_rng(1))
    largest = np.abs(thetas[:, :, :2]).max(axis=2)
    assert (np.abs(thetas[:, :, :2]).min(axis=2) < 0.01).all(), "only right angles"
    assert largest.min() > 0.79
    assert largest.max() < 1.21
    flipped = np.linalg.det(thetas[:, :, :2].astype(float)) < 0
    assert 0.45 < flipped.mean() < 0.55


def test_affine_stays_within_what_was_published() -> None:
    thetas = draw_variations(4000, "affine", np.random.default_rng(1)).astype(float)
    angles = np.rad2deg(np.arctan2(thetas[:, 1, 0], thetas[:, 0, 0]))
    assert np.abs(angles).max() < 41
    assert angles.std() == pytest.approx(80 / 12**0.5, rel=0.05)
    assert np.abs(thetas[:, :, 2]).max() <= 0.4, "a fifth of the side, where the side is 2"
    scales = np.linalg.svd(thetas[:, :, :2], compute_uv=False)
    assert 0.79 < scales.min() < scales.max() < 1.21
    assert (np.linalg.det(thetas[:, :, :2]) > 0).all(), "never mirrored"


def test_edges_are_filled_by_the_nearest_pixel_or_by_reflection() -> None:
    picture = np.arange(10, dtype=np.uint8)[None, None, :].repeat(10, axis=1) * 10
    right = np.array([[[1, 0, 0.4], [0, 1, 0]]], np.float32)
    assert vary(picture, right, "affine")[0, 0].tolist() == [20, 30, 40, 50, 60, 70, 80, 90, 90, 90]
    assert vary(picture, right, "right-angles")[0, 0].tolist()[-3:] == [90, 90, 80]


def test_fresh_variations_differ_by_epoch_and_fixed_ones_do_not(samples: Samples) -> None:
    first, again, other = (shown(samples, e, augment="affine") for e in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert {p.tobytes() for p in first}.isdisjoint(p.tobytes() for p in other)
    copies = {"augment": "affine", "augmented_copies": 2}
    tripled = [{p.tobytes() for p in shown(samples, epoch, **copies)} for epoch in (0, 1)]
    assert tripled[0] == tripled[1]
    assert len(tripled[0]) == 3 * N
    assert {samples.images[row].tobytes() for row in samples.rows} <= tripled[0]
    settings = SETTINGS.model_copy(update=copies)
    assert count_training_images(samples, settings) == 3 * N


def test_strong_is_each_picture_in_its_own_way_and_the_same_when_an_epoch_is_repeated() -> None:
    pictures = np.random.default_rng(0).integers(60, 190, (1, 2, 20, 20)).astype(np.uint8)
    stacks = pictures.repeat(200, axis=0)
    torch.manual_seed(5)
    stands = torch.get_rng_state()
    first, again = (vary_strongly(stacks, np.random.default_rng(3)) for _ in range(2))
    assert (torch.get_rng_state() == stands).all(), "torch's own generator stays where it stood"
    assert (first == again).all()
    assert len({stack.tobytes() for stack in first}) == 200
    brightness = first[:, :, 8:12, 8:12].mean(axis=(1, 2, 3))
    assert 3 < brightness.std() < 20
    upper, lower = np.zeros((200, 1, 20, 20), np.uint8), (slice(None), 0, slice(12, 18))
    upper[:, :, 2:8, 5:15] = 200
    turned = vary_strongly(upper, np.random.default_rng(4))[lower].mean(axis=(1, 2)) > 50
    assert 0.4 < turned.mean() < 0.6, "half of them upside down"


@pytest.mark.parametrize("augment", ["none", "light", "affine", "right-angles", "strong"])
def test_a_network_is_given_partners_varied_alike_and_assessments(
    samples: Samples, augment: str
) -> None:
    same = Samples(**{**vars(samples), "partners": samples.rows})
    settings = SETTINGS.model_copy(update={"augment": augment})
    for inputs, labels in training_batches(same, same.labels, settings, 0):
        assert inputs.partners is not None
        assert (inputs.partners == inputs.pictures).all()
        assert inputs.birads is not None
        assert len(inputs.birads) == len(labels)
        part = inputs.part(slice(1, 2))
        assert len(part.pictures) == 1
        assert part.birads is not None
        assert part.birads[0] == inputs.birads[1]


def test_sigmoid_is_binary_cross_entropy_of_each_class() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.5, 0.3]])
    target, weights = torch.tensor([0, 1]), torch.tensor([1.0, 3.0])
    found = probabilities(logits, "sigmoid")
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2, dtype=torch.float64))
    assert (found.argmax(dim=1) == logits.argmax(dim=1)).all()
    truth = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    each = functional.binary_cross_entropy(logits.sigmoid(), truth, reduction="none").mean(dim=1)
    torch.testing.assert_close(
        summed_loss(logits, target, weights, "sigmoid"), each[0] + 3 * each[1]
    )


def test_softmax_is_cross_entropy_as_ever() -> None:
    logits, target = torch.tensor([[2.0, -1.0], [0.5, 0.3]]), torch.tensor([0, 1])
    expected = functional.cross_entropy(logits, target, reduction="sum")
    torch.testing.assert_close(summed_loss(logits, target, torch.ones(2), "softmax"), expected)
    torch.testing.assert_close(probabilities(logits, "softmax"), logits.double().softmax(dim=1))
