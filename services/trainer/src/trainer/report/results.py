"""What came of the test split: figures, curves, matrix, levels, subgroups."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.report.forest import forest
from trainer.report.markup import DASH, interval, number, percent, table, text
from trainer.report.plots import epoch_figure, pr_figure, reliability_figure, roc_figure
from trainer.report.subject import Subject

FIGURES = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1",
    "sensitivity_at_90_specificity": "Sensitivity at 90 % specificity",
    "specificity_at_90_sensitivity": "Specificity at 90 % sensitivity",
    "log_loss": "Log-loss",
    "brier": "Brier score",
    "ece": "Expected calibration error",
}
RULES = {
    "balanced_accuracy": "Greatest balanced accuracy",
    "specificity_90": "Greatest sensitivity at 90 % specificity",
    "sensitivity_90": "Greatest specificity at 90 % sensitivity",
}
HEADLINE = ("roc_auc", "balanced_accuracy", "sensitivity_at_90_specificity", "ece")
Document = Mapping[str, Any]


def headline(metrics: Document) -> str:
    """The figures that a reader wants first."""
    test = metrics["test"]
    shown = [name for name in HEADLINE if test.get(name)]
    boxes = []
    for name in shown:
        found = test[name]
        value = DASH if found["value"] is None else f"{found['value']:.3f}"
        low, high = (DASH if found[k] is None else f"{found[k]:.3f}" for k in ("low", "high"))
        boxes.append(
            f"<div><b>{value}</b>{FIGURES[name]}<br>"
            f'<span class="soft small">95 %: {low} to {high}</span></div>'
        )
    return f'<div class="key">{"".join(boxes)}</div>'


def results(metrics: Document, evaluation: Document | None, subject: Subject) -> str:
    """Figures beside the baseline, and of images by breast and exam."""
    test, baseline = metrics["test"], metrics.get("baseline")
    birads = metrics.get("birads") or {}
    columns = {
        "Model": test,
        "Baseline without lesions": baseline,
        "BI-RADS alone": birads.get("alone"),
        "Model, without BI-RADS 6": birads.get("without_k"),
    }
    present = {name: found for name, found in columns.items() if found}
    header = ["", *present]
    rows = [
        [label, *(interval(found.get(name)) for found in present.values())]
        for name, label in FIGURES.items()
        if test.get(name)
    ]
    for name in test["recall"]:
        recalls = (interval(found["recall"].get(name)) for found in present.values())
        rows.append([f"Recall of {name}", *recalls])
    counted = f"{test['n']:,} {subject.many} of {test['patients']:,} patients"
    note = (
        "The baseline is a logistic regression on grey mean and deviation, image size and header "
        "fields: it sees no lesion."
        if baseline
        else ""
    )
    of_folds = ", in each the mean over folds" if subject.folds is not None else ""
    return (
        f'<h2 id="results">{subject.title}: {counted}</h2>{table(header, rows)}'
        f'<p class="soft small">95 % intervals: bootstrap over patients, 2,000 draws{of_folds}. '
        "For more than two classes areas are one against the rest, averaged. Sensitivity at 90 % "
        f"specificity and the reverse are read off the ROC curve of the same {subject.many}: no "
        f"threshold was chosen beforehand. {note}</p>"
        f"{_thresholds(metrics.get('thresholds') or (), subject)}{_levels(evaluation)}"
    )


def _thresholds(found: Sequence[Document], subject: Subject) -> str:
    """What thresholds that validation chose came to."""
    if not found:
        return ""
    rows = [
        (
            RULES[one["rule"]],
            number(one["threshold"]),
            number(one["validation_sensitivity"]),
            number(one["validation_specificity"]),
            interval(one["sensitivity"]),
            interval(one["specificity"]),
        )
        for one in found
    ]
    rates = "sensitivity", "specificity"
    header = ("Sought on validation", "Threshold", *(f"There: {rate}" for rate in rates))
    tested = (f"{subject.split.capitalize()}: {rate}" for rate in rates)
    return f"<h3>At thresholds that validation chose</h3>{table((*header, *tested), rows)}"


def _levels(evaluation: Document | None) -> str:
    if evaluation is None:
        return ""
    if not evaluation["levels"]:
        return f"<p>By breast and by exam: not told. {text(evaluation['levels_refused'])}</p>"
    levels = evaluation["levels"]
    header = ["", *(f"{one['level']}, {one['rule']}" for one in levels)]
    rows: list[list[Any]] = [
        ["Units", *(one["test"]["n"] for one in levels)],
        *(
            [label, *(interval(one["test"].get(name)) for one in levels)]
            for name, label in FIGURES.items()
        ),
    ]
    return (
        "<h3>By breast and by exam</h3>"
        "<p>A breast or an exam has its worst label, and of its images' probabilities the mean; "
        "or, as max, it is as probably of a class or a worse one as the image that is most so.</p>"
        + table(header, rows)
    )


def curves(metrics: Document, evaluation: Document | None) -> str:
    """ROC, precision and recall, calibration."""
    figures = [roc_figure(metrics["roc"])]
    if evaluation is not None:
        ece = (metrics["test"].get("ece") or {}).get("value")
        figures += [
            pr_figure(evaluation["pr"]),
            reliability_figure(evaluation["calibration"], ece),
        ]
    return f'<h2 id="curves">Curves</h2><div class="plots">{"".join(figures)}</div>'


def training(epochs: list[Document], best: int | None, watched: str) -> str:
    """Loss, and figures of the split that was ``watched`` to choose the epoch."""
    if not epochs:
        return ""
    losses = {"train_loss": "training", "validation_loss": watched}
    scores = {"validation_roc_auc": "ROC-AUC", "validation_accuracy": "accuracy"}
    figures = [
        epoch_figure("Loss", epochs, losses, best),
        epoch_figure(watched.capitalize(), epochs, scores, best, top=1.0),
    ]
    return f'<h2 id="training">Training</h2><div class="plots">{"".join(figures)}</div>'


def confusion(matrix: Document) -> str:
    """Counts with the share of their true class, the darker the more."""
    labels = matrix["labels"]
    head = "".join(f"<th>{text(name)}</th>" for name in labels)
    body = ""
    for name, counts in zip(labels, matrix["counts"], strict=True):
        total = sum(counts) or 1
        body += f"<tr><th>is {text(name)}</th>{''.join(_cell(n, n / total) for n in counts)}</tr>"
    return (
        '<h2 id="confusion">Confusion matrix</h2><div class="scroll"><table class="matrix">'
        f"<tr><th>read as</th>{head}</tr>{body}</table></div>"
    )


def _cell(count: int, share: float) -> str:
    style = f"background:rgb(var(--cell)/{0.55 * share:.2f})"
    return f'<td style="{style}">{count}<br><span class="soft small">{percent(share)}</span></td>'


def subgroups(metrics: Document, evaluation: Document | None, subject: Subject) -> str:
    """The forest plot, or that there is nothing to tell groups by; means over models have none."""
    if evaluation is None:
        return ""
    title = '<h2 id="subgroups">Subgroups</h2>'
    if not evaluation["subgroups"]:
        return f"{title}<p>The samples tell nothing that parts the {subject.split} split.</p>"
    plots = [
        f"<h3>{FIGURES[name]}</h3>"
        + forest(evaluation["subgroups"], name, FIGURES[name], metrics["test"][name], subject.many)
        for name in ("roc_auc", "balanced_accuracy")
    ]
    return (
        f"{title}<p>Each group, and how far it is from all other {subject.many} in the same draws "
        "of patients. Groups of fewer than 50 patients are grey: their intervals are unreliable. "
        f"The dashed line is the whole {subject.split} split. These comparisons are many; a gap "
        f"that excludes nought is a question, not a finding.</p>{''.join(plots)}"
    )
