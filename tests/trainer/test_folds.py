"""Folds: whole patients, classes even, everybody tested once; and what is said of several."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score
from trainer.combining import describe_folds, mean_over_folds, merge_manifests
from trainer.composition import Fold, FoldMethod, Folds, Sweep
from trainer.evaluation.bootstrap import draw_weights, tail_share
from trainer.evaluation.figures import summarise, summarise_folds
from trainer.evaluation.predictions import Predictions
from trainer.folds import apply_fold
from trainer.samples import TEST, VALIDATION, Samples, SamplesError, check_samples


def make_samples(patients: int = 60) -> Samples:
    people = np.arange(2 * patients) // 2
    return Samples(
        images=np.zeros((1, 2, 2), np.uint8),
        rows=np.zeros(len(people), np.int64),
        labels=(people % 3 == 0).astype(np.int64),
        splits=np.where(people % 5 == 0, TEST, 0).astype(np.int8),
        patients=people,
        keys=[""] * len(people),
        classes=("plain", "spot"),
    )


def folds(method: FoldMethod, count: int = 5) -> list[Samples]:
    samples = make_samples()
    return [apply_fold(samples, f) for f in Folds(count=count, method=method, seed=3).folds()]


def test_every_image_is_tested_once_and_validates_once_in_a_k_fold() -> None:
    parts = folds("k-fold")
    for split in (TEST, VALIDATION):
        assert sorted(np.concatenate([p.in_split(split) for p in parts])) == list(range(120))
    for part in parts:
        check_samples(part)
        share = part.labels[part.in_split(TEST)].mean()
        assert share == pytest.approx(1 / 3, abs=0.05)


def test_the_test_split_stays_in_a_k_holdout() -> None:
    parts, before = folds("k-holdout", 4), make_samples()
    others = np.flatnonzero(before.splits != TEST)
    assert sorted(np.concatenate([p.in_split(VALIDATION) for p in parts])) == list(others)
    for part in parts:
        assert (part.in_split(TEST) == before.in_split(TEST)).all()
        check_samples(part)


def test_too_few_patients_for_the_folds_are_refused() -> None:
    with pytest.raises(SamplesError, match="class plain has 4 patients, too few for 5 folds"):
        apply_fold(make_samples(6), Fold(method="k-fold", count=5, index=0, seed=0))


def make_predictions(seed: int, first_patient: int = 0, patients: int = 40) -> Predictions:
    """Two images of a patient, scores that tell something."""
    generator = np.random.default_rng(seed)
    people = first_patient + np.arange(2 * patients) // 2
    target = people % 2
    score = np.clip(0.3 * target + 0.7 * generator.random(len(target)), 0, 1)
    return Predictions(target, np.stack([1 - score, score], axis=1), people, ("plain", "spot"))


def area_and_loss(fold: Predictions, weights: np.ndarray) -> tuple[float, float]:
    """scikit-learn's, of the images as often as they were drawn."""
    drawn = np.repeat(np.arange(len(weights)), weights.astype(int))
    target, score = fold.target[drawn], fold.probs[drawn, 1]
    return roc_auc_score(target, score), log_loss(target, score)


@pytest.mark.parametrize("apart", [True, False])
def test_a_draw_of_folds_takes_the_mean_of_what_each_model_comes_to(apart: bool) -> None:
    folds = [make_predictions(n, first_patient=40 * n * apart) for n in range(3)]
    found = summarise_folds(folds, apart=apart, draws=200)
    # Folds of other patients are drawn one by one, folds of the same patients with one draw.
    seeds = range(3) if apart else [0, 0, 0]
    weights = [
        np.concatenate(list(draw_weights(fold.patients, draws=200, seed=seed)))
        for fold, seed in zip(folds, seeds, strict=True)
    ]
    drawn = np.array(
        [
            np.mean([area_and_loss(f, w[n]) for f, w in zip(folds, weights, strict=True)], axis=0)
            for n in range(200)
        ]
    )
    points = np.mean([area_and_loss(fold, np.ones(80)) for fold in folds], axis=0)
    tail = tail_share(120, 3) if apart else tail_share(40)
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    for place, name in enumerate(("roc_auc", "log_loss")):
        expected = {"value": points[place], "low": low[place], "high": high[place]}
        assert found[name] == pytest.approx(expected, abs=1e-9)
    assert (found["n"], found["patients"]) == ((240, 120) if apart else (80, 40))


