"""Where the figures come from: cohort, splits, published figures, environment, model card."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.report.markup import Markup, facts, number, table, text

Document = Mapping[str, Any]
EMBED_TERMS = (
    "EMBED's licence: academic, non-commercial research only; each user registers individually; "
    "no redistribution of any portion; no public release of models, weights or embeddings trained "
    "on it; not for patient care; no re-identification."
)


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
    return "".join(parts)


def published(figures: Sequence[Document]) -> str:
    """What others reached, on other data."""
    if not figures:
        return ""
    rows = [
        (f["model"], f["epochs"] or "", number(f["accuracy"]), number(f["roc_auc"]))
        for f in figures
    ]
    source = text(figures[0]["source"])
    return (
        '<h2 id="published">Published by others, on other data</h2>'
        + table(("Model", "Epochs", "Accuracy", "ROC-AUC"), rows)
        + f'<p class="soft small">{source}. Not comparable with a split by patient.</p>'
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


def card(report: Document) -> str:
    """The model card: what it is, what it is for, what may be done with it."""
    spec, metrics = report["spec"], report["metrics"]
    settings = spec["settings"]
    lineage = report.get("lineage") or {}
    dataset = lineage.get("dataset") or {}
    restricted = dataset.get("restricted")
    terms = [dataset.get("licence"), dataset.get("attribution")]
    if restricted:
        terms.append(EMBED_TERMS)
    weights = "random" if settings["weights"] == "none" else settings["weights"]
    model = (
        f"{settings['model']}, from {weights} weights, input {settings['input_size']} pixels"
        if not spec.get("scores")
        else "not trained here: its scores were uploaded"
    )
    rows = [
        ("Model", model),
        ("Task", f"{spec['experiment']}: {', '.join(spec['source']['classes'])}"),
        ("Trained and tested on", dataset.get("title") or spec["source"].get("name")),
        ("Terms of the data", "; ".join(term for term in terms if term)),
        ("Intended use", "Research on the data it comes from. Not a medical device."),
        ("Not for", "Patient care, screening decisions, or any other population unexamined."),
        (
            "Protocol",
            "split by patient; epoch, threshold and sweep chosen on validation, test used once"
            if spec["protocol"] == "patient"
            else "PUBLISHED protocol: split by image; its figures are inflated",
        ),
        (
            "Known limits",
            f"One test split of {metrics['test']['patients']} patients; labels as radiologists "
            "wrote them; no external validation",
        ),
    ]
    return f'<h2 id="card">Model card</h2>{facts(rows)}'


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
