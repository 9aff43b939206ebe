"""Errors as RFC 9457 problem documents that name the field at fault and what it would accept."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from chassis.logs import get_logger, request_id

MEDIA_TYPE = "application/problem+json"

log = get_logger(__name__)


class FieldError(BaseModel):
    """One field at fault: where it stands, what is wrong, and what would be accepted."""

    field: str = Field(examples=["filter.asses"])
    message: str = Field(examples=["unknown value 'Q'"])
    accepted: list[Any] | None = Field(default=None, examples=[["A", "N", "B"]])


class ProblemBody(BaseModel):
    """An RFC 9457 problem document."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    request_id: str | None = None
    errors: list[FieldError] = []


class Problem(Exception):
    """Raised anywhere below a route; answered as ``application/problem+json``."""

    def __init__(
        self,
        status: int,
        title: str,
        *,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        type: str = "about:blank",  # noqa: A002 - RFC 9457's own member name
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = list(errors)
        self.type = type
        self.headers = dict(headers or {})


def not_found(what: str, identifier: object) -> Problem:
    """A 404 that says what was looked for."""
    return Problem(404, f"{what} not found", detail=f"There is no {what} {identifier!s}.")


def invalid(field: str, message: str, accepted: Sequence[Any] | None = None) -> Problem:
    """A 422 about one field."""
    choices = None if accepted is None else list(accepted)
    error = FieldError(field=field, message=message, accepted=choices)
    return Problem(422, "Invalid request", detail=f"{field}: {message}", errors=[error])


def unavailable(title: str, *, retry_after: int = 2, detail: str | None = None) -> Problem:
    """A 503 that says when to come back (seconds)."""
    return Problem(503, title, detail=detail, headers={"Retry-After": str(retry_after)})


class ProblemResponse(JSONResponse):
    """A problem may quote what no Unicode text can hold: half of a surrogate pair."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The document; question marks for what UTF-8 has no bytes for."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def problem_response(problem: Problem, instance: str | None = None) -> JSONResponse:
    """The response of a problem; ``instance`` is the path of the request."""
    body = ProblemBody(
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=instance,
        request_id=request_id(),
        errors=problem.errors,
    )
    return ProblemResponse(
        body.model_dump(mode="json", exclude_none=True),
        status_code=problem.status,
        headers=problem.headers,
    )


def from_validation(error: RequestValidationError) -> Problem:
    """A request that does not fit its model, field by field."""
    errors = [_field_error(item) for item in error.errors()]
    detail = "; ".join(f"{e.field}: {e.message}" for e in errors[:5])
    return Problem(422, "Invalid request", detail=detail, errors=errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    where = [str(part) for part in item["loc"]]
    name = ".".join(where[1:] if len(where) > 1 else where)
    expected = (item.get("ctx") or {}).get("expected")
    return FieldError(
        field=name, message=str(item["msg"]), accepted=[expected] if expected else None
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every exception of ``app`` as a problem document."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem_response(error, request.url.path)

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem_response(from_validation(error), request.url.path)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        title = HTTPStatus(error.status_code).phrase
        detail = error.detail if error.detail != title else None
        headers = error.headers
        if error.status_code == 405:
            headers = {"Allow": ", ".join(_methods(app, request.scope))}
        problem = Problem(error.status_code, title, detail=detail, headers=headers)
        return problem_response(problem, request.url.path)

    async def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", exc_info=error)
        problem = Problem(
            500,
            "Internal error",
            detail="The fault is ours. It was logged under this request id.",
        )
        return problem_response(problem, request.url.path)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_unexpected)


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """All methods of a path: a route knows its own, and each method has one of its own."""
    route = scope["route"]
    documented = app.openapi()["paths"].get(route.path_format, {})
    return sorted({name.upper() for name in documented} | set(route.methods))


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI ``responses`` for the given statuses, all with the problem schema."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
