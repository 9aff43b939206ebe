"""The report page holds what it should, in both schemes, and nothing that runs or asks anybody."""

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from trainer.describing import find_misclassified
from trainer.evaluation.evaluate import evaluate_deeply, evaluate_predictions
from trainer.evaluation.predictions import Attribute, Predictions
from trainer.experiments import EXPERIMENTS
from trainer.explanations.methods import NAMES
from trainer.explanations.pictures import encode_png
from trainer.report import render_report

HOSTILE = "<script>1</script>"
CLASSES = ("B", "<K>")


def make_predictions(patients: int = 60, classes: tuple[str, ...] = CLASSES) -> Predictions:
    generator = np.random.default_rng(8)
    count = patients * 2
    target = generator.integers(0, len(classes), count)
    probs = generator.dirichlet(np.ones(len(classes)), count) + np.eye(len(classes))[target] * 0.6
    race: list[Attribute] = [HOSTILE if i < 8 else "White" for i in range(count)]
    return Predictions(
        target=target,
        probs=probs / probs.sum(axis=1, keepdims=True),
        patients=np.arange(count) // 2,
        classes=classes,
        keys=[str(1000 + i) for i in range(count)],
        exams=np.arange(count) // 2,
        breasts=np.arange(count) // 2,
        attributes={"race": race},
    )


def make_report(predictions: Predictions) -> dict[str, Any]:
    """A whole document, as a job writes it."""
    metrics = evaluate_predictions(
        predictions.target, predictions.probs, predictions.patients, predictions.classes, draws=50
    )
    metrics |= {"epoch": 2, "baseline": metrics["test"] | {"name": "b", "features": []}}
    measure = {"value": 0.5, "low": 0.4, "high": 0.6}
    agreed = measure | {"random": 0.1, "lead": measure}
    case = {"image_id": "1000", "label": "B", "said": "<K>", "share": 0.8, "right": False,
            "methods": ["saliency"], "told": None, "boxes": 1}  # fmt: skip
    epoch = {"train_loss": 0.7, "validation_loss": 0.6, "validation_accuracy": 0.5,
             "validation_roc_auc": 0.6, "seconds": 1.0}  # fmt: skip
    return {
        "job": {"job_id": "j", "name": HOSTILE, "experiment": "e", "cohort_id": "c"},
        "owner": "Ada & Co",
        "spec": {
            "experiment": "embed-2b6k",
            "protocol": "patient",
            "settings": {"model": "resnet18", "weights": "none", "input_size": 224},
            "source": {"kind": "cohort", "dataset": "a & b", "classes": list(predictions.classes)},
        },
        "spec_sha256": "0" * 64,
        "unit": predictions.unit,
        "metrics": metrics,
        "evaluation": evaluate_deeply(predictions, draws=50),
        "misclassified": find_misclassified(predictions),
        "explanations": {
            "names": NAMES,
            "refused": None,
            "gallery": [case],
            "agreement": {
                "saliency": {"images": 9, "patients": 5}
                | dict.fromkeys(("pointing", "energy", "iou"), agreed)
            },
        },
        "lineage": {
            "cohort": {
                "name": "mine", "cohort_id": "c", "sha256": "1" * 64, "dataset": "embed",
                "revision_id": "3", "definition": {"label": {"field": "asses"}},
                "attrition": [{"step": HOSTILE, "images": 10, "exams": 8, "patients": 6}],
            },
            "dataset": {
                "title": "EMBED", "licence": "by agreement", "attribution": "Emory",
                "restricted": True,
            },
        },
        "epochs": [epoch | {"epoch": 1}, epoch | {"epoch": 2, "validation_loss": None}],
        "splits": [
            {"split": "train", "images": 140, "patients": 90, "classes": {"B": 70, "<K>": 70}}
        ],
        "published": [
            {"model": "resnet18", "epochs": 5, "accuracy": 0.875, "roc_auc": 0.9449,
             "source": "a report"}
        ],
        "warnings": metrics.pop("warnings"),
        "manifest": {"runtime": {"threads": 2, "instructions": "x"}, "parameters": 11_177_538},
    }  # fmt: skip


