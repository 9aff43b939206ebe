"""The model that sees no lesion learns from the machine alone."""

import numpy as np
import pytest
from trainer.evaluation.baseline import baseline_features, evaluate_baseline
from trainer.samples import Samples


def make_samples(header: dict[str, list[str | float | None]], grey: np.ndarray) -> Samples:
    count = len(grey)
    images = np.zeros((count, 6, 6), np.uint8)
    images += grey[:, None, None].astype(np.uint8)
    return Samples(
        images=images,
        rows=np.arange(count),
        labels=np.arange(count) % 2,
        splits=np.repeat([0, 1, 2], [count // 2, count // 4, count // 4]).astype(np.int8),
        patients=np.arange(count),
        keys=[str(i) for i in range(count)],
        classes=("B", "K"),
        header=header,
    )


def test_a_machine_that_betrays_the_label_is_found_out() -> None:
    makers: list[str | float | None] = [["Hologic", "GE"][i % 2] for i in range(80)]
    samples = make_samples({"Manufacturer": makers}, np.full(80, 9))
    found = evaluate_baseline(samples, samples.labels)
    assert found["roc_auc"]["value"] == 1.0
    assert found["features"] == [
        "grey mean", "grey sd", "Manufacturer = GE", "Manufacturer = Hologic",
    ]  # fmt: skip


def test_brightness_that_betrays_the_label_is_found_out() -> None:
    samples = make_samples({}, 40 + 100 * (np.arange(80) % 2))
    assert evaluate_baseline(samples, samples.labels)["accuracy"]["value"] == 1.0


def test_nothing_to_go_by_is_chance() -> None:
    samples = make_samples({}, np.full(80, 9))
    found = evaluate_baseline(samples, samples.labels)
    assert found["roc_auc"]["value"] == 0.5
    assert found["n"] == 20


def test_numbers_stay_numbers_and_what_is_missing_takes_the_mean_of_the_training_split() -> None:
    rows: list[str | float | None] = [3328, 3840, None, 4096, 4096, None, 9999, 9999]
    features, names = baseline_features(make_samples({"Rows": rows}, np.full(8, 9)))
    assert names[2:] == ["Rows"]
    mean = (3328 + 3840 + 4096) / 3
    expected = [3328, 3840, mean, 4096, 4096, mean, 9999, 9999]
    assert features[:, 2] == pytest.approx(expected), "the last four are not trained on"


def test_a_missing_category_is_a_category() -> None:
    kinds: list[str | float | None] = ["2D", None, "2D", "cview"] * 2
    features, names = baseline_features(make_samples({"FinalImageType": kinds}, np.full(8, 9)))
    column = names.index("FinalImageType = missing")
    assert features[:, column].tolist() == [0, 1, 0, 0] * 2


def test_a_category_that_training_never_saw_is_no_column() -> None:
    kinds: list[str | float | None] = ["2D", "2D", "cview", "2D", "tomo", None, "cview", "tomo"]
    depths: list[str | float | None] = [None] * 4 + [40.0, 50.0, 60.0, 70.0]
    header = {"FinalImageType": kinds, "BodyPartThickness": depths}
    features, names = baseline_features(make_samples(header, np.full(8, 9)))
    assert names[2:] == [
        "BodyPartThickness = missing", "FinalImageType = 2D", "FinalImageType = cview",
    ]  # fmt: skip
    assert features[4].tolist()[2:] == [0, 0, 0]
