"""``/images/{id}``, ``/exams/{id}``, ``/patients/{id}``."""

from collections.abc import Mapping
from typing import Annotated, Any

from chassis.identity import Caller
from chassis.problems import not_found
from fastapi import APIRouter, Path, Response

from catalog import views
from catalog.fields import fields
from catalog.holder import Served
from catalog.model.read_model import ReadModel
from catalog.routes.state import DatasetQuery, Db, Holder, answer
from catalog.schemas import ExamRecord, ImageRecord, PatientRecord
from catalog.store import records
from catalog.store.records import Cells
from catalog.timeline import Visit, timeline

router = APIRouter(prefix="/api/v1", tags=["records"])

ImageId = Annotated[int, Path(ge=1, lt=2**63)]
# Visible ASCII without the backslash, which no path of the gateway has.
Identifier = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[!-\[\]-~]+$")]
Parts = Mapping[int, views.Levels]


@router.get("/images/{image_id:int}", response_model=ImageRecord)
async def retrieve_image(
    image_id: ImageId, caller: Caller, holder: Holder, database: Db
) -> Response:
    """An image with its findings, ROIs in both frames, sibling views and C-View twin."""
    served, place = holder.find_image(image_id, caller)
    model = served.model
    breast = int(model.breast_of_image[place])
    exam = int(model.exam_of_breast[breast])
    places = model.images_of_exam(exam)
    exam_id, row = model.exam_id[exam].decode(), int(model.image_row[place])
    columns = served.dataset.columns
    rows = await records.exam_rows(
        database, model.revision_id, columns, exam_id, _ids(model, places), row
    )
    parts = {n: views.split_levels(values) for n, values in _typed(rows.clinical).items()}
    applies = {int(n) for n in model.row_number[model.rows_of_breast(breast)]}
    values = views.typed("metadata", rows.metadata)
    mirror = views.needs_mirror(values)
    patient_id = _patient_id(model, exam)
    return answer(
        {
            "image_id": image_id,
            "dataset": model.dataset,
            "revision_id": model.revision_id,
            "patient_id": patient_id,
            "exam_id": exam_id,
            "sop_instance_uid": rows.uids[image_id],
            "image": values,
            "exam": _exam(served, exam, parts),
            "patient": _patient(served, patient_id, parts),
            "findings": [views.finding(part.finding) for n, part in parts.items() if n in applies],
            "mirrored": mirror,
            "rois": views.image_rois(rows.rois[image_id], values, mirror=mirror),
            "siblings": views.summaries(model, [at for at in places if at != place], rows.uids),
            "cview_twin": views.cview_twin(model, place),
        }
    )


def _ids(model: ReadModel, places: range) -> list[int]:
    return [int(number) for number in model.image_id[places.start : places.stop]]


def _patient_id(model: ReadModel, exam: int) -> str:
    return str(model.patient_id[model.patient_of_exam[exam]].decode())


def _typed(cells: Cells) -> dict[int, views.Cells]:
    return {n: views.typed("clinical", row) for n, row in cells.items()}


def _exam(served: Served, place: int | None, parts: Parts) -> dict[str, Any]:
    """The exam's columns and what is derived of it."""
    return views.first_known(p.exam for p in parts.values()) | _derived(served, "exam", place)


def _patient(served: Served, patient_id: str, parts: Parts) -> dict[str, Any]:
    """The patient's columns and what is derived of them."""
    columns = views.first_known(p.patient for p in parts.values())
    place = served.model.place_of_patient(patient_id)
    return {**columns, "empi_anon": patient_id, **_derived(served, "patient", place)}


def _derived(served: Served, level: str, place: int | None) -> dict[str, Any]:
    if place is None:
        return {}
    names = (f.name for f in fields().values() if f.table == "derived" and f.level == level)
    values = {name: served.model.value(name, place) for name in names}
    return {name: value for name, value in values.items() if value is not None}


@router.get("/exams/{exam_id}", response_model=ExamRecord)
async def retrieve_exam(
    exam_id: Identifier, caller: Caller, holder: Holder, database: Db, dataset: DatasetQuery = None
) -> Response:
    """An exam with all its findings and images, and how the standard views hang."""
    served = holder.serve(dataset, caller)
    model = served.model
    place = model.place_of_exam(exam_id)
    places = range(0) if place is None else model.images_of_exam(place)
    columns = served.dataset.columns
    found = await records.exam_rows(
        database, model.revision_id, columns, exam_id, _ids(model, places)
    )
    rows = _typed(found.clinical)
    if place is None and not rows:
        raise not_found("exam", exam_id)
    parts = {n: views.split_levels(values) for n, values in rows.items()}
    owners = [] if place is None else [_patient_id(model, place)]
    owners += [str(values["empi_anon"]) for values in rows.values() if "empi_anon" in values]
    return answer(
        {
            "exam_id": exam_id,
            "dataset": model.dataset,
            "revision_id": model.revision_id,
            "patient_id": owners[0] if owners else "",
            "exam": _exam(served, place, parts),
            "patient": _patient(served, owners[0], parts) if owners else {},
            "findings": [views.finding(part.finding) for part in parts.values()],
            "images": views.summaries(model, places, found.uids),
            "hanging": views.hanging(model, places),
        }
    )


@router.get("/patients/{patient_id}", response_model=PatientRecord)
async def retrieve_patient(
    patient_id: Identifier,
    caller: Caller,
    holder: Holder,
    database: Db,
    dataset: DatasetQuery = None,
) -> Response:
    """A patient and their exams in time, from screen to pathology; those without images too."""
    served = holder.serve(dataset, caller)
    model = served.model
    columns = served.dataset.columns
    rows = _typed(await records.patient_rows(database, model.revision_id, columns, patient_id))
    place = model.place_of_patient(patient_id)
    if place is None and not rows:
        raise not_found("patient", patient_id)
    parts = {n: views.split_levels(values) for n, values in rows.items()}
    return answer(
        {
            "patient_id": patient_id,
            "dataset": model.dataset,
            "revision_id": model.revision_id,
            "patient": _patient(served, patient_id, parts),
            "exams": timeline(_visits(model, place, rows)),
        }
    )


def _visits(model: ReadModel, place: int | None, rows: Mapping[int, views.Cells]) -> list[Visit]:
    """The patient's exams: those of the clinical rows, and those that have images alone."""
    by_exam: dict[str, list[views.Cells]] = {}
    for row in rows.values():
        if "acc_anon" in row:
            by_exam.setdefault(str(row["acc_anon"]), []).append(row)
    if place is not None:
        for number in range(model.patient_start[place], model.patient_start[place + 1]):
            by_exam.setdefault(model.exam_id[number].decode(), [])
    return [_visit(model, exam_id, found) for exam_id, found in by_exam.items()]


def _visit(model: ReadModel, exam_id: str, rows: list[views.Cells]) -> Visit:
    place = model.place_of_exam(exam_id)
    places = range(0) if place is None else model.images_of_exam(place)
    dates = (model.value("study_date_anon", at) for at in places)
    return Visit(exam_id, rows, len(places), min((d for d in dates if d), default=None))
