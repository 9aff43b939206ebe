"""Thumbnails of a cohort made before anybody looks at it, in the background.

The one who asks has an identity for a minute, the work takes hours: so the catalog is asked one
question, its answer is put on a list on disk, and only then pictures are made, two at a time and
behind what people wait for. How far it has come stands in Valkey, where every process of the
service reads it.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from typing import IO, Literal

from chassis.logs import get_logger
from chassis.problems import Problem
from pydantic import BaseModel

from imagery.answers import Refusal
from imagery.cohorts import CohortMembers
from imagery.decoding.pool import BusyError
from imagery.flights import Background
from imagery.flow import Imagery
from imagery.objects.types import SourceError
from imagery.rendering.request import Rendering
from imagery.shared_cache import SharedCache
from imagery.sources import ImageSource

log = get_logger(__name__)

AT_ONCE = 2
REPORT_S = 1.0
SILENT_S = 60.0
KEPT_S = 86_400
BUSY_S = 0.5

State = Literal["listing", "running", "done", "cancelled", "failed", "lost"]
ACTIVE: tuple[State, ...] = ("listing", "running")


class Progress(BaseModel):
    """How far the warming of a cohort has come; ``failed`` images cannot be shown or read."""

    cohort_id: str
    state: State
    size: int
    images: int
    made: int = 0
    failed: int = 0
    reason: str | None = None
    updated_at: float = 0.0


class Warming:
    """Starts, tells of and cancels the warming of cohorts, one of each at a time."""

    def __init__(
        self,
        imagery: Imagery,
        members: CohortMembers,
        shared: SharedCache,
    ) -> None:
        self._imagery = imagery
        self._members = members
        self._shared = shared
        self._background = Background()

    async def close(self) -> None:
        """End what is running."""
        await self._background.cancel()

    async def start(self, cohort_id: str, rendering: Rendering, authorization: str) -> Progress:
        """Begin, unless it is under way; the catalog's problem where the caller may not see it."""
        known = await self.progress(cohort_id, authorization)
        if known is not None and known.state in ACTIVE:
            return known
        first = await self._members.page(cohort_id, authorization, limit=1)
        size = rendering.size.width
        begun = Progress(cohort_id=cohort_id, state="listing", size=size, images=first.total)
        await self._tell(begun)
        self._background.start(self._run(begun, rendering, authorization))
        return begun

    async def progress(self, cohort_id: str, authorization: str) -> Progress | None:
        """How far it has come; None where it was never begun, or Valkey has forgotten."""
        await self._members.page(cohort_id, authorization, limit=1)
        return await self._told(cohort_id)

    async def cancel(self, cohort_id: str, authorization: str) -> Progress | None:
        """Stop it, within about a second."""
        known = await self.progress(cohort_id, authorization)
        if known is not None and known.state in ACTIVE:
            known.state = "cancelled"
            await self._tell(known)
        return known

    async def _run(self, now: Progress, rendering: Rendering, authorization: str) -> None:
        try:
            with tempfile.TemporaryFile() as listed:
                await self._list(now, listed, authorization)
                now.state = "running"
                await self._make_all(now, listed, rendering)
        except Problem as problem:
            now.state, now.reason = "failed", problem.detail or problem.title
        except OSError as error:
            now.state, now.reason = "failed", f"the list cannot be kept: {error.strerror}"
        log.info("warming ended", extra={"state": now.state, "made": now.made})
        await self._tell(now)

    async def _list(self, now: Progress, listed: IO[bytes], authorization: str) -> None:
        """Write the sources of all members, a line each; a member without one has failed."""
        now.failed = now.images
        async for source in self._members.sources(now.cohort_id, authorization):
            listed.write(source.model_dump_json(exclude={"rois"}).encode() + b"\n")
            now.failed -= 1

    async def _make_all(self, now: Progress, listed: IO[bytes], rendering: Rendering) -> None:
        reported, waiting = 0.0, _sources(listed)
        while some := list(islice(waiting, AT_ONCE)):
            if time.monotonic() - reported >= REPORT_S:
                reported = time.monotonic()
                if await self._is_cancelled(now.cohort_id):
                    now.state = "cancelled"
                    return
                await self._tell(now)
            made = await asyncio.gather(*(self._make(source, rendering) for source in some))
            now.made += sum(made)
            now.failed += len(made) - sum(made)
        now.state = "done"

    async def _make(self, source: ImageSource, rendering: Rendering) -> bool:
        """Whether there is a picture of it now."""
        while True:
            try:
                found = await self._imagery.picture(source, rendering)
            except BusyError:
                await asyncio.sleep(BUSY_S)
            except TimeoutError:
                return False
            except SourceError as error:
                if error.fault != "busy":
                    return False
                await asyncio.sleep(BUSY_S)
            else:
                return not isinstance(found.answer, Refusal)

    async def _is_cancelled(self, cohort_id: str) -> bool:
        told = await self._told(cohort_id)
        return told is not None and told.state == "cancelled"

    async def _told(self, cohort_id: str) -> Progress | None:
        found = await self._shared.get(_key(cohort_id))
        if found is None:
            return None
        told = Progress.model_validate_json(found)
        if told.state in ACTIVE and time.time() - told.updated_at > SILENT_S:
            told.state = "lost"
        return told

    async def _tell(self, progress: Progress) -> None:
        progress.updated_at = time.time()
        await self._shared.put(
            _key(progress.cohort_id), progress.model_dump_json().encode(), KEPT_S
        )


def _sources(listed: IO[bytes]) -> Iterator[ImageSource]:
    listed.seek(0)
    for line in listed:
        yield ImageSource.model_validate_json(line)


def _key(cohort_id: str) -> str:
    return f"imagery:warming:{cohort_id}"
