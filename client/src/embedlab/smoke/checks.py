"""What must be true of each answer. Pure functions; each raises `Lie` at the first that is not."""

import io
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from embedlab.errors import LabError

AREA_TOLERANCE = 0.01
BASELINE_MARGIN = 0.15
SHARE_TOLERANCE = 0.12


class Lie(LabError):
    """The server said something that another of its answers contradicts."""


def insist(truth: bool, what: str) -> None:
    """Raise `Lie` with ``what`` was expected where it is not so."""
    if not truth:
        raise Lie(what)


def check_filters(filters: Iterable[Mapping[str, Any]], wanted: Mapping[str, Sequence[str]]) -> str:
    """Each wanted filter is there with its wanted values, each with hits."""
    known = {found["name"]: found for found in filters}
    for name, values in wanted.items():
        insist(name in known, f"there is no filter {name}")
        insist(bool(known[name]["label"]), f"the filter {name} has no label")
        counts = {option["value"]: option["count"] for option in known[name]["options"]}
        for value in values:
            insist(counts.get(value, 0) > 0, f"{name}={value} has no images, or is no option")
    return f"{len(known)} filters"


def check_search(
    items: Sequence[Mapping[str, Any]],
    total: int,
    view: str,
    assessments: Collection[str],
) -> str:
    """The pages hold ``total`` different images, each of which fits the filter."""
    identifiers = {item["image_id"] for item in items}
    insist(total > 0, "no image matches")
    insist(len(identifiers) == len(items), "an image is listed twice")
    insist(len(items) == total, f"{len(items)} images were listed, {total} announced")
    for item in items:
        where = f"image {item['image_id']}"
        insist(item["ViewPosition"] == view, f"{where} is {item['ViewPosition']}, not {view}")
        fits = set(item["assessments"]) & set(assessments)
        insist(bool(fits), f"{where} has assessments {item['assessments']}")
    return f"{total:,} images"


def check_totals(items: Sequence[Mapping[str, Any]], total: Mapping[str, Any]) -> str:
    """The facets' totals are what one counts in the pages."""
    for name, key in (("images", "image_id"), ("exams", "exam_id"), ("patients", "patient_id")):
        counted = len({item[key] for item in items})
        said = total[name]
        insist(said == counted, f"the facets say {said} {name}, the pages hold {counted}")
    return f"{total['images']:,} images, {total['exams']:,} exams, {total['patients']:,} patients"


def check_facets(
    facets: Mapping[str, Sequence[Mapping[str, Any]]],
    items: Sequence[Mapping[str, Any]],
    view: str,
    assessments: Iterable[str],
) -> str:
    """A facet leaves its own condition out and keeps the others."""
    views = {option["value"]: option["count"] for option in facets["ViewPosition"]}
    insist(views.get(view) == len(items), f"the facet counts {views.get(view)} images of {view}")
    insist(len(views) > 1, "the facet ViewPosition hides the other views")
    counts = {option["value"]: option["count"] for option in facets["asses"]}
    for value in assessments:
        held = sum(value in item["assessments"] for item in items)
        said = counts.get(value)
        insist(said == held, f"the facet counts {said} images with {value}, the pages hold {held}")
    return f"{sum(views.values()):,} in all views"


def record_assessments(record: Mapping[str, Any]) -> set[str]:
    """The assessments of a record's findings."""
    values = (finding["values"].get("asses") for finding in record["findings"])
    return {value for value in values if value is not None}


def check_record(
    record: Mapping[str, Any], item: Mapping[str, Any], view: str, assessments: Collection[str]
) -> None:
    """A listed image's record fits the filter, and its findings belong to it."""
    where = f"image {item['image_id']}"
    for name in ("image_id", "patient_id", "exam_id", "sop_instance_uid"):
        insist(record[name] == item[name], f"{where}: list and record differ in {name}")
    shown = record["image"].get("ViewPosition")
    insist(shown == view, f"{where} is {shown} in its record, not {view}")
    found = record_assessments(record)
    insist(bool(found & set(assessments)), f"{where} has no finding of {sorted(assessments)}")
    side = record["image"].get("ImageLateralityFinal")
    for finding in record["findings"]:
        of = finding["values"].get("side")
        insist(of in (side, "B", None), f"{where} ({side}) holds a finding of side {of}")


def check_left_out(record: Mapping[str, Any], assessments: Collection[str]) -> None:
    """An image that the filter left out has no finding that fits."""
    found = record_assessments(record) & set(assessments)
    where = f"image {record['image_id']}"
    insist(not found, f"{where} was left out though it has a finding of {sorted(found)}")


