"""WADO-RS: instances, metadata, frames and bulk data (PS3.18 10.4)."""

import json
import re
from collections.abc import AsyncIterator, Sequence

from chassis.identity import require_role
from chassis.problems import FieldError, Problem, problem_responses
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from imagery.dicomweb.accept import DICOM, Choice
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
from imagery.dicomweb.multipart import Framing, Part, chained
from imagery.dicomweb.retrieval import Archive, Kept, frame_choice, instance_choice
from imagery.dicomweb.routes_search import DICOM_JSON, PREFIX, require_json

_frames = re.compile(r"[1-9]\d{0,5}(,[1-9]\d{0,5}){0,999}")

router = APIRouter(
    prefix=PREFIX, tags=["dicomweb"], responses=problem_responses(404, 406, 422, 502, 503, 504)
)
Researcher = Depends(require_role("researcher"))


@router.get(STUDY, response_class=Response, dependencies=[Researcher])
async def retrieve_study(request: Request, archive: Studies, found: OfStudy) -> Response:
    """All instances of a study as files."""
    return await _instances(request, archive, found)


@router.get(SERIES, response_class=Response, dependencies=[Researcher])
async def retrieve_series(request: Request, archive: Studies, found: OfSeries) -> Response:
    """All instances of a series as files."""
    return await _instances(request, archive, found)


@router.get(INSTANCE, response_class=Response, dependencies=[Researcher])
async def retrieve_instance(request: Request, archive: Studies, found: TheInstance) -> Response:
    """An instance as a file; with `transfer-syntax=*` byte for byte as it is kept."""
    return await _instances(request, archive, [found])


@router.get(f"{STUDY}/metadata", response_class=Response)
async def retrieve_study_metadata(request: Request, archive: Studies, found: OfStudy) -> Response:
    """What is shown of the instances of a study, in the DICOM JSON model."""
    return await _metadata(request, archive, found)


@router.get(f"{SERIES}/metadata", response_class=Response)
async def retrieve_series_metadata(request: Request, archive: Studies, found: OfSeries) -> Response:
    """What is shown of the instances of a series."""
    return await _metadata(request, archive, found)


@router.get(f"{INSTANCE}/metadata", response_class=Response)
async def retrieve_instance_metadata(
    request: Request, archive: Studies, found: TheInstance
) -> Response:
    """What is shown of an instance."""
    return await _metadata(request, archive, [found])


@router.get(f"{INSTANCE}/frames/{{frames}}", response_class=Response)
async def retrieve_instance_frames(
    request: Request, archive: Studies, found: TheInstance, frames: str
) -> Response:
    """Frames (`1` or `1,3,5`) in the transfer syntax that the client accepts."""
    kept = await archive.kept(found)
    return await _frames_of(request, archive, kept, asked_frames(frames, kept))


@router.get(f"{INSTANCE}/bulkdata", response_class=Response)
async def retrieve_instance_bulkdata(
    request: Request, archive: Studies, found: TheInstance
) -> Response:
    """The pixel data, which metadata refers to: all frames."""
    kept = await archive.kept(found)
    return await _frames_of(request, archive, kept, range(1, kept.frames + 1))


def asked_frames(text: str, kept: Kept) -> list[int]:
    """Numbers of frames, which count from 1; 400 for what is no list, 404 for what is not there."""
    if not _frames.fullmatch(text):
        fault = FieldError(field="frames", message="is no list of frames", accepted=["1", "1,2,3"])
        raise Problem(400, "Not a list of frames", detail=fault.message, errors=[fault])
    numbers = [int(part) for part in text.split(",")]
    if max(numbers) > kept.frames:
        detail = f"The instance has frames 1 to {kept.frames}."
        raise Problem(404, "frame not found", detail=detail)
    return numbers


async def _instances(request: Request, archive: Archive, instances: Sequence[Instance]) -> Response:
    accept = accepted(request)
    first = await archive.kept(instances[0])
    choice = instance_choice(first, accept, single=len(instances) == 1)
    part = await archive.file(first, choice.offer)
    rest = archive.files(instances[1:], accept)
    return await _message(choice, DICOM, chained(part, rest))


async def _frames_of(
    request: Request, archive: Archive, kept: Kept, frames: Sequence[int]
) -> Response:
    choice = frame_choice(kept, accepted(request), single=len(frames) == 1)
    parts = archive.frame_parts(kept, frames, choice.offer)
    return await _message(choice, choice.offer.media, chained(await anext(parts), parts))


async def _message(choice: Choice, media: str, parts: AsyncIterator[Part]) -> Response:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept"}
    if not choice.related:
        part = await anext(parts)
        if part.location:
            headers["Content-Location"] = part.location
        headers["Content-Type"] = part.content_type
        return StreamingResponse(part.chunks, headers=headers)
    framing = Framing(media)
    headers["Content-Type"] = framing.content_type
    return StreamingResponse(framing.frame(parts), headers=headers)


async def _metadata(request: Request, archive: Archive, instances: Sequence[Instance]) -> Response:
    require_json(request)
    documents = [document async for document in archive.metadata(instances)]
    headers = {"Cache-Control": "private, no-cache"}
    return Response(json.dumps(documents), media_type=DICOM_JSON, headers=headers)