PICTURES = {
    f"1000-{name}": encode_png(np.zeros((4, 4), np.uint8)) for name in ("picture", "saliency")
}


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(make_report(make_predictions()), PICTURES)


def test_it_holds_everything_that_a_reviewer_asks_for(page: str) -> None:
    for expected in (
        "Baseline without lesions", "Sensitivity at 90 % specificity", "By breast and by exam",
        "ROC", "Precision and recall", "Calibration", "Confusion matrix", "Subgroups",
        "Agreement with radiologists on 9 images of 5 patients", "Misclassified", "Attrition",
        "Splits", "0.945", "Model card", "no public release of models", "Environment and lineage",
        "11,177,538", "resnet18, from random weights",
    ):  # fmt: skip
        assert expected in page, expected


def test_it_runs_nothing_and_asks_nobody(page: str) -> None:
    assert "<script" not in page
    assert "http" not in page
    assert "&lt;script&gt;" in page
    assert "<K>" not in page
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_it_has_both_schemes_and_paper(page: str) -> None:
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    colours = re.findall(r"(?:fill|stroke)=\"([^\"]+)\"", page)
    assert {c for c in colours if not c.startswith("var(")} == {"none"}, "colours follow the scheme"


def test_each_plot_is_well_formed_and_named(page: str) -> None:
    plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(plots) == 7
    for plot in plots:
        root = ElementTree.fromstring(plot)
        assert root.get("aria-label")
        numbers = [v for e in root.iter() for k, v in e.attrib.items() if k in ("cx", "cy", "x1")]
        assert all(np.isfinite(float(value)) for value in numbers)


def test_small_groups_are_grey_and_not_hidden(page: str) -> None:
    greyed = re.findall(r'<text class="faint"[^>]*>([^<]*)</text>', page)
    assert "&lt;script&gt;1&lt;/script&gt;" in greyed
    assert "White" not in greyed


def test_errors_link_to_the_viewer(page: str) -> None:
    wrong = find_misclassified(make_predictions())
    assert wrong["total"] > 0
    for case in wrong["cases"]:
        assert f'<a href="/images/{case["image_id"]}">' in page
    shares = [case["share"] for case in wrong["cases"]]
    assert shares == sorted(shares, reverse=True)


def test_a_network_without_planes_is_said_to_have_no_grad_cam(page: str) -> None:
    assert "Grad-CAM does not apply" in page
    report = make_report(make_predictions())
    report["explanations"]["gallery"][0]["methods"] = ["grad-cam"]
    pictures = PICTURES | {"1000-grad-cam": PICTURES["1000-picture"]}
    assert "Grad-CAM does not apply" not in render_report(report, pictures)


@pytest.mark.parametrize(
    ("kind", "name"), [("patches", "patch 1000: is"), ("array", "image 1000 of the array: is")]
)
def test_what_is_not_of_the_catalog_is_told_and_not_linked(kind: str, name: str) -> None:
    report = make_report(make_predictions())
    report["spec"]["source"] |= {"kind": kind, "labelling": "benign-malignant"}
    page = render_report(report, PICTURES)
    assert name in page, "in the gallery"
    assert "/images/" not in page
    assert "saved as a cohort" not in page
    assert "Each is told by its place" in page


def test_scores_by_exam_are_told_by_exam() -> None:
    report = make_report(replace(make_predictions(), unit="exam", exams=None, breasts=None))
    report["explanations"] = None
    report["spec"]["scores"] = {"split": "validation"}
    page = render_report(report)
    (first, *_) = report["misclassified"]["cases"]
    address = f"/explore?dataset=a+%26+b&amp;acc_anon={first['exam_id']}"
    assert f'<a href="{address}">exam {first["exam_id"]}</a>' in page
    assert "Validation split: 120 exams of 60 patients" in page
    assert "/images/" not in page
    assert "saved as a cohort" not in page
    assert "by exam already" in page
    assert "test split" not in page.lower()


