"""A cohort and its members, asked of the catalog in the caller's name."""

from collections.abc import AsyncIterator
from typing import TypeVar

import aiohttp
from chassis.logs import HEADER, request_id
from chassis.problems import Problem, ProblemBody, unavailable
from pydantic import BaseModel, ValidationError

from imagery.sources import ImageSource

PAGE = 1000
Read = TypeVar("Read", bound=BaseModel)
TIMEOUT = aiohttp.ClientTimeout(total=10)
LONG = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)


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
    """The catalog's cohorts and their members."""

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

    async def sources(self, cohort_id: str, authorization: str) -> AsyncIterator[ImageSource]:
        """Where the files of all members lie, one after another as long as it takes.

        The catalog asks who the caller is once, at the beginning: an identity lives for a minute.
        """
        url = f"{self._url}/internal/v1/cohorts/{cohort_id}/image-sources"
        try:
            async with self._session.get(
                url, headers=_headers(authorization), timeout=LONG
            ) as response:
                if response.status != 200:
                    raise _refusal(response.status, await response.read())
                async for line in response.content:
                    yield ImageSource.model_validate_json(line)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unavailable("The catalog cannot be asked") from error
        except ValidationError as error:
            raise _not_understood() from error

    async def _get(
        self, path: str, query: dict[str, str], authorization: str, model: type[Read]
    ) -> Read:
        url = f"{self._url}/api/v1/cohorts/{path}"
        try:
            async with self._session.get(
                url, params=query, headers=_headers(authorization), timeout=TIMEOUT
            ) as response:
                body, status = await response.read(), response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unavailable("The catalog cannot be asked") from error
        if status != 200:
            raise _refusal(status, body)
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise _not_understood() from error


def _headers(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization, HEADER: request_id() or ""}


def _refusal(status: int, body: bytes) -> Problem:
    """The catalog's own problem, passed on."""
    try:
        told = ProblemBody.model_validate_json(body)
    except ValidationError:
        return _not_understood()
    return Problem(status, told.title, detail=told.detail, type=told.type, errors=told.errors)


def _not_understood() -> Problem:
    return unavailable("The catalog gives no answer that is understood")
