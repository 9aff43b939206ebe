"""QIDO-RS: ``/dicomweb/studies``, ``/series``, ``/instances`` (PS3.18 10.6)."""

import json
from typing import Any

from chassis.identity import Caller
from chassis.problems import Problem, problem_responses
from fastapi import APIRouter, Request, Response

from imagery.audit import note_subject
from imagery.conditional import public_origin
from imagery.dicomweb.accept import media_ranges
from imagery.dicomweb.query import Level, is_uid, parse_query
from imagery.dicomweb.search import Page, Search

PREFIX = "/dicomweb"
DICOM_JSON = "application/dicom+json"
JSON_TYPES = (DICOM_JSON, "application/json")
REPEATED = ("includefield",)  # PS3.18 8.3.4.3

_text = {"type": "string"}
_parameters: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": {"type": "array", "items": _text} if name in REPEATED else _text,
    }
    for name, description in (
        ("PatientID", "Any attribute by keyword or tag; `*` and `?` stand for others"),
        ("StudyDate", "A day, or a range `20150101-20161231`"),
        ("includefield", "Attributes to return beside the usual ones, or `all`"),
        ("fuzzymatching", "Matching is literal"),
        ("limit", "Most results; at most 1000"),
        ("offset", "Results to leave out"),
        ("dataset", "Dataset to search in; default: the server's"),
    )
]
_described: dict[str, Any] = {
    "response_class": Response,
    "openapi_extra": {"parameters": _parameters},
    "responses": {
        200: {"content": {DICOM_JSON: {"schema": {"type": "array", "items": {"type": "object"}}}}},
        204: {"description": "Nothing matches"},
        **problem_responses(400, 406, 503),
    },
}

router = APIRouter(prefix=PREFIX, tags=["dicomweb"])


@router.get("/studies", **_described)
async def search_for_studies(request: Request, caller: Caller) -> Response:
    """Studies: an exam each."""
    return await _search(request, "study")


@router.get("/series", **_described)
async def search_for_series(request: Request, caller: Caller) -> Response:
    """Series of all studies."""
    return await _search(request, "series")


@router.get("/instances", **_described)
async def search_for_instances(request: Request, caller: Caller) -> Response:
    """Instances of all studies."""
    return await _search(request, "instance")


@router.get("/studies/{study}/series", **_described)
async def search_for_series_of_study(request: Request, study: str, caller: Caller) -> Response:
    """Series of a study."""
    return await _search(request, "series", StudyInstanceUID=study)


@router.get("/studies/{study}/instances", **_described)
async def search_for_instances_of_study(request: Request, study: str, caller: Caller) -> Response:
    """Instances of a study."""
    return await _search(request, "instance", StudyInstanceUID=study)


@router.get("/studies/{study}/series/{series}/instances", **_described)
async def search_for_instances_of_series(
    request: Request, study: str, series: str, caller: Caller
) -> Response:
    """Instances of a series."""
    return await _search(request, "instance", StudyInstanceUID=study, SeriesInstanceUID=series)


async def _search(request: Request, level: Level, **within: str) -> Response:
    require_json(request)
    query = parse_query(level, request.query_params.multi_items())
    query.uids.update({k: frozenset(filter(is_uid, [uid])) for k, uid in within.items()})
    search = Search(
        request.app.state.directory,
        request.headers.get("authorization", ""),
        public_origin(request) + PREFIX,
    )
    page = await search.run(query)
    note_subject(request.scope, page.patients)
    headers = _headers(query.warnings, page, search.base)
    if not page.results:
        return Response(status_code=204, headers=headers)
    return Response(json.dumps(page.results), media_type=DICOM_JSON, headers=headers)


def require_json(request: Request) -> None:
    """406 for who accepts no JSON."""
    accept = request.query_params.get("accept") or request.headers.get("accept", "")
    if not any(r.covers(media) for r in media_ranges(accept) for media in JSON_TYPES):
        raise Problem(406, "No acceptable media type", detail=f"Available: {DICOM_JSON}.")


def _headers(warnings: list[str], page: Page, base: str) -> dict[str, str]:
    told = list(warnings)
    if page.remaining != 0 and page.results:
        count = "" if page.remaining is None else f"{page.remaining} "
        told.append(f"There are {count}additional results that can be requested")
    headers = {"Cache-Control": "private, no-cache"}
    if told:
        headers["Warning"] = ", ".join(f'299 {base} "{text}"' for text in told)
    return headers
