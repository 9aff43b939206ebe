"""``DELETE /datasets/{name}/pictures``: imagery's part of a purge.

Keys and file names are digests, which do not tell whose they are, and pictures of former revisions
have addresses that nobody knows any more. So everything that is kept goes, of every dataset: it is
all expendable. The catalog comes first: what it has forgotten cannot be made again.
"""

from chassis.identity import require_role
from chassis.problems import problem_responses, unavailable
from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from imagery.shared_cache import GONE

router = APIRouter(
    prefix="/api/v1/datasets", tags=["datasets"], responses=problem_responses(403, 422, 503)
)
Name = Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="The dataset", examples=["embed"])


class PurgedPictures(BaseModel):
    """What imagery had kept."""

    dataset: str
    removed: dict[str, int] = Field(examples=[{"entries": 5120, "files": 310, "bytes": 5270000000}])


@router.delete("/{name}/pictures", dependencies=[Depends(require_role("admin"))])
async def purge_pictures(request: Request, name: str = Name) -> PurgedPictures:
    """Empty the caches of pictures and source files, and end what warms them.

    A cache that cannot be emptied is a 503: ask again.
    """
    state = request.app.state
    await state.warming.close()
    state.sources.forget()
    state.directory.forget()
    try:
        removed = await state.imagery.forget()
    except GONE as error:
        raise unavailable(
            "The cache cannot be emptied", detail="Valkey cannot be reached; ask again."
        ) from error
    return PurgedPictures(dataset=name, removed=removed)
