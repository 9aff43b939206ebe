"""``/iiif/3/{image_id}``."""

import asyncio
import json
from dataclasses import astuple, replace
from typing import Annotated
from urllib.parse import urlencode

from chassis.identity import Caller
from chassis.problems import FieldError, Problem, not_found, problem_responses
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from imagery import parameters
from imagery.conditional import IMMUTABLE, answer_of, made, public_origin
from imagery.flow import Imagery
from imagery.iiif.grammar import Facts, ImageRequest, MalformedError, image_request
from imagery.iiif.info import CONTEXT, image_information
from imagery.rendering.request import MEDIA_TYPES, Rendering
from imagery.routes import Version, image_source
from imagery.sources import ImageSource

PREFIX = "/iiif/3"
FACTS = {"task": "facts"}
PROFILE = '<http://iiif.io/api/image/3/level2.json>;rel="profile"'
JSON_LD = f'application/ld+json;profile="{CONTEXT}"'
LONGEST_ID = 18

router = APIRouter(
    prefix=PREFIX, tags=["iiif"], responses=problem_responses(400, 404, 422, 502, 503, 504)
)


async def iiif_source(request: Request, identifier: str, caller: Caller) -> ImageSource:
    """The source of the image; an identifier that is no positive number names none (404)."""
    number = identifier.isascii() and identifier.isdecimal() and len(identifier) <= LONGEST_ID
    if not number or int(identifier) == 0:
        raise not_found("image", identifier[:64])
    return await image_source(request, int(identifier), caller)


Source = Annotated[ImageSource, Depends(iiif_source)]


@router.get("/{identifier}", status_code=303, response_class=RedirectResponse)
async def redirect_to_image_information(request: Request, identifier: str) -> Response:
    """The base URI leads to the image's information (section 2)."""
    return RedirectResponse(f"{request.url.path}/info.json", 303)


@router.get("/{identifier}/info.json", response_class=Response)
async def retrieve_image_information(request: Request, source: Source) -> Response:
    """Size, tiles and what is offered, as JSON-LD where the client asks for that."""
    facts = await _facts(request, source)
    document = image_information(_uri(request, source), facts)
    linked = "application/ld+json" in request.headers.get("accept", "")
    headers = {"Link": PROFILE, "Cache-Control": _keep(request), "Vary": "Accept"}
    media = JSON_LD if linked else "application/json"
    return Response(json.dumps(document), media_type=media, headers=headers)


@router.get(
    "/{identifier}/{region}/{size}/{rotation}/{quality_format}",
    response_class=Response,
    responses={
        200: {
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in ("image/jpeg", "image/png", "image/webp")
            }
        },
        304: {"description": "The client has it already"},
    },
)
async def retrieve_iiif_image(
    request: Request,
    source: Source,
    region: str,
    size: str,
    rotation: str,
    quality_format: str,
    window: parameters.WindowText = None,
    *,
    invert: bool = False,
    v: Version = None,
) -> Response:
    """A region of the image as stored, scaled and turned, under its own window or the given one.

    ``window``, ``invert`` and ``v`` are ours, so that a viewer's tiles look as its picture does.
    """
    facts = await _facts(request, source)
    voi = parameters.window(window)
    try:
        asked = image_request(facts, region, size, rotation, quality_format)
    except MalformedError as error:
        raise _malformed(error) from error
    rendering = replace(asked.rendering, window=voi, invert=invert)
    return await _picture(request, source, replace(asked, rendering=rendering))


async def _picture(request: Request, source: ImageSource, asked: ImageRequest) -> Response:
    imagery, deadline = _imagery(request)
    known = request.headers.get("if-none-match")
    async with asyncio.timeout(deadline):
        found = await imagery.picture(source, asked.rendering, known)
    answer = answer_of(request, found)
    uri = f"{_uri(request, source)}/{asked.canonical}{_ours(asked.rendering)}"
    canonical = f'<{uri}>;rel="canonical"'
    headers = {
        "ETag": found.etag,
        "Cache-Control": IMMUTABLE if "v" in request.query_params else _keep(request),
        "Link": f"{canonical},{PROFILE}",
    }
    if answer is None:
        return Response(status_code=304, headers=headers)
    media = MEDIA_TYPES[asked.rendering.format]
    return Response(answer.body, media_type=media, headers=headers)


async def _facts(request: Request, source: ImageSource) -> Facts:
    imagery, deadline = _imagery(request)
    async with asyncio.timeout(deadline):
        found = await imagery.document(source, FACTS)
    told = json.loads(made(found.answer).body)
    most = request.app.state.settings.max_pixels
    return Facts(told["columns"], told["rows"], told["is_colour"], most)


def _uri(request: Request, source: ImageSource) -> str:
    return f"{public_origin(request)}{PREFIX}/{source.image_id}"


def _ours(rendering: Rendering) -> str:
    """The query that tells this picture from the one under the image's own window."""
    query: dict[str, str] = {}
    if rendering.window is not None:
        center, width, function = astuple(rendering.window)
        query["window"] = f"{center:.12g},{width:.12g},{function}"
    if rendering.invert:
        query["invert"] = "true"
    return f"?{urlencode(query, safe=',')}" if query else ""


def _keep(request: Request) -> str:
    """As long as the service itself trusts an object not to have changed."""
    return f"private, max-age={request.app.state.settings.source_recheck_s}"


def _imagery(request: Request) -> tuple[Imagery, float]:
    return request.app.state.imagery, request.app.state.settings.deadline_s


def _malformed(error: MalformedError) -> Problem:
    """The specification asks for a 400 (section 7.2), where ours would be a 422."""
    fault = FieldError(field=error.parameter, message=error.reason, accepted=list(error.accepted))
    return Problem(
        400, "Not an image request", detail=f"{error.parameter} {error.reason}", errors=[fault]
    )
