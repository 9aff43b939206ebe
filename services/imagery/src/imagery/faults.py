"""What went wrong below, as the problem that the caller gets. One table."""

from chassis.problems import FieldError, Problem, invalid, problem_response, unavailable
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from imagery.answers import Refusal
from imagery.decoding.pool import BusyError, WorkerDiedError
from imagery.objects.types import SourceError

RETRY_AFTER_S = 2


def source_problem(error: SourceError) -> Problem:
    """502 with the kind in ``type``; 504 where time ran out, 503 where others are before it.

    422 where the file is too large, or another image's.
    """
    if error.fault == "busy":
        return busy_problem()
    kind = f"urn:embedlab:source-{error.fault}"
    if error.fault == "timeout":
        return Problem(504, "The image's file took too long", type=kind, detail=error.detail)
    if error.fault == "too-large":
        return Problem(422, "The image's file is too large", type=kind, detail=error.detail)
    if error.fault == "other-instance":
        return Problem(422, "The file is of another image", type=kind, detail=error.detail)
    return Problem(502, "The image's file cannot be read", type=kind, detail=error.detail)


def refusal_problem(refusal: Refusal) -> Problem:
    """422 about a parameter, or about the file and its element."""
    if refusal.parameter is not None:
        return invalid(refusal.parameter, refusal.reason)
    errors = [FieldError(field=refusal.element, message=refusal.reason)] if refusal.element else []
    return Problem(
        422,
        "The image's file cannot be shown",
        type="urn:embedlab:unreadable-image",
        detail=refusal.reason,
        errors=errors,
    )


def busy_problem() -> Problem:
    """503: come back in a moment."""
    return unavailable(
        "All decoders are busy", retry_after=RETRY_AFTER_S, detail="Ask again in a moment."
    )


def to_problem(error: Exception) -> Problem:
    """The problem of any error that a request below can end in."""
    match error:
        case SourceError():
            return source_problem(error)
        case BusyError():
            return busy_problem()
        case WorkerDiedError():
            return refusal_problem(Refusal("decoding it ends the decoder's process"))
        case _:
            return Problem(504, "The picture took too long", detail="It was given up.")


def install_fault_handlers(app: FastAPI) -> None:
    """Answer the errors of this service as problems."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        return problem_response(to_problem(error), request.url.path)

    for kind in (SourceError, BusyError, WorkerDiedError, TimeoutError):
        app.add_exception_handler(kind, handle)
