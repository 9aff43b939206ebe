"""Pictures with what the model went by, how that agrees with radiologists, and the errors."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.report.markup import Markup, interval, number, percent, signed, table, text

Document = Mapping[str, Any]
MEASURES = {
    "pointing": "Hottest point inside a box",
    "energy": "Share of the map inside",
    "iou": "IoU at half the maximum",
}
SHOWN_ERRORS = 60


def explanations(found: Document | None, pictures: Mapping[str, bytes]) -> str:
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
            shown = "".join(_case(case, names, pictures) for case in cases)
            parts.append(f'<h3>{kind}</h3><div class="cases">{shown}</div>')
    parts.append(
        '<p class="soft small">Each map is scaled to its own maximum and belongs to the class that '
        "was predicted. The outlined boxes are radiologists' ROIs. A map tells where the score is "
        "sensitive, not why.</p>"
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


def _case(case: Document, names: Mapping[str, str], pictures: Mapping[str, bytes]) -> str:
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
        f'<div class="case"><div>{figures}</div><p class="small">{_link(case["image_id"])}: is '
        f"<b>{text(case['label'])}</b>, read as <b>{text(case['said'])}</b> "
        f"({percent(case['share'])})</p></div>"
    )


def _link(image_id: Any) -> Markup:
    """A catalog image by its id; the key of an array's image is only told."""
    name = text(image_id)
    if not str(image_id).isdigit():
        return Markup(f"image {name}")
    return Markup(f'<a href="/images/{name}">image {name}</a>')


def misclassified(found: Sequence[Document], total: int, job_id: str) -> str:
    """The surest errors first; each opens in the viewer."""
    title = '<h2 id="errors">Misclassified</h2>'
    if total == 0:
        return f"{title}<p>None of the test split.</p>"
    shown = found[:SHOWN_ERRORS]
    items = "".join(
        f"<li>{_link(case['image_id'])}: is <b>{text(case['label'])}</b>, read as "
        f"<b>{text(case['said'])}</b> ({percent(case['share'])})</li>"
        for case in shown
    )
    told = "" if len(shown) == total else f" The {len(shown)} surest are shown."
    save = f'<a href="/jobs/{text(job_id)}">page of the job</a>'
    return (
        f"{title}<p>{total:,} images.{told} They can be saved as a cohort on the {save}.</p>"
        f'<ul class="links">{items}</ul>'
    )
