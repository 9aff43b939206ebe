"""Packs a part of a cohort: files one after another, some made ahead, the manifest at the end."""

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.logs import get_logger

from imagery.answers import Refusal
from imagery.archives.contents import MANIFEST, Entry, Packing, entries
from imagery.archives.zipping import ZipStream
from imagery.cohorts import Member
from imagery.decoding.pool import BusyError
from imagery.faults import refusal_problem, to_problem
from imagery.flow import Imagery
from imagery.objects.chunks import file_chunks
from imagery.objects.types import SourceError, SourceFile
from imagery.sources import ImageSource

log = get_logger(__name__)

AHEAD = 3
BUSY_S = 0.5

Made = bytes | SourceFile


@dataclass(frozen=True)
class Wanted:
    """An entry that is to be made, of a member."""

    member: Member
    source: ImageSource
    entry: Entry


class NotMadeError(Exception):
    """An entry cannot be had; the reason goes into the manifest."""


@dataclass
class Packer:
    """One part of an archive. ``told`` stands at the head of its manifest."""

    imagery: Imagery
    packing: Packing
    told: dict[str, Any]
    deadline_s: float
    files: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    async def pack(
        self, members: Sequence[tuple[Member, ImageSource | None]]
    ) -> AsyncIterator[bytes]:
        """The ZIP. What cannot be had is left out and listed in the manifest."""
        stream = ZipStream()
        async for wanted, made in self._made_in_order(members):
            async for data in self._added(stream, wanted, made):
                yield data
        async for data in stream.add(MANIFEST, _whole(self._manifest())):
            yield data
        yield stream.end()

    async def _added(self, stream: ZipStream, wanted: Wanted, made: Made) -> AsyncIterator[bytes]:
        digest, size = hashlib.sha256(), 0

        async def measured() -> AsyncIterator[bytes]:
            nonlocal size
            chunks = file_chunks(made) if isinstance(made, SourceFile) else _whole(made)
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        async for data in stream.add(wanted.entry.path, measured()):
            yield data
        roi = {} if wanted.entry.roi is None else {"roi": wanted.entry.roi}
        sums = {"bytes": size, "sha256": digest.hexdigest()}
        self.files.append({"path": wanted.entry.path, **wanted.member.model_dump(), **roi, **sums})

    async def _made_in_order(
        self, members: Sequence[tuple[Member, ImageSource | None]]
    ) -> AsyncIterator[tuple[Wanted, Made]]:
        """Each entry with its content; a few are being made while one is sent."""
        waiting = self._wanted(members)
        working: deque[tuple[Wanted, asyncio.Task[Made]]] = deque()
        try:
            while True:
                while len(working) < AHEAD and (wanted := next(waiting, None)):
                    working.append((wanted, asyncio.create_task(self._make(wanted))))
                if not working:
                    return
                wanted, task = working.popleft()
                try:
                    made = await task
                except NotMadeError as error:
                    self._fail(wanted.member, str(error), wanted.entry.path)
                else:
                    yield wanted, made
        finally:
            for _, task in working:
                task.cancel()

    def _wanted(self, members: Sequence[tuple[Member, ImageSource | None]]) -> Iterator[Wanted]:
        for member, source in members:
            if source is None:
                self._fail(member, "The catalog knows no file of this image.")
                continue
            for entry in entries(member, source, self.packing):
                yield Wanted(member, source, entry)

    async def _make(self, wanted: Wanted) -> Made:
        """The entry's content; NotMadeError with what a person would be told."""
        while True:
            try:
                async with asyncio.timeout(self.deadline_s):
                    return await self._content(wanted)
            except BusyError:
                await asyncio.sleep(BUSY_S)  # an archive has time, the people who wait have not
            except (SourceError, TimeoutError) as error:
                problem = to_problem(error)
                raise NotMadeError(problem.detail or problem.title) from error

    async def _content(self, wanted: Wanted) -> Made:
        if wanted.entry.rendering is None:
            return await self.imagery.original(wanted.source)
        found = await self.imagery.draw(wanted.source, wanted.entry.rendering)
        if isinstance(found, Refusal):
            raise NotMadeError(refusal_problem(found).detail)
        return found.body

    def _fail(self, member: Member, reason: str, path: str | None = None) -> None:
        self.errors.append({"path": path, **member.model_dump(), "reason": reason})

    def _manifest(self) -> bytes:
        document = {**self.told, "files": self.files, "errors": self.errors}
        return json.dumps(document, indent=1).encode()


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body
