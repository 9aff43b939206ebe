"""What a job left: its report, its files and its log."""

import json
from typing import Annotated, Any

from chassis.identity import Caller, Identity, require_agreement
from chassis.pages import Page
from chassis.problems import Problem, not_found, problem_responses
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from trainer import store
from trainer.context import Context, InContext
from trainer.schemas import Artifact, LogLine, Report

router = APIRouter(prefix="/api/v1/jobs/{job_id}", tags=["training"])

REPORT_JSON, REPORT_HTML = "report.json", "report.html"
_report: dict[str, Any] = {
    "model": Report,
    "content": {"text/html": {"schema": {"type": "string"}}},
}


async def _check_access(context: Context, job_id: str, caller: Identity) -> str:
    """Refuse whoever may not see what came of restricted data; the job's state."""
    async with context.database.transaction() as session:
        access = await store.find_access(session, job_id)
    if access is None:
        raise not_found("job", job_id)
    require_agreement(caller, access.dataset or "", restricted=access.restricted)
    return str(access.state)


async def _find(context: Context, job_id: str, name: str) -> Any:
    async with context.database.transaction() as session:
        found = await store.find_artifact(session, job_id, name)
    if found is None:
        raise not_found("artifact", name)
    return found


@router.get(
    "/report", response_class=JSONResponse, responses={200: _report, **problem_responses(409, 410)}
)
async def retrieve_job_report(
    job_id: str, request: Request, caller: Caller, context: InContext
) -> Response:
    """The report of a finished job: JSON, or a self-contained page where `Accept` prefers HTML."""
    state = await _check_access(context, job_id, caller)
    if state != "succeeded":
        raise Problem(
            409, "There is no report", detail=f"The job is {state}; reports come of success."
        )
    if prefers_html(request.headers.get("accept", "")):
        found = await _find(context, job_id, REPORT_HTML)
        page = await context.objects.read(found.key)
        return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'; "
                                           "style-src 'unsafe-inline'; img-src data:"})  # fmt: skip
    found = await _find(context, job_id, REPORT_JSON)
    return JSONResponse(json.loads(await context.objects.read(found.key)))


def prefers_html(accept: str) -> bool:
    """Whether HTML stands before JSON in an ``Accept`` header."""
    kinds = [part.split(";")[0].strip() for part in accept.split(",")]
    places = {
        kind: kinds.index(kind) for kind in ("text/html", "application/json") if kind in kinds
    }
    return "text/html" in places and places["text/html"] < places.get(
        "application/json", len(kinds)
    )


@router.get("/log")
async def retrieve_job_log(
    job_id: str,
    caller: Caller,
    context: InContext,
    tail: Annotated[int, Query(ge=1, le=500, description="As many of its last lines")] = 500,
) -> Page[LogLine]:
    """What a job said last, oldest line first: attempts, epochs, what it waited for, how it ended.

    Its last 500 lines are kept, of 500 characters each, as long as the job is.
    """
    await _check_access(context, job_id, caller)
    async with context.database.transaction() as session:
        items, kept = await store.read_lines(session, job_id, tail)
    return Page(items=items, total=kept)


@router.get("/artifacts")
async def list_job_artifacts(job_id: str, caller: Caller, context: InContext) -> Page[Artifact]:
    """The files of a job."""
    await _check_access(context, job_id, caller)
    async with context.database.transaction() as session:
        items = await store.list_artifacts(session, job_id)
    return Page(items=items, total=len(items))


@router.get("/artifacts/{name}", response_class=StreamingResponse, responses=problem_responses(410))
async def retrieve_job_artifact(
    job_id: str, name: str, caller: Caller, context: InContext
) -> StreamingResponse:
    """One file, streamed."""
    await _check_access(context, job_id, caller)
    found = await _find(context, job_id, name)
    headers = {
        "Content-Length": str(found.bytes),
        "ETag": f'"{found.sha256}"',
        "Content-Disposition": f'attachment; filename="{found.name}"',
    }
    body = await context.objects.stream(found.key)
    return StreamingResponse(body, media_type=found.media_type, headers=headers)
