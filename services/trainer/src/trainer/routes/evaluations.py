"""Scores of models that were not trained here, and what a trained one went by."""

import base64
from typing import Annotated, Any, Literal

from chassis.identity import Caller, Identity, require_role
from chassis.problems import Problem, invalid, not_found, problem_responses
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from trainer.context import InContext
from trainer.routes.models import Usable, ask_model
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


Method = Literal["saliency", "grad-cam", "integrated-gradients", "attention"]
_kinds = {"png": "image/png", "npy": "application/x-npy"}
_heat: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {"schema": {"type": "string"}} for kind in _kinds.values()}}
}


@router.get(
    "/jobs/{job_id}/explanations/{image_id}",
    response_class=Response,
    responses={**_heat, **problem_responses(409)},
)
async def explain_image(
    image_id: Annotated[int, Path(ge=0, lt=2**63)],
    found: Usable,
    caller: Caller,
    context: InContext,
    method: Method = "saliency",
    format: Literal["png", "npy"] = "png",  # noqa: A002 - the name of the parameter
) -> Response:
    """What the model of a job went by on an image: an overlay, or the map (float32, `npy`).

    At the size and in the frame that it was trained on, chest wall at the left; the class that is
    explained is the one it reads, and stands in `X-Class`.
    """
    answer = await ask_model(found, [image_id], caller, context, explain=method)
    if not answer:
        raise not_found("picture of image", image_id)
    if format not in answer:
        raise invalid("method", f"{method} does not apply to this network", answer["methods"])
    body = base64.b64decode(answer[format])
    said = answer["said"].encode("ascii", "replace").decode()
    return Response(body, media_type=_kinds[format], headers={"X-Class": said})
