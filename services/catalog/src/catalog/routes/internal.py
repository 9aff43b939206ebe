"""Paths for services alone; the gateway never forwards them."""

import orjson
from chassis.database import Database
from chassis.identity import Caller, require_agreement
from fastapi import APIRouter, Response

from catalog import views
from catalog.paths import source_uri
from catalog.routes.state import Db, Holder, answer
from catalog.schemas import ImageSourceRequest, ImageSources
from catalog.store import records

router = APIRouter(prefix="/internal/v1", tags=["internal"])


@router.post("/image-sources", response_model=ImageSources)
async def find_image_sources(
    request: ImageSourceRequest, caller: Caller, holder: Holder, database: Db
) -> Response:
    """Where the files of images lie; images of former revisions too, for frozen cohorts."""
    rows = await records.image_sources(database, request.image_ids)
    restricted = {dataset.name: dataset.restricted for dataset in holder.datasets()}
    for name in {row["dataset"] for row in rows}:
        require_agreement(caller, name, restricted=restricted.get(name, True))
    paths = await _paths(database, rows)
    items = []
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
    found = {item["image_id"] for item in items}
    return answer({"items": items, "missing": [i for i in request.image_ids if i not in found]})


async def _paths(
    database: Database, rows: list[dict[str, object]]
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
