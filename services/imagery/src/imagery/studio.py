"""Where pictures are made: file, decoded pixels, worker; one decode however many ask."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chassis.logs import get_logger

from imagery.answers import Answer, Refusal
from imagery.bounded import LruCache
from imagery.decoding.pool import DecoderPool, DecodeTimeoutError, WorkerDiedError
from imagery.decoding.protocol import Message
from imagery.descriptors import Descriptor, memory_file
from imagery.objects.types import SourceError, SourceFile
from imagery.rendering.request import Rendering
from imagery.sources import ImageSource

log = get_logger(__name__)

CRASHES = 3
TOO_SLOW = "decoding it takes longer than {:g} seconds"
KEEP_FROM = 1024
SURVEYS = 10_000
CONFIRMED = 10_000


@dataclass(frozen=True)
class Pixels:
    """Decoded stored values of one frame in memory, and their layout."""

    memory: Descriptor
    layout: dict[str, Any]


@dataclass(frozen=True)
class Frame:
    """One frame of one version of one object."""

    uri: str
    version: str
    frame: int


class Studio:
    """Renders open source files in the worker pool and keeps decoded pixels of large pictures.

    With ``check_instances`` a file that says it is another image is refused: SourceError.
    """

    def __init__(
        self, pool: DecoderPool, pixel_bytes: int, deadline_s: float, *, check_instances: bool
    ) -> None:
        self._pool = pool
        self._deadline_s = deadline_s
        self._check_instances = check_instances
        self._pixels: LruCache[Frame, Pixels] = LruCache(pixel_bytes, lambda p: p.memory.size)
        self._surveys: LruCache[Frame, dict[str, Any]] = LruCache(SURVEYS)
        self._confirmed: LruCache[tuple[str, str], bool] = LruCache(CONFIRMED)
        self._decoding: dict[Frame, asyncio.Lock] = {}
        self.decodes = 0

    async def render(
        self, source: ImageSource, rendering: Rendering, file: SourceFile
    ) -> Answer | Refusal:
        """A picture of ``file``.

        Small pictures decode what they need. Large ones, and those with a window of their own, are
        likely to be followed by others of the same frame: their pixels are decoded once and kept.
        """
        task = {"task": "render", "rendering": asdict(rendering)} | self._expected(source)
        frame = Frame(source.source, file.version, rendering.frame)
        if not _is_passing(rendering) and not self._is_at_hand(frame):
            made = await self._first(frame, file, task)
            if made is not None:
                return _answer(made)
        files, kept = [file.descriptor], self._pixels.get(frame)
        task["survey"] = self._surveys.get(frame)
        if kept is not None:
            task["decoded"] = kept.layout
            files.append(kept.memory)
        else:
            self.decodes += 1
        return _answer(self._learned(frame, await self._run(task, files)))

    def forget(self) -> None:
        """Keep no pixels, and nothing that was learned of a frame."""
        for kept in (self._pixels, self._surveys, self._confirmed):
            kept.clear()

    @property
    def pixels(self) -> LruCache[Frame, Pixels]:
        """Decoded pixels that are kept."""
        return self._pixels

    @property
    def pixel_bytes(self) -> int:
        """Bytes of decoded pixels that are kept."""
        return self._pixels.weight

    async def perform(
        self, task: dict[str, Any], source: ImageSource, file: SourceFile
    ) -> Answer | Refusal:
        """What a worker's task (``decoding/tasks.py``) makes of ``file``."""
        asked = task | self._expected(source)
        return _answer(await self._run(asked, [file.descriptor]))

    async def confirm(self, source: ImageSource, file: SourceFile) -> SourceFile:
        """``file``; SourceError where it says that it is another image than ``source``."""
        known = source.source, file.version
        if self._check_instances and self._confirmed.get(known) is None:
            await self.perform({"task": "instance"}, source, file)
            self._confirmed.put(known, True)
        return file

    def _expected(self, source: ImageSource) -> dict[str, Any]:
        return {"instance": source.sop_instance_uid} if self._check_instances else {}

    def _is_at_hand(self, frame: Frame) -> bool:
        """Whether the frame's values are decoded: here, or in the file as it is."""
        survey = self._surveys.get(frame)
        return self._pixels.get(frame) is not None or (survey is not None and survey["in_place"])

    async def _first(self, frame: Frame, file: SourceFile, task: dict[str, Any]) -> Message | None:
        """Decode and keep the frame while answering; None where another has done it meanwhile."""
        lock = self._decoding.setdefault(frame, asyncio.Lock())
        try:
            async with lock:
                if self._is_at_hand(frame):
                    return None
                self.decodes += 1
                memory = memory_file("pixels")
                message = await self._run(task, [file.descriptor, memory])
                layout = message.document.get("decoded")
                if layout:
                    self._pixels.put(frame, Pixels(memory, layout))
                return self._learned(frame, message)
        finally:
            if not lock.locked():
                self._decoding.pop(frame, None)

    def _learned(self, frame: Frame, message: Message) -> Message:
        """``message``, whose survey of the frame is remembered."""
        survey = message.document.get("survey")
        if survey:
            self._surveys.put(frame, survey)
        return message

    async def _run(self, task: dict[str, Any], files: Sequence[Descriptor]) -> Message:
        """Run a task; where a decoder takes its process down, once more without that decoder."""
        avoided: list[str] = []
        for _ in range(CRASHES):
            try:
                asked = {**task, "avoided": avoided}
                return await self._pool.run(asked, files, self._deadline_s)
            except WorkerDiedError as error:
                log.warning("decoder crashed", extra={"decoder": error.attempt})
                if error.attempt is not None:
                    avoided.append(error.attempt)
            except DecodeTimeoutError:
                return Message({"ok": False, "reason": TOO_SLOW.format(self._deadline_s)})
        return Message({"ok": False, "reason": "decoding it ends the decoder's process"})


def _is_passing(rendering: Rendering) -> bool:
    """Whether no other picture of this frame is likely to be asked for soon."""
    size = rendering.size
    if rendering.window or rendering.region or size.fit == "full":
        return False
    return max(size.width, size.height) < KEEP_FROM


def _answer(message: Message) -> Answer | Refusal:
    document = message.document
    if document["ok"]:
        facts = ("mirrored", "chest_wall", "width", "height", "region")
        meta = {name: document[name] for name in facts if name in document}
        return Answer(bytes(message.payload), meta)
    if document.get("other_instance"):
        raise SourceError("other-instance", document["reason"])
    if document.get("unforeseen"):
        log.error("unforeseen fault in a worker", extra={"reason": document["reason"]})
    return Refusal(document["reason"], document.get("element"), document.get("parameter"))
