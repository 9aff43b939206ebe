"""The image paths: parse, find the source, check the agreement, answer."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from chassis.identity import Caller, require_agreement, require_role
from chassis.problems import not_found, problem_responses
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from imagery import parameters as given
from imagery.answers import Refusal
from imagery.faults import refusal_problem
from imagery.flow import Imagery, Tagged, has_tag
from imagery.objects.types import SourceFile
from imagery.rendering.request import MEDIA_TYPES, Rendering
from imagery.sources import ImageSource, SourceLookup

CHUNK = 1024 * 1024
_unsafe = re.compile(r"[^0-9A-Za-z.]")
IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, no-cache"

ImageId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Image of the catalog")]
Version = Annotated[
    str | None, Query(max_length=64, description="Any text: makes the URL immutable for caches")
]


def _responses(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI: a body of one of ``media_types``, 304, and the problems of this service."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {"description": "The answer", "content": dict.fromkeys(media_types, binary)},
        304: {"description": "The client has it already"},
        **problem_responses(404, 406, 422, 502, 503, 504),
    }


router = APIRouter(prefix="/api/v1/images/{image_id}", tags=["imagery"])


async def image_source(request: Request, image_id: ImageId, caller: Caller) -> ImageSource:
    """The source of the image, which the caller may see: 404, or 403 without the agreement."""
    sources: SourceLookup = request.app.state.sources
    authorization = request.headers.get("authorization", "")
    source = await sources.find(image_id, authorization)
    if source is None:
        raise not_found("image", image_id)
    require_agreement(caller, source.dataset, restricted=source.restricted)
    return source


Source = Annotated[ImageSource, Depends(image_source)]


@router.get("/thumbnail", response_class=Response, responses=_responses("image/jpeg", "image/webp"))
async def retrieve_image_thumbnail(
    request: Request, source: Source, size: given.ThumbnailSize = 256, v: Version = None
) -> Response:
    """A small picture, JPEG or (by Accept) WebP, with the image's own window."""
    rendering = given.thumbnail(size, request.headers.get("accept"))
    return await _picture(request, source, rendering, v)


@router.get(
    "/rendered",
    response_class=Response,
    responses=_responses("image/png", "image/jpeg", "image/webp"),
)
async def retrieve_image_rendered(
    request: Request,
    source: Source,
    viewport: given.Viewport = None,
    window: given.WindowText = None,
    invert: Annotated[bool, Query(description="Black for white")] = False,
    orient: given.OrientText = "as-stored",
    frame: given.FrameNumber = 1,
    quality: given.Quality = 90,
    format: Annotated[  # noqa: A002 - the parameter's public name
        given.PictureFormat | None, Query(description="Default: by Accept, else PNG")
    ] = None,
    v: Version = None,
) -> Response:
    """An 8-bit picture after Modality LUT, VOI LUT and inversion."""
    rendering = Rendering(
        format=given.picture_format(format, request.headers.get("accept")),
        size=given.picture_size(viewport),
        window=given.window(window),
        invert=invert,
        orient=orient,
        frame=frame,
        quality=quality,
    )
    return await _picture(request, source, rendering, v)


@router.get(
    "/pixels", response_class=Response, responses=_responses("application/x-npy", "image/png")
)
async def retrieve_image_pixels(
    request: Request,
    source: Source,
    short_edge: given.ShortEdge = None,
    viewport: given.Viewport = None,
    depth: Annotated[int, Query(description="Bits of a grey value: 8 or 16")] = 16,
    format: Annotated[  # noqa: A002 - the parameter's public name
        given.MachineFormat, Query(description="NumPy array or PNG")
    ] = "npy",
    window: given.WindowText = None,
    orient: given.OrientText = "chest-wall-left",
    frame: given.FrameNumber = 1,
    v: Version = None,
) -> Response:
    """Grey values after Modality LUT and VOI LUT, from 0 to the full range of `depth`."""
    rendering = Rendering(
        format=format,
        size=given.machine_size(short_edge, viewport),
        depth=given.machine_depth(depth),
        window=given.window(window),
        orient=orient,
        frame=frame,
    )
    return await _picture(request, source, rendering, v)


@router.get("/header", response_class=Response, responses=_responses("application/json"))
async def retrieve_image_header(request: Request, source: Source, v: Version = None) -> Response:
    """The file's elements before the pixel data; binary values by their length."""
    imagery, deadline = _imagery(request)
    async with asyncio.timeout(deadline):
        known = request.headers.get("if-none-match")
        found = await imagery.document(source, {"task": "elements"}, known)
    return _response(request, found, "application/json", v)


@router.get(
    "/dicom",
    response_class=Response,
    responses=_responses("application/dicom"),
    dependencies=[Depends(require_role("researcher"))],
)
async def retrieve_image_dicom(request: Request, source: Source, v: Version = None) -> Response:
    """The original file, byte for byte."""
    imagery, deadline = _imagery(request)
    async with asyncio.timeout(deadline):
        file = await imagery.original(source)
    etag = f'"{file.version}"'
    headers = {"ETag": etag, "Cache-Control": _cache_control(v)}
    if has_tag(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    name = f"{_unsafe.sub('_', source.sop_instance_uid)}.dcm"
    headers |= {
        "Content-Length": str(file.size),
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(_chunks(file), media_type="application/dicom", headers=headers)


async def _picture(
    request: Request, source: ImageSource, rendering: Rendering, version: str | None
) -> Response:
    imagery, deadline = _imagery(request)
    async with asyncio.timeout(deadline):
        found = await imagery.picture(source, rendering, request.headers.get("if-none-match"))
    return _response(request, found, MEDIA_TYPES[rendering.format], version)


def _response(request: Request, found: Tagged, media: str, version: str | None) -> Response:
    headers = {"ETag": found.etag, "Cache-Control": _cache_control(version), "Vary": "Accept"}
    known = found.answer is None
    if known or has_tag(request.headers.get("if-none-match", ""), found.etag):
        return Response(status_code=304, headers=headers)
    answer = found.answer
    if isinstance(answer, Refusal):
        raise refusal_problem(answer)
    assert answer is not None
    if "mirrored" in answer.meta:
        headers["X-Mirrored"] = "true" if answer.meta["mirrored"] else "false"
        headers["X-Chest-Wall"] = _chest_wall(answer.meta)
    return Response(answer.body, media_type=media, headers=headers)


def _chest_wall(meta: dict[str, Any]) -> str:
    """Side of the chest wall in the picture as it is sent."""
    return "left" if meta["mirrored"] else str(meta["chest_wall"])


def _cache_control(version: str | None) -> str:
    return IMMUTABLE if version is not None else REVALIDATE


def _imagery(request: Request) -> tuple[Imagery, float]:
    return request.app.state.imagery, request.app.state.settings.deadline_s


async def _chunks(file: SourceFile) -> AsyncIterator[bytes]:
    for offset in range(0, file.size, CHUNK):
        yield await asyncio.to_thread(os.pread, file.descriptor.number, CHUNK, offset)
