"""The members of a cohort, asked of the catalog page by page."""

from collections.abc import AsyncIterator
from typing import TypeVar

import aiohttp
from chassis.logs import HEADER, request_id
from chassis.problems import Problem, ProblemBody, unavailable
from pydantic import BaseModel, ValidationError

PAGE = 1000
Read = TypeVar("Read", bound=BaseModel)
TIMEOUT = aiohttp.ClientTimeout(total=10)


class Member(BaseModel):
    """What is needed of a member."""

    image_id: int
    sop_instance_uid: str
    patient_id: str
    exam_id: str
    label: str
    split: str


class Members(BaseModel):
    """A page of them."""

    items: list[Member]
    total: int
    next: str | None = None


class Cohort(BaseModel):
    """What is needed of a frozen cohort."""

    cohort_id: str
    name: str
    sha256: str
    dataset: str
    revision_id: int


class CohortMembers:
    """The catalog's ``GET /api/v1/cohorts/{cohort_id}/members``, in the caller's name."""

    def __init__(self, session: aiohttp.ClientSession, catalog_url: str) -> None:
        self._session = session
        self._url = catalog_url.rstrip("/")

    async def page(
        self, cohort_id: str, authorization: str, cursor: str | None = None, limit: int = PAGE
    ) -> Members:
        """One page; the catalog's own problem where the caller may not see the cohort."""
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return await self._get(f"{cohort_id}/members", query, authorization, Members)

    async def cohort(self, cohort_id: str, authorization: str) -> Cohort:
        """The cohort itself."""
        return await self._get(cohort_id, {}, authorization, Cohort)

    async def _get(
        self, path: str, query: dict[str, str], authorization: str, model: type[Read]
    ) -> Read:
        url = f"{self._url}/api/v1/cohorts/{path}"
        headers = {"Authorization": authorization, HEADER: request_id() or ""}
        try:
            async with self._session.get(
                url, params=query, headers=headers, timeout=TIMEOUT
            ) as response:
                body, status = await response.read(), response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unavailable("The catalog cannot be asked") from error
        try:
            if status == 200:
                return model.model_validate_json(body)
            told = ProblemBody.model_validate_json(body)
        except ValidationError as error:
            raise unavailable("The catalog gives no answer that is understood") from error
        raise Problem(status, told.title, detail=told.detail, type=told.type, errors=told.errors)

    async def image_ids(self, cohort_id: str, authorization: str) -> AsyncIterator[list[int]]:
        """All members, a page at a time."""
        cursor = None
        while True:
            page = await self.page(cohort_id, authorization, cursor)
            yield [member.image_id for member in page.items]
            cursor = page.next
            if cursor is None:
                return
