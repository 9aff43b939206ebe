"""``/images/{id}``, ``/exams/{id}``, ``/patients/{id}``."""

from datetime import date
from typing import Annotated, Any

from chassis.database import Database
from chassis.identity import Caller
from chassis.problems import not_found
from fastapi import APIRouter, Path, Response

from catalog import derive, views
from catalog.holder import Served
from catalog.routes.search import summaries
from catalog.routes.state import DatasetQuery, Db, Holder, answer
from catalog.schemas import ExamRecord, ImageRecord, PatientRecord
from catalog.store import records
from catalog.vocabulary import ASSESSMENT_ORDER

router = APIRouter(prefix="/api/v1", tags=["records"])

ImageId = Annotated[int, Path(ge=1, lt=2**63)]
Identifier = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[!-~]+$")]


@router.get("/images/{image_id}", response_model=ImageRecord)
async def retrieve_image(
    image_id: ImageId, caller: Caller, holder: Holder, database: Db
) -> Response:
    """An image with its findings, ROIs, sibling views and C-View twin."""
    served, place = holder.find_image(image_id, caller)
    model = served.model
    row = (await records.image_rows(database, model.revision_id, [image_id]))[image_id]
    metadata = await _rows(database, served, "metadata", [row["n"]])
    breast = int(model.breast_of_image[place])
    exam = int(model.exam_of_breast[breast])
    exam_rows = await _exam_rows(database, served, row["exam_id"])
    applies = {int(n) for n in model.row_number[model.rows_of_breast(breast)]}
    first, last = model.exam_start[exam], model.exam_start[exam + 1]
    places = range(model.breast_start[first], model.breast_start[last])
    everything = await summaries(database, served, list(places))
    parts = [(n, views.split_levels(values)) for n, values in exam_rows.items()]
    image = views.typed("metadata", metadata[row["n"]])
    return answer(
        {
            "image_id": image_id,
            "dataset": model.dataset,
            "revision_id": model.revision_id,
            "patient_id": row["patient_id"],
            "exam_id": row["exam_id"],
            "sop_instance_uid": row["sop_instance_uid"],
            "image": image,
            "exam": {**_first(parts, 1), **_derived(served, "exam", exam)},
            "patient": _patient(served, row["patient_id"], _first(parts, 0)),
            "findings": [views.finding(part[2]) for n, part in parts if n in applies],
            "rois": views.roi_boxes(row["rois"], str(image.get("match_level", ""))),
            "siblings": [s for s in everything if s["image_id"] != image_id],
            "cview_twin": views.cview_twin(model, place),
        }
    )


def _first(parts: list[tuple[int, tuple[Any, Any, Any]]], level: int) -> dict[str, Any]:
    """The columns of a level: the first row that knows each counts."""
    found: dict[str, Any] = {}
    for _, part in parts:
        for name, value in part[level].items():
            found.setdefault(name, value)
    return found


