"""Pictures with what the model went by, how that agrees with radiologists, and the errors."""

import base64
from collections.abc import Mapping
from typing import Any

from trainer.report.markup import interval, number, percent, signed, table, text
from trainer.report.subject import Subject

Document = Mapping[str, Any]
MEASURES = {
    "pointing": "Hottest point inside a box",
    "energy": "Share of the map inside",
    "iou": "IoU at half the maximum",
}
SHOWN_ERRORS = 60
WITHOUT_GRAD_CAM = (
    " Grad-CAM does not apply: the network ends in no layer of planes that tells places apart."
)


def explanations(found: Document | None, pictures: Mapping[str, bytes], subject: Subject) -> str:
    """Agreement with boxes, and a gallery of hits and misses."""
    if not found:
        return ""
    title = '<h2 id="explanations">What it went by</h2>'
    if found["refused"]:
        return f"{title}<p>{text(found['refused'])}</p>"
    names = found["names"]
    parts = [title, _agreement(found["agreement"], names)]
    for kind, right in (("Right", True), ("Wrong", False)):
        cases = [case for case in found["gallery"] if case["right"] is right]
        if cases:
            shown = "".join(_case(case, names, pictures, subject) for case in cases)
            parts.append(f'<h3>{kind}</h3><div class="cases">{shown}</div>')
    without = any("grad-cam" not in case["methods"] for case in found["gallery"])
    parts.append(
        '<p class="soft small">Each map is scaled to its own maximum and belongs to the class that '
        "was predicted. The outlined boxes are radiologists' ROIs. A map tells where the score is "
        f"sensitive, not why.{WITHOUT_GRAD_CAM if without else ''}</p>"
    )
    return "".join(parts)


def _agreement(found: Mapping[str, Document], names: Mapping[str, str]) -> str:
    if not found:
        return "<p>No test image has a radiologist's ROI to compare with.</p>"
    rows = [
        (names[method], label, interval(one), number(one["random"]), signed(one["lead"]))
        for method, told in found.items()
        for key, label in MEASURES.items()
        for one in (told[key],)
    ]
    first = next(iter(found.values()))
    header = ("Method", "Measure", "Radiologists' boxes", "Random boxes", "Lead")
    return (
        f"<h3>Agreement with radiologists on {first['images']} images of {first['patients']} "
        f"patients</h3>{table(header, rows, texts=2)}"
    )


def _case(
    case: Document, names: Mapping[str, str], pictures: Mapping[str, bytes], subject: Subject
) -> str:
    figures = ""
    for method in ("picture", *case["methods"]):
        encoded = base64.b64encode(pictures[f"{case['image_id']}-{method}"]).decode()
        name = names.get(method, "Film")
        told = case["told"] if method == "attention" else None
        share = "" if told is None else f", BI-RADS {percent(told)}"
        figures += (
            f'<figure><img src="data:image/png;base64,{encoded}" alt="{text(name)}">'
            f"<figcaption>{text(name)}{share}</figcaption></figure>"
        )
    return (
        f'<div class="case"><div>{figures}</div><p class="small">{_told(case, subject)}</p></div>'
    )


def _told(case: Document, subject: Subject) -> str:
    """What it is, what it was read as, and how surely."""
    return (
        f"{subject.name(case)}: is <b>{text(case['label'])}</b>, read as "
        f"<b>{text(case['said'])}</b> ({percent(case['share'])})"
    )


def misclassified(found: Document | None, job_id: str, subject: Subject) -> str:
    """The surest errors first; those of the catalog open there. Means over folds have none.

    ``job_id``: the job that made the predictions, whose page can save them.
    """
    if found is None:
        return ""
    title = '<h2 id="errors">Misclassified</h2>'
    if found["total"] == 0:
        return f"{title}<p>None of the {subject.split} split.</p>"
    shown = found["cases"][:SHOWN_ERRORS]
    parts = [f"{found['total']:,} {subject.many}."]
    if len(shown) < found["total"]:
        parts.append(f"The {len(shown)} surest are shown.")
    if subject.makes_cohorts:
        page = f'<a href="/jobs/{text(job_id)}">page of the job</a>'
        parts.append(f"They can be saved as a cohort on the {page}.")
    items = "".join(f"<li>{_told(case, subject)}</li>" for case in shown)
    told = " ".join(filter(None, [*parts, subject.places]))
    return f'{title}<p>{told}</p><ul class="links">{items}</ul>'
