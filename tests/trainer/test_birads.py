"""Assessments as what a network is told, and what they alone would tell."""

import numpy as np
import pytest
from trainer.birads import ASSESSMENTS, UNKNOWN, evaluate_birads, place_of
from trainer.samples import Samples
from trainer.schemas import BiradsMetrics

PATIENTS = 120


def draw(told: np.random.Generator, assessments: str) -> Samples:
    """Two classes; each patient has one image. The class follows from K and from nothing else."""
    letters = told.choice(list(assessments), PATIENTS)
    birads = np.array([place_of(letter) for letter in letters])
    labels = np.where(letters == "K", 1, told.integers(0, 2, PATIENTS))
    return Samples(
        images=np.zeros((1, 32, 32), np.uint8), rows=np.zeros(PATIENTS, np.int64), labels=labels,
        splits=np.where(np.arange(PATIENTS) % 2, 2, 0).astype(np.int8),
        patients=np.arange(PATIENTS), keys=[], classes=("other", "cancer"), birads=birads,
    )  # fmt: skip


def test_the_published_numbers_are_the_places() -> None:
    assert {letter: place_of(letter) for letter in "ANBPSMK"} == dict(
        zip("ANBPSMK", range(7), strict=True)
    )
    assert len(ASSESSMENTS) == 7
    assert {place_of(v) for v in ("X", None, "", "AN", 4.0)} == {UNKNOWN}


def test_the_assessment_alone_knows_what_it_implies_and_nothing_without_k() -> None:
    samples = draw(np.random.default_rng(2), "BK")
    perfect = np.eye(2)[samples.labels[samples.in_split(2)]] * 0.98 + 0.01
    found = evaluate_birads(samples, samples.labels, perfect)
    told = BiradsMetrics.model_validate(found)
    assert told.alone.roc_auc.low is not None
    assert told.alone.roc_auc.low > 0.6
    assert told.without_k is not None
    assert told.without_k.n == int((samples.birads[samples.in_split(2)] != 6).sum())  # type: ignore[index]
    assert told.without_k.roc_auc.value == pytest.approx(1.0)


def test_the_assessment_alone_learns_from_the_training_split_only() -> None:
    samples = draw(np.random.default_rng(3), "ANBPSMK")
    test = samples.in_split(2)
    changed = samples.labels.copy()
    changed[test] = 1 - changed[test]
    uniform = np.full((len(test), 2), 0.5)
    honest = evaluate_birads(samples, samples.labels, uniform)["alone"]
    turned = evaluate_birads(samples, changed, uniform)["alone"]
    assert honest is not None
    assert turned is not None
    assert turned["roc_auc"]["value"] == pytest.approx(1 - honest["roc_auc"]["value"])


def test_where_all_are_k_there_is_no_result_without() -> None:
    samples = draw(np.random.default_rng(4), "K")
    probs = np.full((PATIENTS // 2, 2), 0.5)
    assert evaluate_birads(samples, samples.labels, probs)["without_k"] is None
