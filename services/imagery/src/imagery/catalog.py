"""Image sources from the catalog: many concurrent questions become one call, answers are kept."""

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
from chassis.logs import HEADER, get_logger, request_id
from chassis.problems import Problem, ProblemBody, unavailable
from pydantic import BaseModel, ValidationError

from imagery.bounded import ExpiringCache
from imagery.sources import ImageSource

log = get_logger(__name__)

BATCH = 1000
GATHER_S = 0.001
ENTRIES = 100_000
TIMEOUT_S = 5.0
REFUSALS = frozenset((401, 403, 404))
PATH = "/internal/v1/image-sources"


class Answer(BaseModel):
    """Body of the catalog's answer."""

    items: list[ImageSource]
    missing: list[int] = []


Waiting = dict[int, "asyncio.Future[ImageSource | None]"]


class CatalogSources:
    """The catalog's ``POST /internal/v1/image-sources``.

    Answers are trusted for ``ttl_s`` seconds, and only as long as no newer revision of their
    dataset has been seen. An image the catalog does not know is asked for again each time.
    Questions are collected per identity, so that nobody's is asked in another's name.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, ttl_s: float) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._known: ExpiringCache[int, ImageSource] = ExpiringCache(ENTRIES, ttl_s)
        self._revisions: dict[str, int] = {}
        self._waiting: dict[str, Waiting] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def find(self, image_id: int, authorization: str) -> ImageSource | None:
        """The source of an image; None where there is no such image."""
        known = self._known.get(image_id)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        if authorization not in self._waiting:
            self._waiting[authorization] = {}
            call = asyncio.create_task(self._ask_soon(authorization))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        waiting = self._waiting[authorization]
        future = waiting.setdefault(image_id, loop.create_future())
        return await asyncio.shield(future)

    def forget(self) -> None:
        """Remember no source."""
        self._known.clear()

    def known(self, image_id: int) -> ImageSource | None:
        """The source of an image where it is remembered."""
        return self._known.get(image_id)

    async def check(self) -> None:
        """Readiness: the catalog is alive."""
        async with self._session.get(f"{self._url}/livez") as response:
            response.raise_for_status()

    async def _ask_soon(self, authorization: str) -> None:
        """Let others ask as well for a moment, then make the call, in parts where it is long."""
        await asyncio.sleep(GATHER_S)
        waiting = self._waiting.pop(authorization)
        ids = list(waiting)
        for start in range(0, len(ids), BATCH):
            part = {image_id: waiting[image_id] for image_id in ids[start : start + BATCH]}
            await self._settle(part, authorization)

    async def _settle(self, waiting: Waiting, authorization: str) -> None:
        try:
            found = await self._ask(list(waiting), authorization)
        except Exception as error:  # noqa: BLE001 - each of those who wait gets it
            if isinstance(error, Problem) and error.status == 403 and len(waiting) > 1:
                # One restricted image refuses the whole question; the others are innocent.
                for image_id, future in waiting.items():
                    await self._settle({image_id: future}, authorization)
                return
            for future in waiting.values():
                future.set_exception(error)
                future.exception()  # seen, even where the one who asked has left
            return
        for image_id, future in waiting.items():
            future.set_result(found.get(image_id))

    async def _ask(self, ids: Sequence[int], authorization: str) -> dict[int, ImageSource]:
        question = {"image_ids": ids}
        body = await ask_catalog(self._session, self._url + PATH, question, authorization)
        try:
            answer = Answer.model_validate_json(body)
        except ValidationError as error:
            raise unlike_the_contract() from error
        for source in answer.items:
            self._remember(source)
        return {source.image_id: source for source in answer.items}

    def _remember(self, source: ImageSource) -> None:
        newest = self._revisions.setdefault(source.dataset, source.revision_id)
        if source.revision_id > newest:
            self._known.drop_where(lambda known: known.dataset == source.dataset)
            self._revisions[source.dataset] = source.revision_id
        self._known.put(source.image_id, source)


async def ask_catalog(
    session: aiohttp.ClientSession, url: str, question: Any, authorization: str
) -> bytes:
    """The body of the catalog's answer; its refusals are passed on, its absence is a 503."""
    try:
        try:
            status, body = await _post(session, url, question, authorization)
        except aiohttp.ClientConnectionError:
            # A kept connection may be closed there while the question is on its way.
            status, body = await _post(session, url, question, authorization)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _unreachable(type(error).__name__) from error
    if status in REFUSALS:
        raise _refused(status, body)
    if status != 200:
        raise _unreachable(f"status {status}")
    return body


async def _post(
    session: aiohttp.ClientSession, url: str, question: Any, authorization: str
) -> tuple[int, bytes]:
    headers = {"Authorization": authorization, HEADER: request_id() or ""}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with session.post(url, json=question, headers=headers, timeout=timeout) as response:
        return response.status, await response.read()


def unlike_the_contract() -> Problem:
    """The catalog said something that is no answer to the question."""
    return _unreachable("an answer of another shape")


def _refused(status: int, body: bytes) -> Problem:
    """The catalog's own refusal, passed on."""
    try:
        told = ProblemBody.model_validate_json(body)
    except ValidationError:
        return Problem(status, "Refused by the catalog")
    return Problem(status, told.title, detail=told.detail, type=told.type)


def _unreachable(what: str) -> Problem:
    log.warning("catalog unavailable", extra={"kind": what})
    return unavailable(
        "The catalog cannot be asked", detail="Which file the image is could not be found out."
    )
