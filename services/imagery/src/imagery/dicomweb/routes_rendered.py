"""WADO-RS: rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.5, 8.3.5)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Annotated

from chassis.problems import invalid, problem_responses
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from imagery import parameters as given
from imagery.conditional import answer_headers, answer_of, made
from imagery.dicomweb.accept import RELATED
from imagery.dicomweb.asked import (
    INSTANCE,
    SERIES,
    STUDY,
    OfSeries,
    OfStudy,
    Studies,
    TheInstance,
    accepted,
)
from imagery.dicomweb.directory import Instance
from imagery.dicomweb.multipart import Framing, Part, chained, whole
from imagery.dicomweb.results import instance_url
from imagery.dicomweb.retrieval import Archive
from imagery.dicomweb.routes_search import PREFIX
from imagery.rendering.request import MEDIA_TYPES, Format, Region, Rendering, Size

# PS3.18 Table 8.7.4-1: the default, what else is required, and one more for browsers.
RENDERED: tuple[Format, ...] = ("jpeg", "png", "gif", "webp")
THUMBNAIL = Size("longest", 128)

router = APIRouter(
    prefix=PREFIX, tags=["dicomweb"], responses=problem_responses(404, 406, 422, 502, 503, 504)
)
Frame = Annotated[int, Path(ge=1, le=65535, description="Of a multi-frame image, from 1")]
Viewport = Annotated[
    str | None,
    Query(
        description="`width,height[,x,y,width,height]`: what to fit into, and the part to show",
        examples=["512,512"],
    ),
]


async def asked_rendering(
    request: Request,
    viewport: Viewport = None,
    window: given.WindowText = None,
    quality: given.Quality = 90,
) -> Rendering:
    """The picture that the query parameters ask for."""
    size, region = _fitted(viewport)
    return Rendering(
        format=_format(request),
        size=size,
        region=region,
        window=given.window(window),
        quality=quality,
    )


async def asked_thumbnail(request: Request, viewport: Viewport = None) -> Rendering:
    """A small one."""
    size, region = _fitted(viewport) if viewport else (THUMBNAIL, None)
    return Rendering(format=_format(request), size=size, region=region, quality=80)


Rendered = Annotated[Rendering, Depends(asked_rendering)]
Thumbnail = Annotated[Rendering, Depends(asked_thumbnail)]


@router.get(f"{STUDY}/rendered", response_class=Response)
async def retrieve_study_rendered(
    archive: Studies, found: OfStudy, rendering: Rendered
) -> Response:
    """A picture of each instance of a study."""
    return await _several(archive, found, rendering)


@router.get(f"{SERIES}/rendered", response_class=Response)
async def retrieve_series_rendered(
    archive: Studies, found: OfSeries, rendering: Rendered
) -> Response:
    """A picture of each instance of a series."""
    return await _several(archive, found, rendering)


@router.get(f"{INSTANCE}/rendered", response_class=Response)
async def retrieve_instance_rendered(
    request: Request, archive: Studies, found: TheInstance, rendering: Rendered
) -> Response:
    """A picture of an instance (of its first frame)."""
    return await _one(request, archive, found, rendering)


@router.get(f"{INSTANCE}/frames/{{frame}}/rendered", response_class=Response)
async def retrieve_frame_rendered(
    request: Request, archive: Studies, found: TheInstance, frame: Frame, rendering: Rendered
) -> Response:
    """A picture of a frame."""
    return await _one(request, archive, found, replace(rendering, frame=frame))


@router.get(f"{STUDY}/thumbnail", response_class=Response)
async def retrieve_study_thumbnail(
    request: Request, archive: Studies, found: OfStudy, rendering: Thumbnail
) -> Response:
    """A small picture that stands for a study: its first instance."""
    return await _one(request, archive, found[0], rendering)


@router.get(f"{SERIES}/thumbnail", response_class=Response)
async def retrieve_series_thumbnail(
    request: Request, archive: Studies, found: OfSeries, rendering: Thumbnail
) -> Response:
    """A small picture that stands for a series."""
    return await _one(request, archive, found[0], rendering)


@router.get(f"{INSTANCE}/thumbnail", response_class=Response)
async def retrieve_instance_thumbnail(
    request: Request, archive: Studies, found: TheInstance, rendering: Thumbnail
) -> Response:
    """A small picture of an instance."""
    return await _one(request, archive, found, rendering)


@router.get(f"{INSTANCE}/frames/{{frame}}/thumbnail", response_class=Response)
async def retrieve_frame_thumbnail(
    request: Request, archive: Studies, found: TheInstance, frame: Frame, rendering: Thumbnail
) -> Response:
    """A small picture of a frame."""
    return await _one(request, archive, found, replace(rendering, frame=frame))


def _format(request: Request) -> Format:
    """By Accept; a multipart message is asked for by what its parts are."""
    accept = accepted(request).replace(f"{RELATED};", "").replace("type=", "").replace('"', "")
    return given.preferred(accept or None, RENDERED)


def _fitted(viewport: str | None) -> tuple[Size, Region | None]:
    """`vw,vh` or `vw,vh,sx,sy,sw,sh` (PS3.18 8.3.5.1.3)."""
    if viewport is None:
        return Size(), None
    parts = viewport.split(",")
    size = given.picture_size(",".join(parts[:2]))
    if len(parts) == 2:
        return size, None
    if len(parts) != 6 or not all(p.isascii() and p.isdecimal() and len(p) < 6 for p in parts[2:]):
        raise invalid("viewport", "is not 'vw,vh' or 'vw,vh,sx,sy,sw,sh'", ["512,512"])
    left, top, width, height = (int(part) for part in parts[2:])
    return size, Region(left, top, width, height)


async def _one(
    request: Request, archive: Archive, instance: Instance, rendering: Rendering
) -> Response:
    source = await archive.source(instance)
    known = request.headers.get("if-none-match")
    async with asyncio.timeout(archive.deadline_s):
        found = await archive.imagery.picture(source, rendering, known)
    answer = answer_of(request, found)
    headers = answer_headers(found, versioned=False)
    if answer is None:
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type=MEDIA_TYPES[rendering.format], headers=headers)


async def _several(
    archive: Archive, instances: Sequence[Instance], rendering: Rendering
) -> Response:
    framing = Framing(MEDIA_TYPES[rendering.format])
    parts = _pictures(archive, instances, rendering)
    message = framing.frame(chained(await anext(parts), parts))
    headers = {"Content-Type": framing.content_type, "Cache-Control": "private, no-cache"}
    return StreamingResponse(message, headers=headers)


async def _pictures(
    archive: Archive, instances: Sequence[Instance], rendering: Rendering
) -> AsyncIterator[Part]:
    for instance in instances:
        source = await archive.source(instance)
        async with asyncio.timeout(archive.deadline_s):
            found = await archive.imagery.picture(source, rendering)
        location = f"{instance_url(archive.base, instance)}/rendered"
        yield Part(MEDIA_TYPES[rendering.format], whole(made(found.answer).body), location)
