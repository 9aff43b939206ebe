"""Subgroups, and how far they are from the rest."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from trainer.evaluation.bootstrap import draw_weights, tail_share
from trainer.evaluation.metrics import balanced_accuracy
from trainer.evaluation.predictions import Attribute, Predictions
from trainer.evaluation.subgroups import evaluate_subgroups


def make(count: int, attributes: dict[str, list[Attribute]], spoilt: np.ndarray) -> Predictions:
    """Two images of a patient; scores of ``spoilt`` images are noise, of the others good."""
    generator = np.random.default_rng(4)
    target = generator.integers(0, 2, count)
    score = np.where(spoilt, generator.random(count), target * 0.5 + generator.random(count) * 0.5)
    probs = np.stack([1 - score, score], axis=1)
    return Predictions(target, probs, np.arange(count) // 2, ("B", "K"), attributes=attributes)


def test_a_worse_group_is_found_with_its_gap() -> None:
    poor = np.arange(600) % 4 < 2
    race: list[Attribute] = ["Black" if spoilt else "White" for spoilt in poor]
    predictions = make(600, {"race": race}, poor)
    (found,) = evaluate_subgroups(predictions, draws=400)
    black, white = found["groups"]
    assert (found["label"], black["value"], white["value"]) == ("Race", "Black", "White")
    assert (black["n"], black["patients"], black["small"]) == (300, 150, False)
    expected = roc_auc_score(predictions.target[poor], predictions.probs[poor, 1])
    assert black["roc_auc"]["value"] == pytest.approx(expected)
    assert black["gap"]["roc_auc"]["high"] < -0.2
    assert white["gap"]["roc_auc"]["value"] == pytest.approx(-black["gap"]["roc_auc"]["value"])


def test_small_groups_are_marked_and_unknown_is_a_group() -> None:
    values: list[Attribute] = [2.0] * 100 + [None] * 100 + [4.0] * 4
    found = evaluate_subgroups(make(204, {"tissueden": values}, np.zeros(204, bool)), draws=50)
    groups = {group["value"]: group for group in found[0]["groups"]}
    assert set(groups) == {
        "B, scattered fibroglandular densities", "D, extremely dense", "not known",
    }  # fmt: skip
    assert groups["D, extremely dense"]["small"]
    assert not groups["not known"]["small"]


def test_an_interval_is_as_wide_as_its_own_patients_ask() -> None:
    race: list[Attribute] = ["Asian"] * 24 + ["White"] * 400
    predictions = make(424, {"race": race}, np.ones(424, bool))
    ((few, many),) = (found["groups"] for found in evaluate_subgroups(predictions, draws=500))
    weights = np.concatenate(list(draw_weights(predictions.patients, draws=500)))
    figure = partial(balanced_accuracy, target=predictions.target[:24])
    drawn = figure(weights[:, :24], probs=predictions.probs[:24])
    rest = balanced_accuracy(weights[:, 24:], predictions.target[24:], predictions.probs[24:])
    tail = tail_share(12)
    own = np.nanquantile(drawn, [tail, 1 - tail])
    gap = np.nanquantile(drawn - rest, [tail, 1 - tail])
    assert tail < tail_share(212)
    assert ends(few["balanced_accuracy"]) == pytest.approx(own)
    assert ends(few["gap"]["balanced_accuracy"]) == pytest.approx(gap)
    assert ends(many["gap"]["balanced_accuracy"]) == pytest.approx(-gap[::-1])
    of_many = np.quantile(rest, [tail_share(200), 1 - tail_share(200)])
    assert ends(many["balanced_accuracy"]) == pytest.approx(of_many)


def ends(found: dict[str, float]) -> list[float]:
    return [found["low"], found["high"]]


def test_a_finding_of_two_kinds_is_in_both_groups() -> None:
    kinds: list[Attribute] = ["mass", "calcification,mass", None] * 40
    (found,) = evaluate_subgroups(make(120, {"finding_kind": kinds}, np.zeros(120, bool)), draws=50)
    assert {g["value"]: g["n"] for g in found["groups"]} == {
        "calcification": 40, "mass": 80, "no finding described": 40,
    }  # fmt: skip


def test_a_group_of_one_class_has_no_roc_auc_and_one_value_is_no_subgroup() -> None:
    predictions = make(100, {"race": ["Asian"] * 100}, np.zeros(100, bool))
    assert evaluate_subgroups(predictions, draws=50) == []
    only: list[Attribute] = ["cview" if t else "2D" for t in predictions.target]
    parted = Predictions(
        predictions.target, predictions.probs, predictions.patients, predictions.classes,
        attributes={"FinalImageType": only},
    )  # fmt: skip
    (found,) = evaluate_subgroups(parted, draws=50)
    assert found["groups"][0]["roc_auc"] == {"value": None, "low": None, "high": None}