def card_of(report: dict[str, Any]) -> dict[str, str]:
    """The rows of the model card."""
    page = render_report(report, PICTURES)
    (facts,) = re.findall(r'id="card">.*?<dl>(.*?)</dl>', page)
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", facts))


def test_the_card_of_a_job_on_a_cohort_says_what_its_labels_are() -> None:
    report = make_report(make_predictions())
    told = card_of(report)
    assert told["Trained and tested on"] == "EMBED"
    assert told["Labels"].startswith("BI-RADS assessments")
    assert "of several findings the worst" in told["Labels"]
    assert told["Protocol"].endswith("a threshold of one half.")
    assert told["Known limits"] == "One test split of 60 patients; no external validation"
    label = report["lineage"]["cohort"]["definition"]["label"]
    for field, said in (("path_severity", "pathology"), ("massshape", "the field massshape")):
        label["field"] = field
        assert said in card_of(report)["Labels"]
    report["spec"]["settings"]["permute_labels"] = 0
    assert "SHUFFLED" in card_of(report)["Labels"]
    report["spec"]["protocol"] = "published"
    assert card_of(report)["Protocol"].startswith("PUBLISHED protocol: split by image")


def test_curves_are_called_after_the_split_that_chose_the_epoch() -> None:
    report = make_report(make_predictions())
    assert "<b>Validation.</b>" in render_report(report, PICTURES)
    report["spec"]["protocol"] = "published"
    page = render_report(report, PICTURES)
    assert "<b>Test.</b>" in page
    assert "<b>Validation.</b>" not in page


def test_a_sweep_shows_the_model_and_the_errors_of_the_child_that_it_chose() -> None:
    report = make_report(make_predictions())
    report["spec"]["composition"] = {"kind": "sweep"}
    member = {"name": "one", "state": "succeeded", "reason": None, "validation_loss": 0.5,
              "metrics": {}}  # fmt: skip
    report["combined"] = {
        "kind": "sweep",
        "chosen": "second",
        "members": [
            member | {"job_id": "first", "differs": {"settings.model": "resnet18"}},
            member | {"job_id": "second", "differs": {"settings.model": "convnext_tiny"}},
        ],
    }
    assert card_of(report)["Model"].startswith("convnext_tiny, from random weights")
    assert '<a href="/jobs/second">page of the job</a>' in render_report(report, PICTURES)


def test_the_card_of_patches_tells_their_terms() -> None:
    report = make_report(make_predictions())
    report["spec"]["source"] = {
        "kind": "patches", "name": "mine", "labelling": "benign-malignant", "classes": CLASSES,
    }  # fmt: skip
    report["lineage"] = {}
    untold = card_of(report)
    assert untold["Trained and tested on"] == "mine"
    for part in ("CC BY 3.0", "10.7937/K9/TCIA.2016.7O02S9CY", "synthetic"):
        assert part in untold["Terms of the data"]
    assert "pathology" in untold["Labels"]
    assert "as far as the patches tell" in untold["Protocol"]
    report["lineage"] = {"dataset": {"title": "Synthetic", "licence": "CC0-1.0"}}
    told = card_of(report)
    assert told["Trained and tested on"] == "Synthetic"
    assert told["Terms of the data"] == "CC0-1.0"


def test_the_card_of_uploaded_scores_claims_nothing_of_their_training() -> None:
    report = make_report(replace(make_predictions(), unit="exam"))
    report["explanations"] = None
    report["spec"]["scores"] = {"split": "test"}
    told = card_of(report)
    assert "Trained and tested on" not in told
    assert told["Evaluated on"] == "EMBED"
    assert "nothing is known" in told["Protocol"]
    assert "chosen" not in told["Protocol"]
    assert "cannot be told" in told["Known limits"]
    assert told["Labels"].endswith("of an exam&#x27;s images the worst")


