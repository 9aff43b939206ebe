"""``/api/v1/cache``: what is kept of pictures and files, tier by tier, and forgetting pictures."""

from datetime import datetime
from typing import Annotated, Literal

from chassis.identity import require_role
from chassis.problems import problem_responses, unavailable
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from imagery.flow import Imagery
from imagery.shared_cache import GONE, SharedCache
from imagery.studio import Studio

router = APIRouter(
    prefix="/api/v1/cache",
    tags=["imagery"],
    responses=problem_responses(403),
    dependencies=[Depends(require_role("admin"))],
)

Count = Annotated[int | None, Field(ge=0)]


class Tier(BaseModel):
    """One place where things are kept; what cannot be told is null."""

    name: Literal["memory", "pixels", "valkey", "disk"] = Field(
        description="Answers at hand, decoded pixels, answers for all processes, source files"
    )
    entries: Count = Field(description="Of Valkey: its keys, others' too; null: it is away")
    bytes: Count
    budget: Count = Field(description="Bytes beyond which the least used leave; null: no limit")
    hits: Count = Field(description="By this process since it began; null: not counted")
    misses: Count


class Cache(BaseModel):
    """What one process of the service keeps, and what it shares with others."""

    since: datetime = Field(description="When the process began to count")
    tiers: list[Tier]


class Emptied(BaseModel):
    """What was forgotten."""

    removed: int = Field(description="Answers that Valkey had")


@router.get("")
async def retrieve_cache(request: Request) -> Cache:
    """Bytes, budget, hits and misses of each tier, nearest first."""
    imagery: Imagery = request.app.state.imagery
    studio: Studio = request.app.state.studio
    recent, pixels = imagery.recent, studio.pixels
    tiers = [
        Tier(
            name="memory",
            entries=len(recent),
            bytes=recent.weight,
            budget=recent.budget,
            hits=imagery.hits["memory"],
            misses=imagery.misses["memory"],
        ),
        Tier(
            name="pixels",
            entries=len(pixels),
            bytes=pixels.weight,
            budget=pixels.budget,
            hits=None,
            misses=None,
        ),
        await _valkey(imagery, request.app.state.shared),
        await _disk(imagery),
    ]
    return Cache(since=imagery.since, tiers=tiers)


async def _valkey(imagery: Imagery, shared: SharedCache) -> Tier:
    entries: int | None
    size: int | None
    try:
        entries, size, budget = await shared.measure()
    except GONE:  # nulls say so: the page is for whoever wants to know why pictures are slow
        entries, size, budget = None, None, 0
    return Tier(
        name="valkey",
        entries=entries,
        bytes=size,
        budget=budget or None,
        hits=imagery.hits["valkey"],
        misses=imagery.misses["valkey"],
    )


async def _disk(imagery: Imagery) -> Tier:
    s3 = imagery.objects.s3
    files, size, budget = await s3.measure()
    return Tier(
        name="disk",
        entries=files,
        bytes=size,
        budget=budget,
        hits=s3.kept_objects,
        misses=s3.fetched_objects,
    )


@router.delete("", responses=problem_responses(503))
async def empty_cache(request: Request) -> Emptied:
    """Forget every picture and document that was made; source files stay.

    Each is made again when it is next asked for. A Valkey that is away is a 503: ask again.
    """
    imagery: Imagery = request.app.state.imagery
    try:
        return Emptied(removed=await imagery.empty())
    except GONE as error:
        raise unavailable(
            "The cache cannot be emptied", detail="Valkey cannot be reached; ask again."
        ) from error
