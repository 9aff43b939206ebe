"""Read model and rows as the bodies of answers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from catalog import derive, rois
from catalog.fields import Type, Value, columns, fields
from catalog.model.listing import worst_by_breast
from catalog.model.read_model import ReadModel
from catalog.normalise import Cell, normalise
from catalog.vocabulary import ASSESSMENT_ORDER, label_of

Cells = dict[str, Value]


class Levels(NamedTuple):
    """A clinical row by what its columns tell of."""

    patient: Cells
    exam: Cells
    finding: Cells


STANDARD_VIEWS = ("R CC", "L CC", "R MLO", "L MLO")


def summaries(
    model: ReadModel, places: Sequence[int], uids: Mapping[int, str]
) -> list[dict[str, Any]]:
    """ImageSummaries of the images at ``places``; ``uids``: SOP Instance UID by image_id."""
    image = np.asarray(places, np.int64)
    breast = model.breast_of_image[image]
    exam = model.exam_of_breast[breast]
    patient = model.patient_of_exam[exam]
    ids = model.image_id[image].tolist()
    found = {number: _findings(model, number) for number in set(breast.tolist())}
    columns: dict[str, Sequence[Any]] = {
        "image_id": ids,
        "dataset": [model.dataset] * len(ids),
        "patient_id": [name.decode() for name in model.patient_id[patient].tolist()],
        "exam_id": [name.decode() for name in model.exam_id[exam].tolist()],
        "sop_instance_uid": [uids[image_id] for image_id in ids],
        **{
            name: model.values(name, image)
            for name in ("ImageLateralityFinal", "ViewPosition", "FinalImageType", "Manufacturer")
        },
        "num_roi": [_whole(number) or 0 for number in model.values("num_roi", image)],
        "study_date_anon": model.values("study_date_anon", image),
        "age_at_study": model.values("age_at_study", exam),
        "tissueden": model.values("tissueden", exam),
        "Rows": [_whole(number) for number in model.values("Rows", image)],
        "Columns": [_whole(number) for number in model.values("Columns", image)],
    }
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return [row | found[number] for row, number in zip(rows, breast.tolist(), strict=True)]


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _findings(model: ReadModel, breast: int) -> dict[str, Any]:
    """How many findings a breast has, and their assessments, the worst first."""
    rows = model.rows_of_breast(breast)
    known = {str(value) for value in model.values("asses", rows) if value is not None}
    ordered = sorted(known, key=lambda a: (_order(a), a))
    worst = worst_assessment(model, breast) or (ordered[0] if ordered else None)
    return {
        "asses": worst,
        "assessments": ordered,
        "findings": len(set(model.row_finding[rows].tolist())),
    }


def worst_assessment(model: ReadModel, breast: int) -> str | None:
    """The worst assessment among the finding rows of a breast."""
    rank = int(worst_by_breast(model)[breast])
    return ASSESSMENT_ORDER[rank] if rank < len(ASSESSMENT_ORDER) else None


def _order(assessment: str) -> int:
    order = ASSESSMENT_ORDER
    return order.index(assessment) if assessment in order else len(order)


def typed(table: str, row: Mapping[str, str | None]) -> dict[str, Value]:
    """A row's cells that are not null, each in its column's type; unknown columns as text."""
    known = columns("clinical" if table == "clinical" else "metadata")
    found: dict[str, Value] = {}
    for name, text in row.items():
        if text is None:
            continue
        column = known.get(name)
        value = _cell(column.type, text) if column else text or None
        if value is not None:
            found[name] = value
    return found


@lru_cache(maxsize=2**14)  # most cells hold what many others hold
def _cell(type_: Type, text: str) -> Value | None:
    # A record shows what the table says (0, 1, -1); yes and no are the filter's words.
    outcome = normalise("number" if type_ == "flag" else type_, text)
    if outcome.rejected:
        return text
    return _scalar(outcome.value)


def _scalar(cell: Cell) -> Value | None:
    return ", ".join(cell) if isinstance(cell, tuple) else cell


@cache
def _levels() -> Mapping[str, str]:
    found = {f.column: str(f.level) for f in fields().values() if f.table == "clinical"}
    return {**found, "empi_anon": "patient"}


def split_levels(row: Mapping[str, Value]) -> Levels:
    """A clinical row as patient, exam and finding columns; unknown columns are the finding's."""
    known = _levels()
    parts: dict[str, Cells] = {"patient": {}, "exam": {}, "finding": {}}
    for name, value in row.items():
        if name != "Unnamed: 0":
            parts[known.get(name, "finding")][name] = value
    return Levels(**parts)


def first_known(rows: Iterable[Cells]) -> Cells:
    """The columns of several rows: of those that know one, the first counts."""
    found: Cells = {}
    for row in rows:
        found = {**row, **found}
    return found