@pytest.mark.parametrize(
    ("composition", "protocol", "limits"),
    [
        ({"kind": "folds", "count": 5, "method": "k-fold"},
         "into 5 folds: each tests one model", "each tested once by one of 5 models"),
        ({"kind": "folds", "count": 4, "method": "k-holdout"},
         "one test split for 4 models", "One test split of 60 patients for all 4 models"),
        ({"kind": "sweep"}, "epoch and settings were chosen on validation", "One test split"),
        ({"kind": "ensemble"}, "each member", "One test split"),
    ],
)  # fmt: skip
def test_the_card_says_how_a_job_made_of_jobs_was_split(
    composition: dict[str, Any], protocol: str, limits: str
) -> None:
    report = make_report(make_predictions())
    report["spec"]["composition"] = composition
    told = card_of(report)
    assert protocol in told["Protocol"]
    assert limits in told["Known limits"]


def test_more_classes_have_no_threshold_and_two_show_those_of_validation() -> None:
    many = make_report(make_predictions(classes=("0", "1", "2")))
    assert card_of(many)["Protocol"].endswith("The class is the most probable.")
    two = make_report(make_predictions())
    rate = {"value": 0.8125, "low": 0.7, "high": 0.9}
    chosen = {"rule": "sensitivity_90", "threshold": 0.3125, "sensitivity": rate,
              "specificity": rate, "validation_sensitivity": 0.9,
              "validation_specificity": 0.75}  # fmt: skip
    two["metrics"]["thresholds"] = [chosen]
    page = render_report(two, PICTURES)
    assert "Greatest specificity at 90 % sensitivity</td><td class=n>0.312</td>" in page
    assert "0.812 (0.700 to 0.900)" in page
    assert card_of(two)["Protocol"].endswith("Other thresholds were chosen on validation.")


def test_published_rows_show_what_any_of_them_tells() -> None:
    report = make_report(make_predictions())
    shown = render_report(report, PICTURES)
    header = "<th>Model</th><th class=n>Epochs</th><th class=n>Accuracy</th><th class=n>ROC-AUC"
    assert header in shown
    cbis = EXPERIMENTS["cbis-masscalc-scratch"].published
    report["published"] = [row.model_dump() for row in cbis]
    page = render_report(report, PICTURES)
    assert "not augmented" in page
    assert "Balanced accuracy</th><th class=n>F1</th><th class=n>Log-loss" in page
    assert "<td class=n>1.575</td>" in page
    assert "probably balanced accuracy" in page
    vit = EXPERIMENTS["embed-pathology-birads-vit"].published
    report["published"] = [row.model_dump() for row in vit]
    assert "its test images had been trained on" in render_report(report, PICTURES)


def test_folds_are_tested_on_several_splits() -> None:
    report = make_report(make_predictions())
    report["spec"]["composition"] = {"kind": "folds", "count": 5, "method": "k-fold"}
    page = render_report(report, PICTURES)
    assert "Test splits of 5 folds: 120 images" in page
    assert "2,000 draws, in each the mean over folds" in page


def test_many_classes_and_few_patients_are_told() -> None:
    classes = ("0", "1", "2", "3", "4", "5")
    report = make_report(make_predictions(12, classes))
    page = render_report(report, PICTURES)
    assert "12 patients were tested on" in page
    assert "have no order" in page
    assert page.count("Recall of") == 6


def test_what_is_not_known_is_left_out() -> None:
    """As a job that was made of jobs writes it."""
    report = make_report(make_predictions())
    for name in ("evaluation", "misclassified", "explanations", "lineage"):
        del report[name]
    report |= {"epochs": [], "splits": [], "published": [], "manifest": {}}
    report["metrics"] |= {"epoch": None}
    report["metrics"]["baseline"]["brier"] = {"value": 0.3, "low": None, "high": None}
    member = {"job_id": "k", "name": "one", "state": "succeeded", "reason": None,
              "differs": {"fold": 1}, "validation_loss": 0.5,
              "metrics": {"roc_auc": 0.8}}  # fmt: skip
    report["combined"] = {"kind": "folds", "chosen": None, "members": [member]}
    page = render_report(report)
    assert "Made of 1 jobs (folds)" in page
    assert "Each of its jobs was split in its own way" in page
    assert "<td class=n>0.300</td>" in page, "a mean without an interval"
    for absent in ("Attrition", "Misclassified", "Subgroups"):
        assert absent not in page, absent
