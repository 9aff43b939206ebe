"""``/compat/embed-server``: the nine endpoints of the EMBED viewer's backend, for its app.

Several bodies are JSON in a JSON string, as the original's are: the app decodes them twice.
"""

import asyncio
from typing import Annotated, Any

import numpy as np
import orjson
from chassis.identity import Caller, Identity
from chassis.problems import Problem, not_found
from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from catalog import compat
from catalog.grammar import parse_json
from catalog.holder import ModelHolder, Served
from catalog.model.select import CompiledFilter
from catalog.routes.state import DatasetQuery, Holder, answer

router = APIRouter(prefix="/compat/embed-server", tags=["compat"])

Filters = Annotated[str | None, Query(max_length=60_000, description="The app's filter, JSON")]
ImageFormat = Annotated[str, Query(alias="format", pattern=r"^[a-z]{1,8}$")]


def _twice(body: Any) -> Response:
    """JSON in a JSON string."""
    once = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return Response(orjson.dumps(once), media_type="application/json")


@router.get("/filter/options", response_model=str)
async def list_compat_options(
    caller: Caller, holder: Holder, dataset: DatasetQuery = None
) -> Response:
    """Values of the app's filters."""
    model = holder.serve(dataset, caller).model
    return _twice(await asyncio.to_thread(compat.options, model, compat.FILTERS))


@router.get("/filter/abnormality-options", response_model=str)
async def list_compat_abnormality_options(
    caller: Caller, holder: Holder, dataset: DatasetQuery = None
) -> Response:
    """Values of the app's abnormality filters."""
    model = holder.serve(dataset, caller).model
    return _twice(await asyncio.to_thread(compat.options, model, compat.ABNORMALITIES))


@router.get("/filter/empi-anons", response_model=str)
async def list_compat_patients(
    caller: Caller, holder: Holder, dataset: DatasetQuery = None
) -> Response:
    """Every patient that has images."""
    model = holder.serve(dataset, caller).model
    return _twice({"empiAnons": compat.patient_numbers(model)})


@router.get("/filter/images-ids", response_model=str)
async def list_compat_images(
    caller: Caller, holder: Holder, dataset: DatasetQuery = None
) -> Response:
    """Every image."""
    model = holder.serve(dataset, caller).model
    return _twice({"imageIds": np.sort(model.image_id)})


@router.get("/images/{image_id}/images-metadata")
async def retrieve_compat_metadata(
    image_id: str, caller: Caller, holder: Holder, image_format: ImageFormat = "png"
) -> Response:
    """What the app shows beside a picture."""
    served, place = _within_bounds(holder, image_id, caller)
    return answer(compat.image_metadata(served.model, place, image_format))


@router.get(
    "/images/{image_id}/full",
    status_code=307,
    response_class=RedirectResponse,
    responses={200: {"content": {"image/png": {}}, "description": "The picture, at the redirect"}},
)
async def retrieve_compat_picture(
    image_id: str, caller: Caller, holder: Holder
) -> RedirectResponse:
    """The picture: a redirect to its PNG, which another service draws."""
    _within_bounds(holder, image_id, caller)
    return RedirectResponse(f"/api/v1/images/{int(image_id)}/rendered?format=png", 307)


@router.get("/patients/")
async def check_compat_connection(caller: Caller) -> dict[str, str]:
    """A connection test."""
    return {"status": "connected"}


@router.get("/patients/filter", response_model=str)
async def filter_compat_images(
    caller: Caller, holder: Holder, filters: Filters = None, dataset: DatasetQuery = None
) -> Response:
    """Ids of the images under the app's filter."""
    served = holder.serve(dataset, caller)
    conditions = parse_json(compat.parse_filters(filters))
    places = CompiledFilter(served.model, conditions).select().places
    return _twice({"imageIds": np.sort(served.model.image_id[places])})


@router.get("/patients/{image_id}")
async def retrieve_compat_patient(image_id: str, caller: Caller, holder: Holder) -> Response:
    """The patient and the worst finding of an image."""
    found = _find(holder, image_id, caller)
    if found is None:
        raise not_found("image", image_id[:64])
    served, place = found
    return answer(compat.patient_details(served.model, place))


def _find(holder: ModelHolder, image_id: str, caller: Identity) -> tuple[Served, int] | None:
    if not (image_id.isascii() and image_id.isdigit() and len(image_id) < 20):
        return None
    try:
        return holder.find_image(int(image_id), caller)
    except Problem as problem:
        if problem.status == 404:
            return None
        raise


def _within_bounds(holder: ModelHolder, image_id: str, caller: Identity) -> tuple[Served, int]:
    found = _find(holder, image_id, caller)
    if found is None:
        detail = f"Image ID {image_id[:64]} is out of bounds"
        raise Problem(400, "Bad request", detail=detail)
    return found
