"""The catalog, over HTTP: frozen cohorts and their members."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import BaseModel, ConfigDict, field_validator

PAGE = 1000

Authorize = Callable[[], str]


class UpstreamError(Exception):
    """Another service did not answer as it should.

    ``status`` 0 means not at all; ``kind`` is the type of its problem document.
    """

    def __init__(self, service: str, status: int, detail: str, kind: str = "") -> None:
        super().__init__(
            f"{service} answered {status}: {detail}" if status else f"{service}: {detail}"
        )
        self.service = service
        self.status = status
        self.detail = detail
        self.kind = kind

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in (0, 401, 408, 425, 429) or self.status >= 500


class CohortClass(BaseModel):
    """A class of a cohort: its images, also per split."""

    name: str
    images: int
    patients: int
    splits: dict[str, int] = {}


class Cohort(BaseModel):
    """What the trainer needs of a cohort."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    cohort_id: str
    sha256: str
    name: str
    dataset: str
    revision_id: str
    definition: dict[str, Any]
    counts: dict[str, int]
    classes: list[CohortClass]
    attrition: list[dict[str, Any]] = []
    warnings: list[str] = []


class Dataset(BaseModel):
    """What the trainer needs of a dataset."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    name: str
    title: str | None = None
    licence: str | None = None
    attribution: str | None = None
    restricted: bool
    revision_id: str | None


class Member(BaseModel):
    """One labelled image of a cohort."""

    model_config = ConfigDict(extra="ignore")

    image_id: int
    sop_instance_uid: str
    patient_id: str
    exam_id: str
    label: str
    split: str
    attributes: dict[str, Any] = {}

    @field_validator("split")
    @classmethod
    def _known_split(cls, value: str) -> str:
        if value not in ("train", "validation", "test"):
            raise ValueError(f"unknown split {value!r}")
        return value


@dataclass(frozen=True)
class CatalogClient:
    """Reads the catalog as the identity that ``authorize`` names."""

    http: aiohttp.ClientSession
    base_url: str
    authorize: Authorize

    async def find_cohort(self, cohort_id: str) -> Cohort:
        """The cohort; UpstreamError with its status where it may not be read."""
        return Cohort.model_validate(await self._get(f"/api/v1/cohorts/{cohort_id}"))

    async def find_dataset(self, name: str) -> Dataset:
        """Whether the dataset is restricted, and the revision that is served now."""
        found = await self._get(f"/api/v1/datasets/{name}")
        revision = found.get("revision") or {}
        return Dataset.model_validate({**found, "revision_id": revision.get("revision_id")})

    async def iterate_members(self, cohort_id: str) -> AsyncIterator[Member]:
        """All members, a page at a time, in the catalog's order."""
        cursor: str | None = None
        while True:
            query = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
            page = await self._get(f"/api/v1/cohorts/{cohort_id}/members", query)
            for item in page["items"]:
                yield Member.model_validate(item)
            cursor = page["next"]
            if cursor is None:
                return

    async def iterate_rois(
        self, image_ids: Sequence[int]
    ) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
        """(image, its ROIs in pixels of the film, chest wall left), a page at a time."""
        for start in range(0, len(image_ids), PAGE):
            wanted = {"image_ids": list(image_ids[start : start + PAGE])}
            found = await self._ask("POST", "/internal/v1/image-sources", json=wanted)
            for item in found["items"]:
                yield item["image_id"], item["rois"]

    async def _get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        return await self._ask("GET", path, params=query)

    async def _ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.authorize()}"}
        url = self.base_url + path
        try:
            async with self.http.request(method, url, headers=headers, **content) as answer:
                body = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UpstreamError("catalog", 0, f"{type(error).__name__}: {error}") from error
        if answer.status != 200:
            detail = str(body.get("detail") or body.get("title"))
            raise UpstreamError("catalog", answer.status, detail, str(body.get("type") or ""))
        found: dict[str, Any] = body
        return found


def open_http(concurrency: int = 8) -> aiohttp.ClientSession:
    """A session with deadlines, for calls to other services."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency),
        timeout=aiohttp.ClientTimeout(total=120, connect=5, sock_read=60),
    )