def finding(values: Mapping[str, Value]) -> dict[str, Any]:
    """A Finding: values, their meaning in words where they have one, and derived kinds."""
    known = columns("clinical")
    labels = {}
    for name, value in values.items():
        column = known.get(name)
        if column and column.vocabulary:
            labels[name] = ", ".join(label_of(column.vocabulary, e) for e in _elements(name, value))
    return {"values": dict(values), "labels": labels, "kinds": list(_kinds(values))}


def _elements(name: str, value: Value) -> Sequence[Value]:
    if not fields()[name].multi:
        return [value]
    cell = normalise("code", str(value), multi=True).value
    return cell if isinstance(cell, tuple) else [value]


def _kinds(values: Mapping[str, Value]) -> tuple[str, ...]:
    number = values.get("calcnumber")
    return derive.finding_kinds(
        massshape=_text(values.get("massshape")),
        massmargin=_text(values.get("massmargin")),
        massdens=_text(values.get("massdens")),
        calcfind=values.get("calcfind"),
        calcdistri=_text(values.get("calcdistri")),
        calcnumber=number if isinstance(number, (int, float)) else None,
    )


def _text(value: Value | None) -> str | None:
    return None if value is None else str(value)


def roi_boxes(numbers: Sequence[int] | None, match_levels: str | None) -> list[dict[str, Any]]:
    """RoiBoxes from four numbers a box, and ``match_level`` as the table has it."""
    numbers = numbers or []
    levels = [int(digit) for digit in (match_levels or "") if digit.isdigit()]
    boxes = []
    for n in range(len(numbers) // 4):
        ymin, xmin, ymax, xmax = numbers[4 * n : 4 * n + 4]
        level = levels[n] if n < len(levels) else None
        boxes.append(
            {"n": n, "ymin": ymin, "xmin": xmin, "ymax": ymax, "xmax": xmax, "match_level": level}
        )
    return boxes


def needs_mirror(image: Mapping[str, Value]) -> bool | None:
    """Whether the file's pixels must be mirrored to stand in the frame of its ROIs."""
    flipped = normalise("flag", str(image.get("PNG_flipped", ""))).value
    orientation = image.get("PatientOrientation")
    return rois.needs_mirror(
        flipped if isinstance(flipped, bool) else None,
        None if orientation is None else str(orientation),
    )


def image_rois(
    numbers: Sequence[int] | None, image: Mapping[str, Value], *, mirror: bool | None
) -> list[dict[str, Any]]:
    """ImageRois: each box in the chest-wall-left frame and in the frame of the file."""
    boxes = roi_boxes(numbers, str(image.get("match_level", "")))
    given = _dicom_boxes(str(image.get("DCM_ROI_coords", "")))
    width = image.get("Columns")
    for n, box in enumerate(boxes):
        stored = rois.Roi(*(box[name] for name in rois.Roi._fields))
        if len(given) == len(boxes):
            box["stored"] = given[n]._asdict()
        elif mirror and isinstance(width, int):
            box["stored"] = rois.mirrored(stored, width)._asdict()
        else:
            box["stored"] = stored._asdict() if mirror is False else None
    return boxes


def _dicom_boxes(text: str) -> list[rois.Roi]:
    try:
        return rois.parse_rois(text)
    except ValueError:
        return []


def cview_twin(model: ReadModel, place: int) -> int | None:
    """The C-View of a 2D image, or the 2D image of a C-View: same exam, side and view.

    Where a view was repeated, the nearest in the order of the file.
    """
    type_ = model.value("FinalImageType", place)
    other = {"2D": "cview", "cview": "2D"}.get(str(type_))
    view = model.value("ViewPosition", place)
    if other is None or view is None:
        return None
    breast = int(model.breast_of_image[place])
    mates = [
        mate
        for mate in range(model.breast_start[breast], model.breast_start[breast + 1])
        if model.value("FinalImageType", mate) == other
        and model.value("ViewPosition", mate) == view
    ]
    if not mates:
        return None
    row = int(model.image_row[place])
    twin = min(mates, key=lambda mate: abs(int(model.image_row[mate]) - row))
    return int(model.image_id[twin])


def hanging(model: ReadModel, places: Sequence[int]) -> dict[str, int | None]:
    """The image of each standard view, as films hang: 2D, else the C-View, else a spot view.

    The first of the exam where a view was repeated.
    """
    found: dict[str, int | None] = dict.fromkeys(STANDARD_VIEWS)
    for place in sorted(places, key=lambda at: _hangs_after(model, at)):
        side, view = (model.value(n, place) for n in ("ImageLateralityFinal", "ViewPosition"))
        name = f"{side} {view}"
        if name in found and found[name] is None:
            found[name] = int(model.image_id[place])
    return found


def _hangs_after(model: ReadModel, place: int) -> tuple[bool, bool, int]:
    spot = model.value("spot_or_magnification", place) is True
    return spot, model.value("FinalImageType", place) != "2D", int(model.image_row[place])
