"""The image paths: parse, find the source, check the agreement, answer."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from chassis.identity import Caller, require_agreement, require_role
from chassis.problems import Problem, not_found, problem_responses
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from imagery import parameters as given
from imagery.audit import note_subject
from imagery.conditional import IMMUTABLE, REVALIDATE, answer_headers, answer_of
from imagery.flow import Imagery, Tagged, has_tag
from imagery.objects.types import SourceFile
from imagery.ranges import RangeError, asked_range
from imagery.rendering.request import MEDIA_TYPES, Rendering
from imagery.sources import ImageSource, SourceLookup
from imagery.warm import WarmUrls

CHUNK = 1024 * 1024
_unsafe = re.compile(r"[^0-9A-Za-z.]")

ImageId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Image of the catalog")]
Version = Annotated[
    str | None, Query(max_length=64, description="Any text: makes the URL immutable for caches")
]


def _responses(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI: a body of one of ``media_types``, 304, and the problems of this service."""
    binary, document = {"type": "string", "format": "binary"}, {"type": "object"}
    content = {
        media_type: {"schema": document if media_type == "application/json" else binary}
        for media_type in media_types
    }
    return {
        200: {"description": "The answer", "content": content},
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
    note_subject(request.scope, [source.patient_id])
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
    rois: Annotated[
        bool, Query(description="Draw the image's ROIs, labelled with number and match level")
    ] = False,
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
        outlines=given.outlines(source.rois) if rois else (),
    )
    return await _picture(request, source, rendering, v)


@router.get(
    "/rois/{n}",
    response_class=Response,
    responses=_responses("image/png", "image/jpeg", "image/webp", "application/x-npy"),
)
async def retrieve_image_roi(
    request: Request,
    source: Source,
    n: Annotated[int, Path(ge=0, le=1000, description="Number of the ROI, as the image lists it")],
    margin: given.Margin = "0px",
    viewport: given.Viewport = None,
    depth: given.Depth = 8,
    window: given.WindowText = None,
    invert: Annotated[bool, Query(description="Black for white")] = False,
    frame: given.FrameNumber = 1,
    quality: given.Quality = 90,
    format: Annotated[  # noqa: A002 - the parameter's public name
        Literal["png", "jpeg", "webp", "npy"], Query(description="npy: a NumPy array")
    ] = "png",
    v: Version = None,
) -> Response:
    """An ROI cut out of the picture, chest wall left; what lies beyond the image's edge is not."""
    rendering = Rendering(
        format=format,
        size=given.picture_size(viewport),
        depth=given.machine_depth(depth, format),
        window=given.window(window),
        invert=invert,
        orient="chest-wall-left",
        frame=frame,
        quality=quality,
        region=given.region(source.rois, n, margin),
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
    depth: given.Depth = 16,
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
        depth=given.machine_depth(depth, format),
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
    responses=_responses("application/dicom") | {206: {"description": "The range asked for"}},
    dependencies=[Depends(require_role("researcher"))],
)
async def retrieve_image_dicom(request: Request, source: Source, v: Version = None) -> Response:
    """The original file, byte for byte, or a range of it."""
    imagery, deadline = _imagery(request)
    async with asyncio.timeout(deadline):
        file = await imagery.original(source)
    etag = f'"{file.version}"'
    headers = {"ETag": etag, "Cache-Control": _cache_control(v), "Accept-Ranges": "bytes"}
    if has_tag(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    name = f"{_unsafe.sub('_', source.sop_instance_uid)}.dcm"
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    asked = request.headers.get("range"), request.headers.get("if-range")
    try:
        part = asked_range(*asked, etag, file.size)
    except RangeError as error:
        title = "The range lies outside the file"
        raise Problem(416, title, headers={"Content-Range": f"bytes */{file.size}"}) from error
    whole = part or range(file.size)
    headers["Content-Length"] = str(len(whole))
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    status = 200 if part is None else 206
    return StreamingResponse(_chunks(file, whole), status, headers, "application/dicom")


async def _picture(
    request: Request, source: ImageSource, rendering: Rendering, version: str | None
) -> Response:
    imagery, deadline = _imagery(request)
    media = MEDIA_TYPES[rendering.format]
    if rendering.region is None and not rendering.outlines:  # those come from the catalog
        urls: WarmUrls = request.app.state.warm_urls
        urls.learn(request.scope, rendering.key(), media, versioned=version is not None)
    async with asyncio.timeout(deadline):
        found = await imagery.picture(source, rendering, request.headers.get("if-none-match"))
    return _response(request, found, media, version)


def _response(request: Request, found: Tagged, media: str, version: str | None) -> Response:
    answer = answer_of(request, found)
    headers = answer_headers(found, versioned=version is not None)
    if answer is None:
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type=media, headers=headers)


def _cache_control(version: str | None) -> str:
    return REVALIDATE if version is None else IMMUTABLE


def _imagery(request: Request) -> tuple[Imagery, float]:
    return request.app.state.imagery, request.app.state.settings.deadline_s


async def _chunks(file: SourceFile, part: range) -> AsyncIterator[bytes]:
    for offset in range(part.start, part.stop, CHUNK):
        size = min(CHUNK, part.stop - offset)
        yield await asyncio.to_thread(os.pread, file.descriptor.number, size, offset)
