"""Paths for services alone; the gateway never forwards them."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from chassis.database import Database
from chassis.identity import Caller, require_agreement
from chassis.problems import Problem, problem_responses
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from catalog import views
from catalog.holder import ModelHolder
from catalog.paths import source_uri
from catalog.routes.cohorts import permitted_cohort
from catalog.routes.state import Db, Holder, answer
from catalog.schemas import ImageSourceRequest, ImageSources
from catalog.store import cohorts, records

LINES = "application/x-ndjson"
BLOCK = 1000

router = APIRouter(prefix="/internal/v1", tags=["internal"], responses=problem_responses(410))


@router.post("/image-sources", response_model=ImageSources)
async def find_image_sources(
    request: ImageSourceRequest, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Where the files of images lie; images of former revisions too, for frozen cohorts."""
    rows = await records.image_sources(database, request.image_ids)
    restricted = _restricted(holder)
    for name in {row["dataset"] for row in rows}:
        require_agreement(caller, name, restricted=restricted.get(name, True))
        _require_basis(holder, name)
    items = await _items(database, rows, restricted)
    found = {item["image_id"] for item in items}
    return answer({"items": items, "missing": [i for i in request.image_ids if i not in found]})


@router.get(
    "/cohorts/{cohort_id}/image-sources",
    response_class=Response,
    responses={200: {"content": {LINES: {}}}},
)
async def list_cohort_image_sources(
    cohort_id: str, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Where the files of a cohort's members lie, a line each; members without a file have none.

    One answer however long it takes: who asks has an identity for a minute.
    """
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    _require_basis(holder, cohort["dataset"])
    lines = _member_sources(database, cohort, _restricted(holder))
    return StreamingResponse(lines, media_type=LINES)


def _require_basis(holder: ModelHolder, name: str) -> None:
    """403 for pixels of a restricted dataset of which nobody has said why the lab keeps a copy."""
    for dataset in holder.datasets():
        if dataset.name == name and dataset.restricted and not dataset.basis:
            detail = f"An admin records it by `embedlab ingest {name} --basis ...`."
            raise Problem(403, "No basis recorded for a shared copy", detail=detail)


async def _member_sources(
    database: Database, cohort: Mapping[str, Any], restricted: Mapping[str, bool]
) -> AsyncIterator[bytes]:
    key = uuid.UUID(cohort["cohort_id"])
    for begin in range(0, int(cohort["counts"]["images"]), BLOCK):
        image_ids = await cohorts.member_images(database, key, begin, BLOCK)
        rows = await records.image_sources(database, image_ids)
        found = {item["image_id"]: item for item in await _items(database, rows, restricted)}
        lines = (orjson.dumps(found[i]) for i in image_ids if i in found)
        yield b"".join(line + b"\n" for line in lines)


def _restricted(holder: ModelHolder) -> dict[str, bool]:
    return {dataset.name: dataset.restricted for dataset in holder.datasets()}


async def _items(
    database: Database, rows: list[dict[str, Any]], restricted: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """``rows`` as image sources; without those whose path leads nowhere."""
    paths = await _paths(database, rows)
    items: list[dict[str, Any]] = []
    for row in rows:
        path, levels = paths[row["image_id"]]
        try:
            source = source_uri(row["image_root"], path)
        except ValueError:
            continue
        kept = ("image_id", "dataset", "revision_id", "patient_id", "exam_id", "sop_instance_uid")
        items.append(
            {name: row[name] for name in kept}
            | {"restricted": restricted.get(row["dataset"], True), "source": source}
            | {"laterality": row["laterality"], "view_position": row["view_position"]}
            | {"rois": views.roi_boxes(row["rois"], levels)}
        )
    return items


async def _paths(
    database: Database, rows: list[dict[str, Any]]
) -> dict[object, tuple[str, str | None]]:
    """By image its path and match levels as the file of its revision has them."""
    found: dict[object, tuple[str, str | None]] = {}
    for revision_id in {int(str(row["revision_id"])) for row in rows}:
        of_revision = [row for row in rows if row["revision_id"] == revision_id]
        columns = of_revision[0]["columns"]
        if isinstance(columns, (str, bytes)):
            columns = orjson.loads(columns)
        assert isinstance(columns, dict)
        wanted = {
            name: column
            for name, column in columns["metadata"].items()
            if name in ("anon_dicom_path", "match_level")
        }
        numbers = {int(str(row["n"])): row["image_id"] for row in of_revision}
        cells = await records.file_rows(database, revision_id, "metadata", wanted, list(numbers))
        for n, row in cells.items():
            found[numbers[n]] = (row["anon_dicom_path"] or "", row.get("match_level"))
    return found
