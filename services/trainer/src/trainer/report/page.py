"""The page put together."""

from collections.abc import Mapping
from typing import Any

from trainer.report import cases, context, results
from trainer.report.card import card
from trainer.report.markup import text
from trainer.report.style import STYLE
from trainer.report.subject import Subject

SECTIONS = {
    "results": "Figures",
    "curves": "Curves",
    "confusion": "Confusion",
    "subgroups": "Subgroups",
    "explanations": "What it went by",
    "errors": "Misclassified",
    "cohort": "Cohort",
    "card": "Model card",
    "lineage": "Lineage",
}
NEEDED = {
    "subgroups": "evaluation",
    "explanations": "explanations",
    "errors": "misclassified",
}
"""What a section is of, where not every report has it."""


def render_report(report: Mapping[str, Any], pictures: Mapping[str, bytes] | None = None) -> str:
    """The page of a report document (the one served as JSON).

    ``pictures``: PNG by the name of a gallery case and method, `<image_id>-<method>`.
    """
    metrics, evaluation, subject = report["metrics"], report.get("evaluation"), Subject.of(report)
    title = f"{report['job']['name']} · {report['spec']['experiment']}"
    body = "".join(
        [
            _head(title, report),
            results.headline(metrics),
            results.results(metrics, evaluation, subject),
            results.curves(metrics, evaluation),
            results.confusion(metrics["confusion_matrix"]),
            results.subgroups(metrics, evaluation, subject),
            cases.explanations(report.get("explanations"), pictures or {}, subject),
            cases.misclassified(report.get("misclassified"), _predicting(report), subject),
            results.training(report["epochs"], metrics["epoch"], _watched(report["spec"])),
            context.combined(report.get("combined")),
            context.cohort(report.get("lineage") or {}, report["splits"]),
            context.published(report["published"]),
            card(report, subject),
            context.environment(report),
        ]
    )
    viewport = '<meta name="viewport" content="width=device-width">'
    head = f"<meta charset=utf-8>{viewport}<title>{text(title)}</title><style>{STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _predicting(report: Mapping[str, Any]) -> str:
    """The job whose predictions these are: of a sweep the chosen child."""
    chosen: str | None = (report.get("combined") or {}).get("chosen")
    return chosen or report["job"]["job_id"]


def _watched(spec: Mapping[str, Any]) -> str:
    """The split that chose the epoch: the published protocol has no validation."""
    return "validation" if spec["protocol"] == "patient" else "test"


def _head(title: str, report: Mapping[str, Any]) -> str:
    spec = report["spec"]
    protocol = "" if spec["protocol"] == "patient" else " · <b>protocol: published</b>"
    warnings = "".join(f'<p class="warning">{text(told)}</p>' for told in report["warnings"])
    links = "".join(
        f'<a href="#{section}">{label}</a>'
        for section, label in SECTIONS.items()
        if report.get(NEEDED.get(section, "metrics"))
    )
    return (
        f"<h1>{text(title)}</h1><p class='soft'>Job <code>{text(report['job']['job_id'])}</code>, "
        f"by {text(report['owner'])}{protocol}</p><nav>{links}</nav>{warnings}"
    )
