"""Scores of models that were not trained here."""

from typing import Annotated, Literal

from chassis.identity import Identity, require_role
from chassis.problems import Problem, problem_responses
from fastapi import APIRouter, Depends, Query, Request

from trainer.context import InContext
from trainer.schemas import IDENTIFIER, Job
from trainer.uploads import Upload, queue_scores

router = APIRouter(prefix="/api/v1", tags=["training"])

Researcher = Annotated[Identity, Depends(require_role("researcher"))]
MOST_BYTES = 64 * 2**20
_example = "image_id,p_B,p_K\n4711,0.83,0.17\n4712,0.02,0.98\n"
_body = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}, "example": _example}},
    }
}


@router.post(
    "/evaluations", status_code=201, openapi_extra=_body, responses=problem_responses(413, 415)
)
async def create_evaluation(
    request: Request,
    caller: Researcher,
    context: InContext,
    cohort_id: Annotated[str, Query(pattern=IDENTIFIER, description="Whose labels they are for")],
    name: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    split: Annotated[Literal["train", "validation", "test"], Query()] = "test",
) -> Job:
    """Evaluate uploaded scores: a CSV with `image_id` or `exam_id` and a probability per class.

    The job has the full report; it trains nothing. A wrong row is refused by line and column.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "text/csv":
        detail = f"The body is {kind or 'of no type'}; send text/csv."
        raise Problem(415, "Not CSV", detail=detail)
    text = await _read(request)
    return await queue_scores(Upload(text, cohort_id, name, split), caller, context)


async def _read(request: Request) -> str:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise Problem(413, "Too large", detail=f"At most {MOST_BYTES:,} bytes are taken.")
        parts.append(part)
    try:
        return b"".join(parts).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(415, "Not CSV", detail=f"It is not UTF-8: {error.reason}.") from error
