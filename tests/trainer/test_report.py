"""The report page holds what it should and nothing that runs."""

from trainer.report import render_report

ESTIMATE = {"value": 0.9, "low": 0.8, "high": 0.95}
NAMES = ("accuracy", "balanced_accuracy", "roc_auc", "pr_auc", "f1", "log_loss", "brier")
TEST = dict.fromkeys(NAMES, ESTIMATE) | {
    "n": 40,
    "patients": 30,
    "recall": {"B": ESTIMATE, "<K>": {"value": None, "low": None, "high": None}},
}
REPORT = {
    "job": {"job_id": "j", "name": "<script>1</script>", "experiment": "e", "cohort_id": "c"},
    "owner": "Ada & Co",
    "spec": {"experiment": "embed-2b6k"},
    "spec_sha256": "0",
    "metrics": {
        "test": TEST,
        "baseline": {**TEST, "features": []},
        "epoch": 2,
        "confusion_matrix": {"labels": ["B", "<K>"], "counts": [[18, 2], [3, 17]]},
        "roc": [{"name": "<K>", "fpr": [0, 0.5, 1], "tpr": [0, 0.9, 1]}],
    },
    "epochs": [
        {"train_loss": 0.7, "validation_loss": 0.6, "validation_accuracy": 0.5,
         "validation_roc_auc": 0.6},
        {"train_loss": 0.5, "validation_loss": 0.4, "validation_accuracy": 0.8,
         "validation_roc_auc": 0.9},
    ],
    "splits": [{"split": "train", "images": 140, "patients": 90, "classes": {"B": 70, "<K>": 70}}],
    "published": [{"model": "resnet18", "epochs": 5, "accuracy": 0.875, "roc_auc": 0.9449,
                   "source": "a report"}],
    "warnings": ["30 patients in the test split"],
    "manifest": {"runtime": {"threads": 2}},
}  # fmt: skip


def test_it_shows_results_beside_baseline_and_published_figures() -> None:
    page = render_report(REPORT)
    assert "0.900 (0.800 to 0.950)" in page
    assert "Baseline without lesions" in page
    assert "0.945" in page
    assert "30 patients in the test split" in page
    assert page.count("<svg") == 3


def test_it_runs_nothing_and_asks_nobody() -> None:
    page = render_report(REPORT)
    assert "<script" not in page
    assert "http" not in page
    assert "&lt;script&gt;" in page
    assert "<K>" not in page
