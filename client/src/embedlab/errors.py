"""What can go wrong, as exceptions. An answer that is no success carries a problem document."""

from collections.abc import Mapping
from typing import Any

import httpx

AGREEMENT = "urn:embedlab:agreement-needed"


class LabError(Exception):
    """Everything that this package raises on purpose."""


class Unreachable(LabError):
    """No answer came: wrong address, server down, network broken."""


class JobFailed(LabError):
    """A job that was waited for ended without success; ``job`` is its last state."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        super().__init__(f"job {job['job_id']} {job['state']}: {job.get('reason') or 'no reason'}")
        self.job = dict(job)


class ApiError(LabError):
    """A problem (RFC 9457). ``errors`` name fields at fault and what they would accept."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.detail: str | None = problem.get("detail")
        self.type = str(problem.get("type", "about:blank"))
        self.errors: list[dict[str, Any]] = list(problem.get("errors") or ())
        self.request_id: str | None = problem.get("request_id")
        self.retry_after: float | None = None
        super().__init__(f"{self.title}: {self.detail}" if self.detail else self.title)


class NotSignedIn(ApiError):
    """401: no token, or one that is expired or revoked."""


class NotPermitted(ApiError):
    """403: the role or the token's scopes do not reach."""


class AgreementNeeded(NotPermitted):
    """403: the dataset needs a recorded and confirmed agreement."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409: the state of things does not allow it."""


class Invalid(ApiError):
    """422: the request does not fit; see ``errors``."""


class Unavailable(ApiError):
    """429, 503, 504: not now; ``retry_after`` says when (seconds), if the server did."""


_kinds: dict[int, type[ApiError]] = {
    401: NotSignedIn,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def to_error(response: httpx.Response) -> ApiError:
    """The exception of an answer whose body has been read."""
    problem: Mapping[str, Any] = {}
    if response.headers.get("content-type", "").endswith("json"):
        body = response.json()
        problem = body if isinstance(body, dict) else {}
    kind = _kinds.get(response.status_code, ApiError)
    if kind is NotPermitted and problem.get("type") == AGREEMENT:
        kind = AgreementNeeded
    error = kind(response.status_code, problem)
    wait = response.headers.get("retry-after", "")
    error.retry_after = float(wait) if wait.isdigit() else None
    return error
