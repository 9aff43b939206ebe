"""The catalog's hierarchy of studies, series and instances."""

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from chassis.identity import Identity
from pydantic import BaseModel, ConfigDict, ValidationError

from imagery.bounded import ExpiringCache
from imagery.catalog import ask_catalog, unlike_the_contract

PATH = "/internal/v1/dicom/search"
STUDIES = 10_000
LARGEST_STUDY = 1000


class Instance(BaseModel):
    """An image, where it stands in the hierarchy, and cells of its row of the metadata table."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image_id: int
    dataset: str
    restricted: bool
    patient_id: str
    exam_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    columns: dict[str, str] = {}


class Found(BaseModel):
    """Instances, exam by exam; ``total`` counts what was paged by."""

    items: list[Instance]
    total: int


class DicomDirectory:
    """The catalog's ``POST /internal/v1/dicom/search``; studies are kept ``ttl_s`` seconds."""

    def __init__(self, session: aiohttp.ClientSession, url: str, ttl_s: float) -> None:
        self._session = session
        self._url = url.rstrip("/") + PATH
        self._studies: ExpiringCache[tuple[str, frozenset[str]], Sequence[Instance]]
        self._studies = ExpiringCache(STUDIES, ttl_s)

    def forget(self) -> None:
        """Remember no study."""
        self._studies.clear()

    async def search(self, question: Mapping[str, Any], authorization: str) -> Found:
        """What matches; Problem where the catalog refuses or is away."""
        body = await ask_catalog(self._session, self._url, dict(question), authorization)
        try:
            return Found.model_validate_json(body)
        except ValidationError as error:
            raise unlike_the_contract() from error

    async def study(
        self, study_instance_uid: str, caller: Identity, authorization: str
    ) -> Sequence[Instance]:
        """The instances of a study by series and UID; none where there is no such study.

        What somebody found is remembered for those who may see the same datasets.
        """
        key = (study_instance_uid, frozenset(caller.agreements))
        known = self._studies.get(key)
        if known is not None:
            return known
        question = {"study_instance_uid": study_instance_uid, "limit": LARGEST_STUDY}
        items = (await self.search(question, authorization)).items
        found = sorted(items, key=lambda one: (one.series_instance_uid, one.sop_instance_uid))
        if found:
            self._studies.put(key, found)
        return found
