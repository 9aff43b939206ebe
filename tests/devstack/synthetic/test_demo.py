"""The demo: enough of every class, cancers and controls alike in all but the lesion."""

from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from devstack.synthetic import Demo, write_demo, write_demo_tables
from devstack.synthetic.selection import Plan
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .conftest import Tables, read_tables

_WORST_FIRST = "KMSPABNX"
_NUMBERS = (
    "Rows", "Columns", "KVP", "BodyPartThickness", "CompressionForce", "Exposure", "HalfValueLayer",
)  # fmt: skip
_WORDS = (
    "Manufacturer", "ManufacturerModelName", "ImageLateralityFinal", "ViewPosition", "spot_mag",
    "PatientOrientation", "PhotometricInterpretation", "AnodeTargetMaterial", "FilterMaterial",
)  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The tables of the whole demo, without the patients who have no pictures."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo_tables(folder, progress=lambda *_: None, demo=Demo(unpictured_patients=0))
    return read_tables(folder)


def labelled_images(tables: Tables) -> pd.DataFrame:
    """Each image with the worst of its findings: same exam, same side, B and null on both."""
    sides = {"L": ["L"], "R": ["R"]}
    findings = tables.clinical[["acc_anon", "side", "asses", "path_severity", "tissueden"]].copy()
    findings["side"] = findings["side"].map(lambda side: sides.get(side, ["L", "R"]))
    joined = tables.metadata.merge(
        findings.explode("side"),
        left_on=["acc_anon", "ImageLateralityFinal"],
        right_on=["acc_anon", "side"],
    )
    rank = joined["asses"].map(_WORST_FIRST.index)
    return joined.assign(rank=rank).sort_values("rank").drop_duplicates("anon_dicom_path")


def _standard(images: pd.DataFrame) -> pd.DataFrame:
    flat = (images["FinalImageType"] == "2D") & images["ViewPosition"].isin(["CC", "MLO"])
    return images[flat]


def test_b_and_k_have_100_standard_images_of_40_patients_each(demo: Tables) -> None:
    counts = _standard(labelled_images(demo)).groupby("asses")["empi_anon"].agg(["size", "nunique"])
    for letter in "BK":
        assert counts.loc[letter, "size"] >= 100
        assert counts.loc[letter, "nunique"] >= 40


def test_every_assessment_and_severity_occurs(demo: Tables) -> None:
    images = labelled_images(demo)
    counts = images.groupby("asses")["empi_anon"].nunique()
    assert counts.reindex(list("ANBPSMK")).min() >= 5
    severities = demo.clinical.groupby("path_severity")["empi_anon"].nunique()
    assert severities.reindex(range(6)).min() >= 4


def test_nothing_but_pixels_tells_k_from_b(demo: Tables) -> None:
    """Size and header fields of K and B: a logistic regression by patient is near chance."""
    images = _standard(labelled_images(demo))
    images = images[images["asses"].isin(["B", "K"])]
    numbers = images[list(_NUMBERS)].astype(float)
    words = pd.get_dummies(images[list(_WORDS)].astype(str))
    features = np.hstack([numbers.fillna(numbers.mean()).to_numpy(), words.to_numpy(float)])
    target = (images["asses"] == "K").to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1))
    areas = []
    for seed in range(3):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        preds = cross_val_predict(
            model, features, target, groups=images["empi_anon"], cv=folds, method="predict_proba"
        )
        areas.append(roc_auc_score(target, preds[:, 1]))
    assert np.mean(areas) < 0.62


def test_controls_agree_with_cancers_in_what_they_are_matched_on(demo: Tables) -> None:
    images = _standard(labelled_images(demo)).query("asses in ['B', 'K']")
    for column in ("ManufacturerModelName", "Columns", "tissueden", "ImageLateralityFinal"):
        table = pd.crosstab(images[column], images["asses"], normalize="columns")
        assert (table["B"] - table["K"]).abs().max() < 0.12


def test_most_images_are_small_and_some_have_the_detector_s_size(demo: Tables) -> None:
    sizes = set(zip(demo.metadata["Rows"], demo.metadata["Columns"], strict=True))
    assert {(3328, 2560), (4096, 3328), (1040, 800), (1280, 1040)} <= sizes
    assert (demo.metadata["Rows"] > 3000).mean() < 0.06
    spacing = demo.metadata["ImagerPixelSpacing"].map(lambda t: float(t.strip("[]").split(",")[0]))
    field = (spacing * demo.metadata["Rows"])[demo.metadata["Columns"].isin([800, 2560])]
    assert np.allclose(field, 232.96, rtol=1e-4)


def test_most_cancers_are_outlined(demo: Tables) -> None:
    images = labelled_images(demo).query("asses == 'K' and spot_mag.isna()")
    assert (_standard(images)["num_roi"] > 0).mean() > 0.4


def test_write_demo_writes_tables_and_the_files_of_the_pictured(tmp_path: Path) -> None:
    plan = Plan(pairs=1, per_assessment=0, per_severity=0, normal=1, histories=0, full_size_pairs=0)
    told: list[tuple[str, int, int]] = []
    summary = write_demo(
        tmp_path, seed=3, progress=lambda *step: told.append(step),
        demo=Demo(unpictured_patients=5, plan=plan, pixel_scale=0.05),
    )  # fmt: skip
    metadata = read_tables(tmp_path / "tables").metadata
    pictured = metadata[metadata["has_pix_array"]]
    assert summary.pictured_patients == pictured["empi_anon"].nunique() == 3
    assert summary.files == len(pictured) < len(metadata)
    assert metadata["has_pix_array"].to_numpy()[: len(pictured)].all(), (
        "pictured patients come first"
    )
    for path in pictured["anon_dicom_path"].str.replace("/mnt/NAS2/mammo/anon_dicom", "images"):
        assert pydicom.dcmread(tmp_path / path).pixel_array.ndim == 2
    assert {what for what, _, _ in told} == {"tables", "images"}
    assert all(0 <= done <= total for _, done, total in told)


def test_the_demo_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    plan = Plan(pairs=2, per_assessment=1, per_severity=0, normal=1, histories=0)
    small = Demo(unpictured_patients=0, plan=plan)
    for name in ("one", "same"):
        write_demo_tables(tmp_path / name, seed=3, progress=lambda *_: None, demo=small)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes()
