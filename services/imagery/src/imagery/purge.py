"""``DELETE /datasets/{name}/pictures``: imagery's part of a purge.

Answers in Valkey, which cost the most to make, name their dataset: those of others stay. Everything
else goes, of every dataset. Source files and their versions are named by digests of their
addresses, which datasets may share and which nobody knows any more for former revisions; what this
process remembers is little, and soon there again. The catalog comes first: what it has forgotten
cannot be made again.
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
    """Forget the dataset's pictures and all source files, and end what warms pictures.

    A cache that cannot be emptied is a 503: ask again.
    """
    state = request.app.state
    await state.warming.close()
    state.sources.forget()
    state.directory.forget()
    try:
        removed = await state.imagery.forget(name)
    except GONE as error:
        raise unavailable(
            "The cache cannot be emptied", detail="Valkey cannot be reached; ask again."
        ) from error
    return PurgedPictures(dataset=name, removed=removed)