def test_more_models_of_one_test_set_are_no_more_patients() -> None:
    one = make_predictions(1)
    alone = summarise(one.target, one.probs, one.patients, one.classes)
    thrice = summarise_folds([one, one, one], apart=False)
    for name in ("roc_auc", "log_loss", "ece", "sensitivity_at_90_specificity"):
        assert thrice[name] == pytest.approx(alone[name], abs=1e-9), name
    others = [make_predictions(n, first_patient=40 * n) for n in range(3)]
    apart = summarise_folds(others, apart=True)
    narrower = width(apart["accuracy"]) / width(alone["accuracy"])
    assert narrower == pytest.approx(3**-0.5, rel=0.2), "three times the patients"


def width(found: dict[str, float]) -> float:
    return found["high"] - found["low"]


def test_a_figure_that_a_fold_does_not_have_has_no_mean() -> None:
    whole = make_predictions(1)
    folds = [whole, whole.take(whole.target == 0)]
    found = summarise_folds(folds, apart=False, draws=50)
    assert found["roc_auc"] == found["recall"]["spot"] == {"value": None, "low": None, "high": None}
    assert found["accuracy"]["low"] < found["accuracy"]["value"] < found["accuracy"]["high"]


def test_few_patients_of_strata_widen_the_interval_by_each_stratum() -> None:
    assert tail_share(60, 5) < tail_share(60) < 0.025
    assert tail_share(100_000, 5) == pytest.approx(0.025, rel=1e-3)


def test_counts_add_up_where_folds_test_others() -> None:
    part = {
        "test": {"n": 10, "patients": 5, "accuracy": {"value": 0.5, "low": 0.1, "high": 0.9}},
        "confusion_matrix": {"labels": ["a", "b"], "counts": [[3, 2], [1, 4]]},
        "roc": [{"name": "b", "fpr": [0, 1], "tpr": [0, 1]}],
        "baseline": {
            "name": "x", "features": ["grey"], "n": 10, "patients": 5, "ece": None,
            "accuracy": {"value": 0.6, "low": 0.5, "high": 0.7},
            "recall": {"a": {"value": None, "low": None, "high": None}},
        },
    }  # fmt: skip
    other = part | {"baseline": part["baseline"] | {"accuracy": {"value": 0.8}}}
    pooled = mean_over_folds({"n": 20}, [part, other], "k-fold")
    assert pooled["test"] == {"n": 20}
    assert pooled["baseline"]["patients"] == 10
    assert pooled["baseline"]["accuracy"] == {
        "value": pytest.approx(0.7),
        "low": None,
        "high": None,
    }
    assert pooled["baseline"]["recall"]["a"]["value"] is None
    assert pooled["confusion_matrix"]["counts"] == [[6, 4], [2, 8]]
    assert [curve["name"] for curve in pooled["roc"]] == ["b, fold 1", "b, fold 2"]
    assert mean_over_folds({}, [part, part], "k-holdout")["baseline"]["n"] == 10


def test_what_folds_say_of_themselves_names_who_was_drawn() -> None:
    assert "within each fold's test set" in describe_folds("k-fold", baseline=False)[0]
    told = describe_folds("k-holdout", baseline=True)
    assert "the same for all folds" in told[0]
    assert "no subgroups" in told[1]
    assert "without an interval" in told[2]


def test_a_parents_manifest_holds_what_its_members_agree_on() -> None:
    one = {
        "samples_sha256": "s", "parameters": 10, "attempts": 1, "attempt_seconds": 3.5,
        "versions": {"torch": "2", "gpu": "A"}, "normalisation": {"mean": [0.1]},
    }  # fmt: skip
    other = one | {"parameters": 32, "versions": {"torch": "2"}, "normalisation": {"mean": [0.2]}}
    expected = {
        "samples_sha256": "s", "attempts": 1, "versions": {"torch": "2"}, "normalisation": {},
    }  # fmt: skip
    assert merge_manifests("folds", [one, other]) == expected
    assert merge_manifests("ensemble", [one, other]) == expected | {"parameters": 42}
    assert merge_manifests("folds", [one, one])["parameters"] == 10
    assert "parameters" not in merge_manifests("ensemble", [one, {"versions": {}}])


def test_a_grid_and_runs_are_combined() -> None:
    sweep = Sweep(grid={"epochs": (1, 2)}, runs=({"seed": 1}, {"seed": 2}))
    assert list(sweep.overrides()) == [
        {"seed": 1, "epochs": 1},
        {"seed": 1, "epochs": 2},
        {"seed": 2, "epochs": 1},
        {"seed": 2, "epochs": 2},
    ]
