"""Where the figures come from: cohort, splits, published figures, environment."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.report.markup import Markup, facts, number, table, text

Document = Mapping[str, Any]
PUBLISHED = {
    "model": "Model",
    "variant": "Variant",
    "epochs": "Epochs",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "roc_auc": "ROC-AUC",
    "f1": "F1",
    "log_loss": "Log-loss",
}


def cohort(lineage: Document, splits: Sequence[Document]) -> str:
    """Attrition and split tables."""
    parts = ['<h2 id="cohort">Cohort and splits</h2>']
    found = lineage.get("cohort")
    if found:
        definition = found["definition"]
        parts.append(
            facts(
                [
                    ("Cohort", f"{found['name']} ({found['cohort_id']})"),
                    ("Digest", found["sha256"]),
                    ("Dataset", f"{found['dataset']}, revision {found['revision_id']}"),
                    ("Label", (definition.get("label") or {}).get("field")),
                    ("Split by", (definition.get("split") or {}).get("by", "patient")),
                ]
            )
        )
        steps = [
            (step["step"], step["images"], step["exams"], step["patients"])
            for step in found["attrition"]
        ]
        if steps:
            header = ("What was left after", "Images", "Exams", "Patients")
            parts.append(f"<h3>Attrition</h3>{table(header, steps)}")
    if splits:
        names = list(splits[0]["classes"])
        rows = [
            (s["split"], s["images"], s["patients"], *(s["classes"][n] for n in names))
            for s in splits
        ]
        parts.append(f"<h3>Splits</h3>{table(('', 'Images', 'Patients', *names), rows)}")
    else:
        parts.append("<p>Each of its jobs was split in its own way, which its report tells.</p>")
    return "".join(parts)


def published(figures: Sequence[Document]) -> str:
    """What others reached, on other data: only what one of them tells."""
    if not figures:
        return ""
    told = {k: v for k, v in PUBLISHED.items() if any(f.get(k) is not None for f in figures)}
    texts = [k for k in told if k in ("model", "variant")]
    rows = [
        [
            *(f.get(k) or "" for k in texts),
            *(
                f.get(k) or "" if k == "epochs" else number(f.get(k))
                for k in told
                if k not in texts
            ),
        ]
        for f in figures
    ]
    sources = "; ".join(dict.fromkeys(f["source"] for f in figures))
    return (
        '<h2 id="published">Published by others, on other data</h2>'
        + table(list(told.values()), rows, texts=len(texts))
        + f'<p class="soft small">{text(sources)}. Other pictures and other splits: not comparable '
        "figure by figure.</p>"
    )


def combined(found: Document | None) -> str:
    """The jobs that this one was made of."""
    if not found:
        return ""
    names = ("roc_auc", "accuracy", "balanced_accuracy")
    rows = [
        (
            Markup(f'<a href="/jobs/{text(one["job_id"])}">{text(one["name"])}</a>'),
            ", ".join(f"{name} {value}" for name, value in one["differs"].items()),
            "chosen" if one["job_id"] == found["chosen"] else one["state"],
            number(one["validation_loss"]),
            *(number(one["metrics"].get(name)) for name in names),
        )
        for one in found["members"]
    ]
    figures = ("Validation loss", "Test ROC-AUC", "accuracy", "balanced")
    header = ("Job", "Differs in", "State", *figures)
    note = "Chosen by loss on validation: the test split had no say." if found["chosen"] else ""
    title = f'<h2 id="members">Made of {len(rows)} jobs ({text(found["kind"])})</h2>'
    return f"{title}{table(header, rows, texts=3)}<p>{note}</p>"


def environment(report: Document) -> str:
    """Everything that decides the figures, to the bit."""
    manifest, job = report["manifest"], report["job"]
    runtime, versions = manifest.get("runtime") or {}, manifest.get("versions") or {}
    rows = [
        ("Job", job["job_id"]),
        ("Spec digest", report["spec_sha256"]),
        ("Samples digest", manifest.get("samples_sha256")),
        ("Scores", (report.get("lineage") or {}).get("scores")),
        ("Device", runtime.get("device")),
        ("Threads", runtime.get("threads")),
        ("Instructions", runtime.get("instructions")),
        ("Precision", runtime.get("precision")),
        ("Versions", ", ".join(f"{k} {v}" for k, v in versions.items())),
        ("Parameters", manifest.get("parameters")),
        ("Attempts", manifest.get("attempts")),
    ]
    shown = {name: report[name] for name in ("spec", "manifest")}
    return (
        f'<h2 id="lineage">Environment and lineage</h2>{facts(rows)}'
        f"<details><summary>Specification and manifest</summary>"
        f"<pre>{text(json.dumps(shown, indent=1))}</pre></details>"
    )
