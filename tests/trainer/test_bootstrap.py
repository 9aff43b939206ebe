"""Intervals are drawn over patients."""

import numpy as np
import pytest
from scipy.stats import norm, t
from trainer.evaluation import bootstrap, metrics
from trainer.evaluation.bootstrap import draw_weights, patient_intervals, tail_share
from trainer.evaluation.evaluate import evaluate_predictions
from trainer.evaluation.metrics import Floats


def test_each_draw_takes_as_many_patients_as_there_are_and_whole_ones() -> None:
    patients = np.array([7, 7, 7, 3, 3, 9])
    (weights,) = draw_weights(patients, draws=500)
    assert weights.shape == (500, 6)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, [0, 3, 5]].sum(axis=1) == 3).all()
    assert weights[:, 5].mean() == pytest.approx(1.0, abs=0.15)


def test_drawing_in_small_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    patients = np.arange(40) // 2
    whole = np.concatenate(list(draw_weights(patients, draws=100)))
    monkeypatch.setattr(bootstrap, "CELLS", 7 * 40)
    pieces = list(draw_weights(patients, draws=100))
    assert len(pieces) > 10
    assert (np.concatenate(pieces) == whole).all()


def test_intervals_equal_those_of_resampled_data() -> None:
    generator = np.random.default_rng(1)
    target, patients = generator.integers(0, 2, 120), np.arange(120) // 3
    score = np.clip(target * 0.3 + generator.random(120) * 0.7, 0, 1)
    probs = np.stack([1 - score, score], axis=1)
    low, high = patient_intervals(lambda w: metrics.roc_auc(w, target, probs), patients)
    values = []
    for weights in np.concatenate(list(draw_weights(patients))).astype(int):
        chosen = np.repeat(np.arange(120), weights)
        ones = np.ones((1, len(chosen)))
        values.append(metrics.roc_auc(ones, target[chosen], probs[chosen])[0])
    tail = 100 * tail_share(40)
    assert [low, high] == pytest.approx(np.percentile(values, [tail, 100 - tail]))


def test_tails_are_thinner_the_fewer_the_patients() -> None:
    for patients in (10, 50, 1000):
        wider = t.ppf(0.975, patients - 1) * np.sqrt(patients / (patients - 1))
        assert tail_share(patients) == pytest.approx(norm.sf(wider), rel=0.02)
    assert tail_share(100_000) == pytest.approx(0.025, rel=1e-3)


def test_images_that_repeat_a_patient_do_not_narrow_the_interval() -> None:
    generator = np.random.default_rng(2)
    right = generator.integers(0, 2, 60).astype(np.float64)

    def width(copies: int, *, by_patient: bool) -> float:
        values = np.repeat(right, copies)
        patients = np.arange(60 * copies) // (copies if by_patient else 1)

        def share(weights: Floats) -> Floats:
            found: Floats = weights @ values / weights.sum(axis=1)
            return found

        low, high = patient_intervals(share, patients)
        return float(high - low)

    assert width(10, by_patient=True) == pytest.approx(width(1, by_patient=True), rel=0.05)
    assert width(10, by_patient=False) < 0.5 * width(10, by_patient=True)


def test_an_evaluation_is_complete_and_warns_of_few_patients() -> None:
    generator = np.random.default_rng(3)
    target, patients = generator.integers(0, 3, 90), np.arange(90) // 3
    probs = generator.dirichlet(np.ones(3), 90)
    found = evaluate_predictions(target, probs, patients, ("a", "b", "c"), draws=200)
    assert found["test"]["n"] == 90
    assert found["test"]["patients"] == 30
    for name in metrics.METRICS:
        estimate = found["test"][name]
        assert estimate["low"] <= estimate["value"] <= estimate["high"], name
    assert set(found["test"]["recall"]) == {"a", "b", "c"}
    assert np.sum(found["confusion_matrix"]["counts"]) == 90
    assert [curve["name"] for curve in found["roc"]] == ["a", "b", "c"]
    assert "30 patients" in found["warnings"][0]
