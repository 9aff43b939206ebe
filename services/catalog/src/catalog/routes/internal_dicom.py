"""Studies, series and instances for the service that speaks DICOMweb; never forwarded."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from chassis.database import Database
from chassis.identity import Caller, Identity
from chassis.problems import invalid
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from catalog.holder import ModelHolder, Served
from catalog.model.matching import (
    Match,
    Places,
    Unit,
    is_key,
    matching_images,
    page_of_units,
    places_of_rows,
)
from catalog.paths import relative_key, sop_instance_uid
from catalog.routes.state import Db, Holder, answer
from catalog.store import hierarchy, records
from catalog.store.hierarchy import PATH

router = APIRouter(prefix="/internal/v1", tags=["internal"])

Uid = Annotated[str, Field(max_length=64)]


class Key(BaseModel):
    """What a key's value must be: one of patterns (`*`, `?`), and between two ends."""

    any_of: list[Annotated[str, Field(max_length=300)]] = Field(default=[], max_length=1000)
    least: str | None = Field(default=None, max_length=300)
    most: str | None = Field(default=None, max_length=300)


class DicomSearch(BaseModel):
    """Images of a study, an instance, or a page of what matches; exams count as studies."""

    model_config = ConfigDict(extra="forbid")

    dataset: str | None = Field(default=None, max_length=63)
    study_instance_uid: Uid | None = None
    sop_instance_uid: Uid | None = None
    match: dict[str, Key] = Field(
        default={}, description="By `patient_id`, `exam_id` or a field of the filters"
    )
    unit: Unit = "exam"
    columns: list[str] = Field(default=[], max_length=300, description="Of the metadata table")
    offset: int = Field(default=0, ge=0, lt=2**31)
    limit: int = Field(default=100, ge=1, le=1000)


class DicomInstance(BaseModel):
    """An image and where it stands in DICOM's hierarchy."""

    image_id: int
    dataset: str
    restricted: bool
    patient_id: str
    exam_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    columns: dict[str, str] = Field(description="Cells that are not null, as they stand")


class DicomInstances(BaseModel):
    """What was found, exam by exam; ``total`` counts exams or images."""

    items: list[DicomInstance]
    total: int


@router.post("/dicom/search", response_model=DicomInstances)
async def search_dicom(
    search: DicomSearch, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Where a UID is given, every dataset that the caller may see is looked into."""
    for name in search.match:
        if not is_key(name):
            raise invalid(f"match.{name}"[:100], "is no key")
    if search.study_instance_uid is None and search.sop_instance_uid is None:
        served = holder.serve(search.dataset, caller)
        return await _page(database, served, search, None)
    for served in _datasets(holder, search.dataset, caller):
        within = await _images_of_uids(database, served, search)
        if len(within):
            # 403 where this is a dataset that the caller may not see.
            return await _page(database, holder.serve(served.dataset.name, caller), search, within)
    return answer({"items": [], "total": 0})


def _datasets(holder: ModelHolder, chosen: str | None, caller: Identity) -> Iterator[Served]:
    """The chosen one; else all that have data, those that the caller may see first."""
    if chosen is not None:
        yield holder.serve(chosen, caller)
        return
    permitted = set(holder.permitted(caller))
    yield from sorted(holder.all_served(), key=lambda served: served.dataset.name not in permitted)


async def _images_of_uids(database: Database, served: Served, search: DicomSearch) -> Places:
    model = served.model
    if search.study_instance_uid is not None:
        rows = await hierarchy.rows_of_study(
            database,
            model.revision_id,
            served.dataset.columns["metadata"][PATH],
            search.study_instance_uid,
        )
        return places_of_rows(model, rows) if rows else places_of_rows(model, [])
    assert search.sop_instance_uid is not None
    ids = await hierarchy.images_of_instance(
        database, [served.dataset.name], search.sop_instance_uid
    )
    places = model.places_of(ids)
    return places[places >= 0].astype("int64")


async def _page(
    database: Database, served: Served, search: DicomSearch, within: Places | None
) -> Response:
    matches = {name: Match(**key.model_dump()) for name, key in search.match.items()}
    places, total = await asyncio.to_thread(_select, served, matches, within, search)
    items = await _described(database, served, places, search.columns)
    return answer({"items": items, "total": total})


def _select(
    served: Served, matches: dict[str, Match], within: Places | None, search: DicomSearch
) -> tuple[Places, int]:
    images = matching_images(served.model, matches)
    if within is not None:
        found = within[images[within]]
        return found[search.offset : search.offset + search.limit], len(found)
    return page_of_units(served.model, images, search.unit, search.offset, search.limit)


async def _described(
    database: Database, served: Served, places: Places, wanted: Sequence[str]
) -> list[dict[str, Any]]:
    model, known = served.model, served.dataset.columns["metadata"]
    columns = {name: known[name] for name in {PATH, *wanted} if name in known}
    rows = model.image_row[places].tolist()
    cells = await records.file_rows(database, model.revision_id, "metadata", columns, rows)
    exams = model.owner_of_image("exam")[places].tolist()
    items = []
    for place, row, exam in zip(places.tolist(), rows, exams, strict=True):
        found = {name: text for name, text in cells[row].items() if text}
        study, series, instance = _uids(found.pop(PATH))
        items.append(
            {
                "image_id": int(model.image_id[place]),
                "dataset": model.dataset,
                "restricted": served.dataset.restricted,
                "patient_id": model.patient_id[model.patient_of_exam[exam]].decode(),
                "exam_id": model.exam_id[exam].decode(),
                "study_instance_uid": study,
                "series_instance_uid": series,
                "sop_instance_uid": instance,
                "columns": found,
            }
        )
    return items


def _uids(path: str) -> tuple[str, str, str]:
    """Study, series and instance as the path names them; empty where it is too short."""
    parts = ["", "", *relative_key(path).split("/")]
    return parts[-3], parts[-2], sop_instance_uid(path)