def _derived(served: Served, level: str, place: int) -> dict[str, Any]:
    """Derived columns of an exam or a patient."""
    model = served.model
    names = {
        "exam": (
            "exam_type",
            "exam_laterality",
            "exam_asses",
            "exam_path_severity",
            "age_band",
            "four_view",
            "months_since_prior",
            "months_to_next",
        ),
        "patient": ("race", "ethnicity", "patient_exams"),
    }[level]
    values = {name: model.value(name, place) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _patient(served: Served, patient_id: str, columns: dict[str, Any]) -> dict[str, Any]:
    place = served.model.place_of_patient(patient_id)
    derived = {} if place is None else _derived(served, "patient", place)
    return {**columns, "empi_anon": patient_id, **derived}


async def _rows(
    database: Database, served: Served, table: Any, numbers: list[int]
) -> dict[int, dict[str, str | None]]:
    columns = served.dataset.columns[table]
    return await records.file_rows(database, served.model.revision_id, table, columns, numbers)


async def _exam_rows(database: Database, served: Served, exam_id: str) -> dict[int, dict[str, Any]]:
    revision = served.model.revision_id
    numbers = await records.finding_rows(database, revision, "exam_id", exam_id)
    rows = await _rows(database, served, "clinical", numbers) if numbers else {}
    return {n: views.typed("clinical", row) for n, row in rows.items()}


@router.get("/exams/{exam_id}", response_model=ExamRecord)
async def retrieve_exam(
    exam_id: Identifier, caller: Caller, holder: Holder, database: Db, dataset: DatasetQuery = None
) -> Response:
    """An exam with all its findings and images, and how the standard views hang."""
    served = holder.serve(dataset, caller)
    model = served.model
    rows = await _exam_rows(database, served, exam_id)
    place = model.place_of_exam(exam_id)
    if place is None and not rows:
        raise not_found("exam", exam_id)
    images = await _exam_images(database, served, place)
    parts = [(n, views.split_levels(values)) for n, values in rows.items()]
    owner = images[0]["patient_id"] if images else str(_first(parts, 0).get("empi_anon", ""))
    derived = {} if place is None else _derived(served, "exam", place)
    return answer(
        {
            "exam_id": exam_id,
            "dataset": model.dataset,
            "revision_id": model.revision_id,
            "patient_id": owner,
            "exam": {**_first(parts, 1), **derived},
            "patient": _patient(served, owner, _first(parts, 0)),
            "findings": [views.finding(part[2]) for _, part in parts],
            "images": images,
            "hanging": views.hanging(images),
        }
    )


async def _exam_images(
    database: Database, served: Served, place: int | None
) -> list[dict[str, Any]]:
    if place is None:
        return []
    model = served.model
    first, last = model.exam_start[place], model.exam_start[place + 1]
    places = list(range(model.breast_start[first], model.breast_start[last]))
    return await summaries(database, served, places)


@router.get("/patients/{patient_id}", response_model=PatientRecord)
async def retrieve_patient(
    patient_id: Identifier,
    caller: Caller,
    holder: Holder,
    database: Db,
    dataset: DatasetQuery = None,
) -> Response:
    """A patient and their exams in time, those without images too."""
    served = holder.serve(dataset, caller)
    model = served.model
    numbers = await records.finding_rows(database, model.revision_id, "patient_id", patient_id)
    raw = await _rows(database, served, "clinical", numbers) if numbers else {}
    rows = [views.typed("clinical", row) for row in raw.values()]
    place = model.place_of_patient(patient_id)
    if place is None and not rows:
        raise not_found("patient", patient_id)
    columns: dict[str, Any] = {}
    for row in rows:
        for name, value in views.split_levels(row)[0].items():
            columns.setdefault(name, value)
    return answer(
        {
            "patient_id": patient_id,
            "dataset": model.dataset,
            "revision_id": model.revision_id,
            "patient": _patient(served, patient_id, columns),
            "exams": _timeline(served, place, rows),
        }
    )


def _timeline(
    served: Served, place: int | None, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    model = served.model
    by_exam: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if "acc_anon" in row:
            by_exam.setdefault(str(row["acc_anon"]), []).append(row)
    if place is not None:
        for number in range(model.patient_start[place], model.patient_start[place + 1]):
            by_exam.setdefault(model.exam_id[number].decode(), [])
    exams = [_timeline_exam(served, exam_id, found) for exam_id, found in by_exam.items()]
    exams.sort(key=lambda exam: (exam["date"] is None, exam["date"], exam["exam_id"]))
    begin = next((exam["date"] for exam in exams if exam["date"]), None)
    for exam in exams:
        exam["days"] = _days(begin, exam["date"])
    return exams


def _days(begin: str | None, end: str | None) -> int | None:
    if begin is None or end is None:
        return None
    return (date.fromisoformat(end) - date.fromisoformat(begin)).days


def _timeline_exam(served: Served, exam_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    model = served.model
    place = model.place_of_exam(exam_id)
    first: dict[str, Any] = {}
    for row in rows:
        for name, value in row.items():
            first.setdefault(name, value)
    breasts = () if place is None else range(model.exam_start[place], model.exam_start[place + 1])
    images = [i for b in breasts for i in range(model.breast_start[b], model.breast_start[b + 1])]
    found = {str(row["asses"]) for row in rows if "asses" in row}
    severities = [row["path_severity"] for row in rows if "path_severity" in row]
    severity = min(severities) if severities else None
    taken = model.value("study_date_anon", images[0]) if images else None
    return {
        "exam_id": exam_id,
        "date": first.get("study_date_anon", taken),
        "days": None,
        "desc": first.get("desc"),
        "exam_type": derive.exam_type(first.get("desc")),
        "age_at_study": first.get("age_at_study"),
        "tissueden": first.get("tissueden"),
        "asses": next((code for code in ASSESSMENT_ORDER if code in found), None),
        "path_severity": severity,
        "pathology": derive.pathology_group(severity),
        "images": len(images),
        "findings": len({row.get("numfind") for row in rows}),
    }
