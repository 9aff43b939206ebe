"""``/cohorts/{id}/export``: a cohort's tables, their description, and a list to copy files by."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, cast

import orjson
from chassis.database import Database
from chassis.identity import Identity, require_role
from chassis.pages import Page
from chassis.problems import Problem, problem_responses
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from catalog.exports import croissant
from catalog.exports.croissant import TableFile
from catalog.exports.schemas import ExportFile, FileName
from catalog.exports.streams import CohortExport, CohortGone, Format, TableName
from catalog.holder import ModelHolder
from catalog.routes.cohorts import permitted_cohort
from catalog.routes.state import Db, Holder, answer
from catalog.store import exports

router = APIRouter(
    prefix="/api/v1/cohorts/{cohort_id}/export",
    tags=["exports"],
    responses=problem_responses(409, 410),
)

Researcher = Annotated[Identity, Depends(require_role("researcher"))]
Digests = dict[tuple[str, str], tuple[str, int]]

CSV, PARQUET = "text/csv; charset=utf-8", "application/vnd.apache.parquet"
MEMBERS = "The images: label, split and the columns of EMBED's metadata table, a row a member."
FINDINGS = "The rows of EMBED's clinical table that apply to one of the images."
FILES: Mapping[FileName, tuple[str, str]] = {
    "members.csv": (CSV, MEMBERS),
    "members.parquet": (PARQUET, MEMBERS),
    "findings.csv": (CSV, FINDINGS),
    "findings.parquet": (PARQUET, FINDINGS),
    "croissant.json": (
        "application/ld+json",
        "Croissant 1.0: describes both Parquet files, which belong beside it, with their hashes.",
    ),
    "manifest.s5cmd": (
        "text/plain; charset=utf-8",
        "Copies of the DICOM files for `s5cmd run`, by your own access to the bucket.",
    ),
}
DIGESTS_KEPT = 1000


@router.get("", response_model=Page[ExportFile])
async def list_cohort_exports(
    cohort_id: str, caller: Researcher, holder: Holder, database: Db
) -> Response:
    """The files that a cohort can be taken out as."""
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    path = f"/api/v1/cohorts/{cohort['cohort_id']}/export"
    items = [
        {"name": name, "media_type": media, "description": text, "url": f"{path}/{name}"}
        for name, (media, text) in FILES.items()
    ]
    return answer({"items": items, "total": len(items), "next": None})


@router.get(
    "/{file}",
    response_class=Response,
    responses={200: {"content": {media: {} for media, _ in FILES.values()}}},
)
async def export_cohort(
    cohort_id: str,
    file: FileName,
    request: Request,
    caller: Researcher,
    holder: Holder,
    database: Db,
) -> Response:
    """One of the files, streamed; the tables hold what the revision of the cohort held."""
    export = await _export(cohort_id, caller, holder, database)
    try:
        if file == "croissant.json":
            body = await _describe(export, holder, request.app.state.export_digests)
            return _file(file, orjson.dumps(body, option=orjson.OPT_INDENT_2))
        return _file(file, await _begun(_blocks(export, file)))
    except CohortGone as error:
        raise Problem(410, "Cohort deleted", detail="It was deleted a moment ago.") from error


def _blocks(export: CohortExport, file: FileName) -> AsyncIterator[bytes]:
    if file == "manifest.s5cmd":
        if not export.origin.image_root.startswith("s3://"):
            detail = "The images of this cohort lie in files of the server, not in S3."
            raise Problem(409, "No bucket to copy from", detail=detail)
        return export.manifest()
    table, _, format_ = file.partition(".")
    return export.table(cast(TableName, table), cast(Format, format_))


async def _export(
    cohort_id: str, caller: Identity, holder: ModelHolder, database: Database
) -> CohortExport:
    cohort = await permitted_cohort(cohort_id, caller, holder, database)
    export = await exports.find_origin(database, cohort["cohort_id"])
    if export is None:
        detail = "The tables that this cohort was frozen on are no longer kept."
        raise Problem(409, "Tables gone", detail=detail)
    members = await exports.count_members(database, cohort["cohort_id"])
    return CohortExport(database, cohort, export, members)


async def _begun(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same blocks; what goes wrong with the first is told before the answer begins."""
    first = [await anext(blocks, b""), await anext(blocks, b"")]

    async def all_of_them() -> AsyncIterator[bytes]:
        for block in first:
            yield block
        async for block in blocks:
            yield block

    return all_of_them()


def _file(name: FileName, content: bytes | AsyncIterator[bytes]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private"}
    media_type = FILES[name][0]
    if isinstance(content, bytes):
        return Response(content, headers=headers, media_type=media_type)
    return StreamingResponse(content, headers=headers, media_type=media_type)


async def _describe(export: CohortExport, holder: ModelHolder, digests: Digests) -> dict[str, Any]:
    tables = [
        await _table_file(export, "members", MEMBERS, digests),
        await _table_file(export, "findings", FINDINGS, digests),
    ]
    dataset = holder.dataset(export.cohort["dataset"])
    about = {name: getattr(dataset, name) for name in ("title", "licence", "attribution")}
    return croissant.describe(export.cohort, about, export.origin.sources, tables)


async def _table_file(
    export: CohortExport, table: TableName, text: str, digests: Digests
) -> TableFile:
    """The Parquet file of a table by its hash: made once to be hashed, then remembered."""
    key = (str(export.cohort_id), table)
    if key not in digests:
        if len(digests) >= DIGESTS_KEPT:
            digests.pop(next(iter(digests)))
        digests[key] = await export.digest(table, "parquet")
    sha256, size = digests[key]
    return TableFile(table, f"{table}.parquet", text, sha256, size, export.columns(table))
