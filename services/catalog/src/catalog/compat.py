"""The EMBED viewer backend's vocabulary: its names, its bodies, its filters. Pure.

Where the original loses findings or images (sides B and null, all findings but the first, images
without findings, ViewPosition), this answers by the catalog's rules.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from chassis.problems import FieldError, Problem

from catalog.counting import describe_filters
from catalog.model.read_model import ReadModel
from catalog.vocabulary import ASSESSMENT_ORDER

# What the app's two columns of filters show: its name and ours.
FILTERS = {
    "asses": "asses",
    "side": "side",
    "massdens": "massdens",
    "type": "type",
    "pathSeverity": "path_severity",
    "ViewPosition": "ViewPosition",
}
ABNORMALITIES = {name: name for name in ("tissueden", "massshape", "massmargin", "calcdistri")}
PATIENTS = {"empiAnons": "empi_anon"}
KNOWN = {**FILTERS, **ABNORMALITIES, **PATIENTS}

OF_A_FINDING = (
    "asses",
    "side",
    "massshape",
    "massmargin",
    "massdens",
    "calcdistri",
    "type",
)


def options(model: ReadModel, names: Mapping[str, str]) -> dict[str, list[Any]]:
    """By the app's names the values that some image has, ascending; numbers as floats."""
    described = {item["name"]: item["options"] for item in describe_filters(model)}
    return {
        theirs: _ascending(option["value"] for option in described.get(ours, ()) if option["count"])
        for theirs, ours in names.items()
    }


def _ascending(values: Any) -> list[Any]:
    return sorted(_float(value) for value in values if value is not None)


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, (int, float)) else value


def as_number(identifier: str) -> int | str:
    """An id as the app has it: a number, where it is one."""
    return int(identifier) if identifier.isdigit() else identifier


def patient_numbers(model: ReadModel) -> list[int | str]:
    """Every patient that has images, ascending."""
    return [as_number(identifier.decode()) for identifier in model.patient_id.tolist()]


def image_metadata(model: ReadModel, place: int, image_format: str) -> dict[str, Any]:
    """What the app shows beside a picture."""
    return {
        "FinalImageType": model.value("FinalImageType", place),
        "SeriesDescription": model.value("SeriesDescription", place),
        "ViewPosition": model.value("ViewPosition", place),
        "side": model.value("ImageLateralityFinal", place),
        "imageFormat": image_format,
        "image_id": str(model.image_id[place]),
    }


def patient_details(model: ReadModel, place: int) -> dict[str, Any]:
    """An image with its worst finding in the app's names; what is null is left out."""
    breast = int(model.breast_of_image[place])
    exam = int(model.exam_of_breast[breast])
    patient = int(model.patient_of_exam[exam])
    row = _worst_row(model, breast)
    rois = model.value("num_roi", place)
    found = {
        "imageId": int(model.image_id[place]),
        "empiAnon": as_number(model.patient_id[patient].decode()),
        "accAnon": as_number(model.exam_id[exam].decode()),
        "tissueden": _float(model.value("tissueden", exam)),
        "ViewPosition": model.value("ViewPosition", place),
        "numRoi": None if rois is None else int(rois),
    }
    if row is not None:
        found |= {name: model.value(name, row) for name in OF_A_FINDING}
        found["pathSeverity"] = _float(model.value("path_severity", row))
    return {name: value for name, value in found.items() if value is not None}


def _worst_row(model: ReadModel, breast: int) -> int | None:
    """The finding row with the worst assessment, the first in the file of several."""
    rows = model.rows_of_breast(breast).tolist()
    return min(rows, key=lambda row: (_rank(model, row), model.row_number[row]), default=None)


def _rank(model: ReadModel, row: int) -> int:
    order, assessment = ASSESSMENT_ORDER, model.value("asses", row)
    return order.index(assessment) if assessment in order else len(order)


def parse_filters(text: str | None) -> dict[str, list[Any]]:
    """The app's filter document in ours; 400 where it is none. Empty lists ask for nothing.

    ``{"filterOptions": {"asses": ["A"]}, "empiAnons": {"empiAnons": [1]}}``: the names of the
    groups mean nothing.
    """
    if text is None:
        raise _bad("the parameter is missing")
    try:
        groups = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad("not JSON") from error
    if not isinstance(groups, dict):
        raise _bad("an object of groups is expected")
    found: dict[str, list[Any]] = {}
    for group, conditions in groups.items():
        if not isinstance(conditions, dict):
            raise _bad(f"{group[:100]}: an object of lists is expected")
        for name, values in conditions.items():
            _add(found, name, values)
    return found


def _add(found: dict[str, list[Any]], name: str, values: Any) -> None:
    if name not in KNOWN:
        raise _bad(f"unknown name {name[:100]!r}", list(KNOWN))
    if not isinstance(values, list):
        raise _bad(f"{name}: a list is expected")
    if name in PATIENTS:
        # Numbers in the app, texts in the catalog.
        values = [str(value) if type(value) is int else value for value in values]
    if values:
        found.setdefault(KNOWN[name], []).extend(values)


def _bad(message: str, accepted: Sequence[Any] | None = None) -> Problem:
    error = FieldError(
        field="filters", message=message, accepted=None if accepted is None else list(accepted)
    )
    return Problem(400, "Bad request", detail=f"filters: {message}", errors=[error])
