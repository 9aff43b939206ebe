"""Answers to conditional requests, their headers, and where the public side sees the service."""

from fastapi import Request

from imagery.answers import Answer, Refusal
from imagery.faults import refusal_problem
from imagery.flow import Tagged, has_tag

IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, no-cache"


def answer_headers(found: Tagged, *, versioned: bool) -> dict[str, str]:
    """How long a picture may be kept, and how it lies (``versioned``: its URL will not change)."""
    headers = {
        "ETag": found.etag,
        "Cache-Control": IMMUTABLE if versioned else REVALIDATE,
        "Vary": "Accept",
    }
    meta = found.answer.meta if isinstance(found.answer, Answer) else {}
    if "mirrored" in meta:
        headers["X-Mirrored"] = "true" if meta["mirrored"] else "false"
        headers["X-Chest-Wall"] = "left" if meta["mirrored"] else str(meta["chest_wall"])
        headers["X-Region"] = ",".join(map(str, meta["region"]))
    return headers


def answer_of(request: Request, found: Tagged) -> Answer | None:
    """The answer; None where the client has it already (304); a Problem where there is none."""
    if found.answer is None or has_tag(request.headers.get("if-none-match", ""), found.etag):
        return None
    return made(found.answer)


def made(answer: Answer | Refusal | None) -> Answer:
    """The answer to an unconditional request; a Problem where there is none."""
    if isinstance(answer, Refusal):
        raise refusal_problem(answer)
    assert answer is not None
    return answer


def public_origin(request: Request) -> str:
    """Scheme and host under which the client knows this service: the gateway tells it."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    host = request.headers.get("x-forwarded-host") or request.headers.get("host", "localhost")
    return f"{scheme}://{host}"