def check_picture(
    data: bytes, kind: str, *, size: tuple[int, int] | None = None, longest: int | None = None
) -> str:
    """A picture that decodes, has the expected kind and size (width, height), and is not blank."""
    try:
        from PIL import Image, ImageStat, UnidentifiedImageError
    except ImportError as error:
        raise LabError("Looking at pictures needs Pillow: pip install pillow") from error
    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except (UnidentifiedImageError, OSError) as error:
        raise Lie(f"this is no {kind}: {error}") from error
    insist(picture.format == kind, f"this is {picture.format}, not {kind}")
    if size:
        insist(picture.size == size, f"the picture is {picture.size}, not {size}")
    if longest:
        insist(max(picture.size) == longest, f"the longest side of {picture.size} is not {longest}")
    spread = ImageStat.Stat(picture.convert("L")).stddev[0]
    insist(spread > 2, f"the picture is blank (sd {spread:.1f} of 255)")
    return f"{picture.format} {picture.size[0]}x{picture.size[1]}, {len(data):,} bytes"


def check_cohort(
    cohort: Mapping[str, Any],
    members: Sequence[Mapping[str, Any]],
    per_class: int,
    split: Mapping[str, float],
) -> str:
    """As many images as asked for of each class, and no patient in two splits."""
    insist(len({m["image_id"] for m in members}) == len(members), "a member is listed twice")
    labels = Counter(member["label"] for member in members)
    for part in cohort["classes"]:
        held = labels.pop(part["name"], 0)
        insist(held == part["images"], f"{held} members are {part['name']}, not {part['images']}")
        insist(held == per_class, f"the class {part['name']} has {held} images, not {per_class}")
    insist(not labels, f"members have labels that are no classes: {sorted(labels)}")
    splits: dict[str, set[str]] = {}
    for member in members:
        splits.setdefault(member["patient_id"], set()).add(member["split"])
    torn = [person for person, places in splits.items() if len(places) > 1]
    insist(not torn, f"{len(torn)} patients are in more than one split")
    sizes = Counter(member["split"] for member in members)
    insist(set(sizes) == set(split), f"the splits are {sorted(sizes)}")
    for name, share in split.items():
        held_share = sizes[name] / len(members)
        close = abs(held_share - share) <= SHARE_TOLERANCE
        insist(close, f"{name} holds {held_share:.0%} of the images, not {share:.0%}")
    shares = ", ".join(f"{name} {sizes[name]}" for name in split)
    return f"{len(members)} images of {len(splits)} patients ({shares})"


def check_label(record: Mapping[str, Any], member: Mapping[str, Any]) -> None:
    """A member's label is among the assessments of its findings."""
    found = record_assessments(record)
    said = f"member {member['image_id']} is labelled {member['label']}"
    insist(member["label"] in found, f"{said}; its findings have {sorted(found)}")


def check_job(job: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> str:
    """Metrics that fit the cohort and each other, better than chance and than the baseline."""
    metrics = job["metrics"]
    insist(bool(metrics), "the job succeeded without metrics")
    epochs = [epoch["epoch"] for epoch in job["epochs"]]
    insist(epochs == list(range(1, len(epochs) + 1)) and bool(epochs), f"the epochs are {epochs}")
    test = [member for member in members if member["split"] == "test"]
    _check_confusion(metrics, test)
    _check_curve(metrics)
    auc, chance = metrics["test"]["roc_auc"], metrics["baseline"]["roc_auc"]
    insist(auc["low"] <= auc["value"] <= auc["high"], f"the interval of {auc} is none")
    interval = f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})"
    insist(auc["low"] > 0.5, f"the ROC-AUC {interval} may be chance")
    gap = auc["value"] - chance["value"]
    insist(
        gap >= BASELINE_MARGIN,
        f"the ROC-AUC {interval} is only {gap:.3f} above a baseline that sees no lesion",
    )
    return f"ROC-AUC {interval}, baseline {chance['value']:.3f}"


def _check_confusion(metrics: Mapping[str, Any], test: Sequence[Mapping[str, Any]]) -> None:
    summary, matrix = metrics["test"], metrics["confusion_matrix"]
    insist(summary["n"] == len(test), f"{summary['n']} images were tested, not {len(test)}")
    people = len({member["patient_id"] for member in test})
    insist(summary["patients"] == people, f"{summary['patients']} patients, not {people}")
    labels = Counter(member["label"] for member in test)
    for label, row in zip(matrix["labels"], matrix["counts"], strict=True):
        of, held = sum(row), labels[label]
        insist(of == held, f"the confusion matrix has {of} of {label}, the test split {held}")
    right = sum(matrix["counts"][i][i] for i in range(len(matrix["labels"])))
    accuracy = summary["accuracy"]["value"]
    close = abs(right / max(1, len(test)) - accuracy) < 1e-6
    insist(close, f"the accuracy {accuracy:.4f} is not {right} of {len(test)}")


def _check_curve(metrics: Mapping[str, Any]) -> None:
    curve = metrics["roc"][0]
    points = list(zip(curve["fpr"], curve["tpr"], strict=True))
    insist(points[0] == (0, 0) and points[-1] == (1, 1), "the ROC curve does not go from 0 to 1")
    insist(points == sorted(points), "the ROC curve turns back")
    area = sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))
    said = metrics["test"]["roc_auc"]["value"]
    close = abs(area - said) <= AREA_TOLERANCE
    insist(close, f"the area under the curve is {area:.4f}, the ROC-AUC {said:.4f}")
