"""Breasts and exams: the worst label, and a probability by a stated rule."""

import numpy as np
import pytest
from trainer.evaluation.evaluate import evaluate_deeply
from trainer.evaluation.predictions import Predictions
from trainer.evaluation.units import group, severities

PAIR = Predictions(
    target=np.array([0, 1, 0, 0]),
    probs=np.array([[0.9, 0.1], [0.5, 0.5], [0.8, 0.2], [0.4, 0.6]]),
    patients=np.array([5, 5, 8, 8]),
    classes=("B", "K"),
    exams=np.array([10, 10, 11, 11]),
    breasts=np.array([20, 20, 22, 23]),
)


def test_a_breast_has_its_worst_label_and_the_mean_of_its_images() -> None:
    found = group(PAIR, np.array([20, 20, 22, 23]), np.arange(2), "mean")
    assert found.target.tolist() == [1, 0, 0]
    assert found.probs[:, 1] == pytest.approx([0.3, 0.2, 0.6])
    assert found.patients.tolist() == [5, 8, 8]


def test_of_two_classes_the_greatest_probability_of_the_worse_counts() -> None:
    found = group(PAIR, np.array([10, 10, 11, 11]), np.arange(2), "max")
    assert found.probs[:, 1] == pytest.approx([0.5, 0.6])
    assert found.probs.sum(axis=1) == pytest.approx([1, 1])


def test_one_suspicious_image_outweighs_several_doubtful_ones() -> None:
    shares = np.array([0.05, 0.6, 0.5, 0.5])
    pair = Predictions(
        np.array([0, 1, 0, 0]),
        np.stack([1 - shares, shares], axis=1),
        np.arange(4) // 2,
        ("B", "K"),
    )
    first, second = group(pair, pair.patients, np.arange(2), "max").probs[:, 1]
    assert (first, second) == pytest.approx((0.6, 0.5))
    turned = Predictions(pair.target, pair.probs[:, ::-1], pair.patients, ("K", "B"))
    worse_first = group(turned, pair.patients, np.array([1, 0]), "max")
    assert worse_first.probs[:, 0] == pytest.approx([0.6, 0.5]), "the worse class, wherever it is"


def test_a_unit_is_as_probably_that_bad_as_its_worst_image_for_every_class() -> None:
    generator = np.random.default_rng(6)
    probs, exams = generator.dirichlet(np.ones(4), 60), np.arange(60) // 4
    ranks = np.array([2, 6, 0, 3])  # gaps: classes of the field that are none of the job's
    images = Predictions(generator.integers(0, 4, 60), probs, exams, ("P", "K", "N", "S"))
    found = group(images, exams, ranks, "max").probs
    assert found.sum(axis=1) == pytest.approx(np.ones(15))
    assert found.min() >= 0
    for rank in ranks:
        worse = ranks >= rank
        expected = [probs[exams == exam][:, worse].sum(axis=1).max() for exam in range(15)]
        assert found[:, worse].sum(axis=1) == pytest.approx(expected)


def test_worse_is_what_the_label_field_says() -> None:
    ranks = severities("asses", ("K", "N", "B"))
    assert ranks is not None
    assert ranks.argsort().tolist() == [1, 2, 0]
    deepest = severities("path_severity", ("0", "1", "2"))
    assert deepest is not None
    assert deepest.argmax() == 0
    assert severities("massshape", ("R", "O", "I")) is None
    two = severities(None, ("mass", "calcification"))
    assert two is not None
    assert two.tolist() == [0, 1]


def test_each_level_is_evaluated_under_each_rule_or_refused_with_the_reason() -> None:
    found = evaluate_deeply(PAIR, draws=20)
    told = [(one["level"], one["rule"], one["test"]["n"]) for one in found["levels"]]
    assert told == [
        ("breast", "mean", 3),
        ("breast", "max", 3),
        ("exam", "mean", 2),
        ("exam", "max", 2),
    ]
    assert found["levels_refused"] is None
    three = Predictions(np.array([0, 1, 2]), np.eye(3), np.arange(3), ("x", "y", "z"))
    assert "no order" in evaluate_deeply(three, draws=20)["levels_refused"]
    loose = Predictions(PAIR.target, PAIR.probs, PAIR.patients, PAIR.classes)
    assert "not known" in evaluate_deeply(loose, draws=20)["levels_refused"]
