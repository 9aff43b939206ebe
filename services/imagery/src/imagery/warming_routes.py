"""``/api/v1/cohorts/{cohort_id}/warming``."""

from typing import Annotated

from chassis.identity import require_role
from chassis.problems import Problem, problem_responses
from fastapi import APIRouter, Depends, Path, Request

from imagery import parameters as given
from imagery.warming import Progress, Warming

router = APIRouter(
    prefix="/api/v1/cohorts/{cohort_id}/warming",
    tags=["imagery"],
    responses=problem_responses(403, 404, 410, 422, 503),
    dependencies=[Depends(require_role("researcher"))],
)

CohortId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$", description="A frozen cohort")]


@router.put("", status_code=202)
async def start_cohort_warming(
    request: Request, cohort_id: CohortId, size: given.ThumbnailSize = 256
) -> Progress:
    """Make the thumbnails of all its images in the background; once where asked for twice."""
    warming, authorization = _warming(request)
    return await warming.start(cohort_id, given.thumbnail(size, None), authorization)


@router.get("")
async def retrieve_cohort_warming(request: Request, cohort_id: CohortId) -> Progress:
    """How many thumbnails are made, and how many images cannot be shown."""
    warming, authorization = _warming(request)
    return _found(await warming.progress(cohort_id, authorization))


@router.delete("")
async def cancel_cohort_warming(request: Request, cohort_id: CohortId) -> Progress:
    """Stop; what is made stays."""
    warming, authorization = _warming(request)
    return _found(await warming.cancel(cohort_id, authorization))


def _warming(request: Request) -> tuple[Warming, str]:
    return request.app.state.warming, request.headers.get("authorization", "")


def _found(progress: Progress | None) -> Progress:
    if progress is None:
        raise Problem(404, "Warming not found", detail="Nobody has begun it for this cohort.")
    return progress
