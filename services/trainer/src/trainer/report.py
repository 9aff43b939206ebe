"""The report of a job as one self-contained page: no script, no request, light and dark."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, MARGIN = 304, 240, 34
COLOURS = ("#3b82f6", "#e8590c", "#2f9e44", "#9c36b5", "#c92a2a", "#0c8599", "#e8b10c")

STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:14px/1.5 system-ui,sans-serif;max-width:1000px;margin:24px auto;padding:0 16px;
font-variant-numeric:tabular-nums}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:32px 0 8px}
table{border-collapse:collapse}th,td{padding:4px 12px 4px 0;text-align:left;
border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
figure{display:inline-block;margin:0 16px 16px 0}figcaption{font-size:12px}
svg text{font:11px system-ui,sans-serif;fill:currentColor}
.warning{border-left:3px solid #e8590c;padding:4px 12px;margin:4px 0;background:var(--soft)}
code,pre{font:12px ui-monospace,monospace}pre{overflow:auto;background:var(--soft);padding:12px}
"""

LABELS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "f1": "F1",
    "log_loss": "Log-loss",
    "brier": "Brier score",
}


def render_report(report: dict[str, Any]) -> str:
    """The page of a report document (the one served as JSON)."""
    title = f"{report['job']['name']} · {report['spec']['experiment']}"
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            f"<p>Job <code>{report['job']['job_id']}</code>, by {escape(report['owner'])}</p>",
            "".join(f'<p class="warning">{escape(text)}</p>' for text in report["warnings"]),
            _results(report["metrics"]),
            "<h2>Curves</h2>",
            _roc_figure(report["metrics"]),
            *_epoch_figures(report["epochs"], report["metrics"]["epoch"]),
            _members(report.get("combined")),
            _confusion(report["metrics"]["confusion_matrix"]),
            _splits(report["splits"]),
            _published(report["published"]),
            "<h2>Manifest</h2>",
            _definitions(report),
        ]
    )
    head = f"<meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; every column but the first is numeric."""

    def cells(kind: str, values: Sequence[Any]) -> str:
        first, *others = (escape(str(v)) for v in values)
        tail = "".join(f"<{kind} class=n>{v}</{kind}>" for v in others)
        return f"<tr><{kind}>{first}</{kind}>{tail}</tr>"

    return f"<table>{cells('th', header)}{''.join(cells('td', row) for row in rows)}</table>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(found: dict[str, float | None] | None) -> str:
    if found is None:
        return "–"
    value, low, high = (_number(found[k]) for k in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _results(metrics: dict[str, Any]) -> str:
    test, baseline = metrics["test"], metrics["baseline"]
    rows = [(label, _interval(test[k]), _interval(baseline[k])) for k, label in LABELS.items()]
    rows += [
        (f"Recall of {name}", _interval(found), _interval(baseline["recall"].get(name)))
        for name, found in test["recall"].items()
    ]
    return (
        f"<h2>Test split: {test['n']} images of {test['patients']} patients, used once</h2>"
        + _table(("", "Network", "Baseline without lesions"), rows)
        + "<p>95 % intervals: bootstrap over patients, 2,000 draws. The baseline is a "
        "logistic regression on grey mean and deviation, image size and header fields.</p>"
    )


def _confusion(matrix: dict[str, Any]) -> str:
    labels = matrix["labels"]
    rows = [(f"is {name}", *counts) for name, counts in zip(labels, matrix["counts"], strict=True)]
    return "<h2>Confusion matrix</h2>" + _table(("", *(f"read as {n}" for n in labels)), rows)


def _splits(splits: list[dict[str, Any]]) -> str:
    names = list(splits[0]["classes"])
    rows = [
        (s["split"], s["images"], s["patients"], *(s["classes"][n] for n in names)) for s in splits
    ]
    return "<h2>Splits</h2>" + _table(("", "Images", "Patients", *names), rows)


def _members(combined: dict[str, Any] | None) -> str:
    """What a sweep, folds or an ensemble was made of."""
    if combined is None:
        return ""
    names = ("roc_auc", "accuracy", "balanced_accuracy")
    rows = [
        (
            f"{member['name']} (chosen)"
            if member["job_id"] == combined["chosen"]
            else member["name"],
            member["state"],
            _number(member["validation_loss"]),
            *(_number(member["metrics"].get(name)) for name in names),
        )
        for member in combined["members"]
    ]
    header = ("Job", "State", "Validation loss", *(f"{LABELS[name]} (test)" for name in names))
    chosen = (
        "Chosen by loss on validation: the test split had no say." if combined["chosen"] else ""
    )
    return f"<h2>Made of ({combined['kind']})</h2>" + _table(header, rows) + f"<p>{chosen}</p>"


def _published(figures: list[dict[str, Any]]) -> str:
    if not figures:
        return ""
    rows = [
        (f["model"], f["epochs"], _number(f["accuracy"]), _number(f["roc_auc"])) for f in figures
    ]
    source = escape(figures[0]["source"])
    return (
        "<h2>Published by others, on other data</h2>"
        + _table(("Model", "Epochs", "Accuracy", "ROC-AUC"), rows)
        + f"<p>{source}. Not comparable with a split by patient.</p>"
    )


def _definitions(report: dict[str, Any]) -> str:
    import json

    shown = {k: report[k] for k in ("spec_sha256", "spec", "manifest")}
    return f"<pre>{escape(json.dumps(shown, indent=1))}</pre>"


def _line(xs: Sequence[float], ys: Sequence[float], colour: str) -> str:
    """A polyline through points of the unit square."""
    span_x, span_y = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    pairs = zip(xs, ys, strict=True)
    points = " ".join(
        f"{MARGIN + x * span_x:.1f},{HEIGHT - MARGIN - y * span_y:.1f}" for x, y in pairs
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>'


def _axes(bottom: tuple[str, str, str], left: tuple[str, str], caption: str, lines: str) -> str:
    """A framed plot: (first, label, last) below, (low, high) at the left."""
    right, base = WIDTH - MARGIN, HEIGHT - MARGIN
    frame = (
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{right - MARGIN}" height="{base - MARGIN}" '
        'fill="none" stroke="currentColor" stroke-opacity=".3"/>'
    )
    first, label, last = (escape(t) for t in bottom)
    texts = (
        f'<text x="{MARGIN}" y="{base + 16}">{first}</text>'
        f'<text x="{WIDTH / 2}" y="{base + 16}" text-anchor="middle">{label}</text>'
        f'<text x="{right}" y="{base + 16}" text-anchor="end">{last}</text>'
        f'<text x="{MARGIN - 4}" y="{base}" text-anchor="end">{escape(left[0])}</text>'
        f'<text x="{MARGIN - 4}" y="{MARGIN + 8}" text-anchor="end">{escape(left[1])}</text>'
    )
    picture = f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{frame}{texts}{lines}</svg>'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _legend(names: Sequence[str]) -> str:
    return " ".join(
        f'<span style="color:{COLOURS[i % len(COLOURS)]}">■</span> {escape(name.replace("_", " "))}'
        for i, name in enumerate(names)
    )


def _roc_figure(metrics: dict[str, Any]) -> str:
    curves = metrics["roc"]
    chance = _line((0, 1), (0, 1), "#888")
    lines = "".join(
        _line(c["fpr"], c["tpr"], COLOURS[i % len(COLOURS)]) for i, c in enumerate(curves)
    )
    caption = f"ROC. {_legend([c['name'] for c in curves])}"
    return _axes(("0", "false positive rate", "1"), ("0", "1"), caption, chance + lines)


def _epoch_figures(epochs: list[dict[str, Any]], best: int | None) -> list[str]:
    if not epochs:
        return []
    losses = ("train_loss", "validation_loss")
    scores = ("validation_accuracy", "validation_roc_auc")
    top = max((e[k] for e in epochs for k in losses if e[k] is not None), default=1.0) or 1.0
    ends = ("1", "epoch", str(len(epochs)))
    return [
        _axes(ends, ("0", f"{top:.2f}"), f"Loss. {_legend(losses)}", _curves(epochs, losses, top)),
        _axes(
            ends,
            ("0", "1"),
            f"Validation; epoch {best} was chosen on it. {_legend(scores)}",
            _curves(epochs, scores, 1.0),
        ),
    ]


def _curves(epochs: list[dict[str, Any]], names: Sequence[str], top: float) -> str:
    last = max(1, len(epochs) - 1)
    xs = [i / last for i in range(len(epochs))]
    return "".join(
        _line(xs, [(e[name] or 0) / top for e in epochs], COLOURS[i])
        for i, name in enumerate(names)
    )
