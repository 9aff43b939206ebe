"""``/api/v1/cohorts/{cohort_id}/archive``."""

import asyncio
from typing import Annotated, Any
from urllib.parse import urlencode

from chassis.identity import Identity, require_agreement, require_role
from chassis.pages import Cursor
from chassis.problems import invalid, problem_responses
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from imagery import parameters as given
from imagery.archives.contents import Content, Layout, Packing, safe_name
from imagery.archives.packer import Packer
from imagery.cohorts import Cohort, CohortMembers, Member, Members
from imagery.sources import ImageSource, SourceLookup

ZIP = "application/zip"
FORMAT = "embedlab-archive/1"
PART = 1000

router = APIRouter(prefix="/api/v1/cohorts/{cohort_id}", tags=["archives"])
Researcher = Annotated[Identity, Depends(require_role("researcher"))]


async def asked_packing(
    content: Annotated[
        Content, Query(description="Pictures of 8 or 16 bits, original files, or ROIs cut out")
    ] = "png8",
    layout: Annotated[
        Layout, Query(description="Folders: `class/`, `split/class/` or none")
    ] = "class",
    short_edge: given.ShortEdge = None,
    margin: given.Margin = "0px",
) -> Packing:
    """How the cohort is to be packed."""
    if content == "dicom" and short_edge is not None:
        raise invalid("short_edge", "original files have the size they have", ["png8", "png16"])
    amount, unit = given.margin(margin)
    if content != "rois" and amount:
        raise invalid("margin", "is for ROIs", ["content=rois"])
    return Packing(content, layout, short_edge, amount, unit)


@router.get(
    "/archive",
    response_class=Response,
    responses={
        200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}},
        **problem_responses(403, 404, 410, 422, 503),
    },
)
async def retrieve_cohort_archive(
    request: Request,
    caller: Researcher,
    cohort_id: Annotated[str, Path(pattern=r"^[0-9a-fA-F-]{1,64}$")],
    packing: Annotated[Packing, Depends(asked_packing)],
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=PART, description="Images of a part")] = PART,
) -> Response:
    """A part of a cohort as a ZIP with a manifest of its own; `Link` leads to the next part."""
    authorization = request.headers.get("authorization", "")
    members: CohortMembers = request.app.state.members
    cohort = await members.cohort(cohort_id, authorization)
    page = await members.page(cohort_id, authorization, cursor, limit)
    # The identity ends before the last file is sent, so everything is asked for now.
    sources = await _sources(request, caller, page, authorization)
    told = _told(cohort, packing, page, cursor, limit)
    packer = Packer(request.app.state.imagery, packing, told, request.app.state.settings.deadline_s)
    pairs = list(zip(page.items, sources, strict=True))
    headers = _headers(request, cohort, packing, page, limit)
    return StreamingResponse(packer.pack(pairs), media_type=ZIP, headers=headers)


async def _sources(
    request: Request, caller: Identity, page: Members, authorization: str
) -> list[ImageSource | None]:
    lookup: SourceLookup = request.app.state.sources

    async def find(member: Member) -> ImageSource | None:
        source = await lookup.find(member.image_id, authorization)
        if source is not None:
            require_agreement(caller, source.dataset, restricted=source.restricted)
        return source

    return list(await asyncio.gather(*map(find, page.items)))


def _told(
    cohort: Cohort, packing: Packing, page: Members, cursor: str | None, limit: int
) -> dict[str, Any]:
    """The head of the manifest."""
    return {
        "format": FORMAT,
        "cohort": cohort.model_dump(),
        "packing": vars(packing),
        "part": {
            "cursor": cursor,
            "next": page.next,
            "members": len(page.items),
            "cohort_members": page.total,
            "limit": limit,
        },
    }


def _headers(
    request: Request, cohort: Cohort, packing: Packing, page: Members, limit: int
) -> dict[str, str]:
    name = f"{safe_name(cohort.name)}-{packing.content}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Archive-Parts": str(-(-page.total // limit)),
    }
    if page.next:
        asked = dict(request.query_params) | {"cursor": page.next}
        headers["Link"] = f'<{request.url.path}?{urlencode(asked)}>; rel="next"'
    return headers
