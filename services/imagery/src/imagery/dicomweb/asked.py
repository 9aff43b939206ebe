"""What the paths of WADO-RS ask for: dependencies that its routes share."""

from collections.abc import Sequence
from typing import Annotated

from chassis.identity import Caller
from fastapi import Depends, Path, Request

from imagery.audit import note_subject
from imagery.conditional import public_origin
from imagery.dicomweb.directory import Instance
from imagery.dicomweb.retrieval import Archive
from imagery.dicomweb.routes_search import PREFIX

STUDY = "/studies/{study}"
SERIES = f"{STUDY}/series/{{series}}"
INSTANCE = f"{SERIES}/instances/{{instance}}"

Uid = Annotated[str, Path(max_length=128)]


async def dicom_archive(request: Request, caller: Caller) -> Archive:
    """The studies as the caller may have them."""
    state = request.app.state
    return Archive(
        imagery=state.imagery,
        sources=state.sources,
        directory=state.directory,
        caller=caller,
        authorization=request.headers.get("authorization", ""),
        base=public_origin(request) + PREFIX,
        deadline_s=state.settings.deadline_s,
    )


Studies = Annotated[Archive, Depends(dicom_archive)]


async def of_study(request: Request, archive: Studies, study: Uid) -> Sequence[Instance]:
    """The instances of the study in the path; 404 where there is none."""
    return _noted(request, await archive.instances(study))


async def of_series(
    request: Request, archive: Studies, study: Uid, series: Uid
) -> Sequence[Instance]:
    """The instances of the series."""
    return _noted(request, await archive.instances(study, series))


async def the_instance(
    request: Request, archive: Studies, study: Uid, series: Uid, instance: Uid
) -> Instance:
    """The instance."""
    return _noted(request, await archive.instances(study, series, instance))[0]


def _noted(request: Request, found: Sequence[Instance]) -> Sequence[Instance]:
    note_subject(request.scope, (one.patient_id for one in found))
    return found


OfStudy = Annotated[Sequence[Instance], Depends(of_study)]
OfSeries = Annotated[Sequence[Instance], Depends(of_series)]
TheInstance = Annotated[Instance, Depends(the_instance)]


def accepted(request: Request) -> str:
    """The Accept header, or the query parameter in its place (PS3.18 8.3.3.1)."""
    return request.query_params.get("accept") or request.headers.get("accept", "")
