"""The flow of a request: version, ETag, shared cache, and only then file and worker."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypeVar

from imagery.answers import Answer, Refusal, answer_key, entity_tag, pack_answer, unpack_answer
from imagery.bounded import LruCache
from imagery.decoding.pool import BusyError
from imagery.flights import Flights
from imagery.objects.store import ObjectStore
from imagery.objects.types import SourceError, SourceFile
from imagery.rendering.request import Rendering
from imagery.shared_cache import SharedCache
from imagery.sources import ImageSource
from imagery.studio import Studio

ENTRY_BYTES = 1024  # what an entry costs beside its body, rounded up

# Where an answer was found, nearest first; ``caller``: it has it already (304).
Tier = Literal["caller", "memory", "valkey"]
Made = TypeVar("Made")
Use = Callable[[SourceFile], Awaitable[Made]]
Make = Use[Answer | Refusal]


@dataclass(frozen=True)
class Tagged:
    """An answer under its ETag; ``answer`` None: the asker has it already (304)."""

    etag: str
    answer: Answer | Refusal | None

    @property
    def body(self) -> bytes | None:
        """The bytes of the answer, if there are some."""
        return self.answer.body if isinstance(self.answer, Answer) else None


@dataclass(frozen=True)
class Budgets:
    """What is kept, in this process and in Valkey, for how long, and how much is made at once."""

    at_once: int
    recent_bytes: int
    picture_bytes: int
    picture_ttl_s: int
    failure_ttl_s: int


class Imagery:
    """Pictures and documents of image sources, each made once."""

    def __init__(
        self, objects: ObjectStore, studio: Studio, shared: SharedCache, budgets: Budgets
    ) -> None:
        self.objects = objects
        self._studio = studio
        self._shared = shared
        self._budgets = budgets
        self._flights: Flights[Tagged] = Flights()
        self._recent: LruCache[str, Answer] = LruCache(budgets.recent_bytes, _weight)
        self.since = datetime.now(UTC)
        self.hits: Counter[Tier] = Counter()
        self.misses: Counter[Tier] = Counter()

    async def forget(self, dataset: str) -> dict[str, int]:
        """Keep nothing but answers of other datasets in Valkey: what went, by kind.

        What is under way ends first, and is forgotten with the rest. Raises where Valkey is away.
        """

        def unwanted(key: str) -> bool:
            kind, *named = key.removeprefix("imagery:").split(":")
            return kind != "answer" or len(named) != 2 or named[0] == dataset

        await self._flights.landed()
        files, size = await self.objects.forget()
        self._studio.forget()
        self._recent.clear()
        entries = await self._shared.drop_all("imagery:*", unwanted)
        return {"entries": entries, "files": files, "bytes": size}

    async def empty(self) -> int:
        """Keep no answer, here or in Valkey: how many went from there. Source files stay.

        Raises where Valkey is away.
        """
        await self._flights.landed()
        self._recent.clear()
        return await self._shared.drop_all("imagery:answer:*", lambda key: True)

    @property
    def recent(self) -> LruCache[str, Answer]:
        """Answers that this process has at hand."""
        return self._recent

    async def picture(
        self, source: ImageSource, rendering: Rendering, known_tags: str | None = None
    ) -> Tagged:
        """The picture, or nothing where ``known_tags`` (If-None-Match) holds its ETag."""

        make = partial(self._studio.render, source, rendering)
        return await self._find(source, rendering.key(), make, known_tags)

    def at_hand(
        self, source: ImageSource, what: str, known_tags: str | None = None
    ) -> Tagged | None:
        """The answer, or that the asker has it, where this process can tell by itself."""
        version = self.objects.remembered_version(source.source)
        if version is None:
            return None
        key = answer_key(source, version, what)
        if known_tags and has_tag(known_tags, entity_tag(key)):
            self.hits["caller"] += 1
            return Tagged(entity_tag(key), None)
        recent = self._recent.get(key)
        if recent is None:
            return None
        self.hits["memory"] += 1
        return Tagged(entity_tag(key), recent)

    async def document(
        self, source: ImageSource, task: dict[str, Any], known_tags: str | None = None
    ) -> Tagged:
        """What a task of the workers (``{"task": name, ...}``) makes of the file, kept as well."""
        what = json.dumps(task, sort_keys=True)
        make = partial(self._studio.perform, task, source)
        return await self._find(source, what, make, known_tags)

    async def extract(self, source: ImageSource, task: dict[str, Any]) -> Answer | Refusal:
        """A large part of the file, made anew each time: the file is kept, its parts are not."""
        return await self._use(source, partial(self._studio.perform, task, source))

    async def draw(self, source: ImageSource, rendering: Rendering) -> Answer | Refusal:
        """A picture that nobody will ask for again: made, and not kept in Valkey."""
        return await self._use(source, partial(self._studio.render, source, rendering))

    async def original(self, source: ImageSource) -> SourceFile:
        """The file itself, broken or not, as long as it does not say that it is another image."""
        return await self._use(source, partial(self._studio.confirm, source))

    async def _use(self, source: ImageSource, use: Use[Made]) -> Made:
        """What ``use`` makes of the file, which is asked for anew if it must be."""
        version = await self.objects.known_version(source.source)
        return await self._used(source, await self.objects.open(source.source, version), use)

    async def _used(self, source: ImageSource, file: SourceFile, use: Use[Made]) -> Made:
        """What ``use`` makes of ``file``; another image's file is forgotten."""
        try:
            return await use(file)
        except SourceError as error:
            await self.objects.reject(source.source, file.version, error)
            raise

    async def _find(
        self, source: ImageSource, what: str, make: Make, known_tags: str | None
    ) -> Tagged:
        at_hand = self.at_hand(source, what, known_tags)
        if at_hand is not None:
            return at_hand
        self.misses["memory"] += 1
        version = await self.objects.known_version(source.source)
        if version is not None:
            key = answer_key(source, version, what)
            if known_tags and has_tag(known_tags, entity_tag(key)):
                self.hits["caller"] += 1
                return Tagged(entity_tag(key), None)
            kept = await self._kept(key)
            if kept is not None:
                self.hits["valkey"] += 1
                return kept
        name = (source.dataset, source.sop_instance_uid, source.source, what)
        if name not in self._flights and len(self._flights) >= self._budgets.at_once:
            raise BusyError
        return await self._flights.join(name, lambda: self._make(source, what, make))

    async def _make(self, source: ImageSource, what: str, make: Make) -> Tagged:
        """Take the turn, look once more, then fetch, make and keep."""
        turn = f"imagery:turn:{answer_key(source, source.source, what)}"
        async with self._shared.turn(turn):
            version = await self.objects.known_version(source.source)
            if version is not None:
                kept = await self._kept(answer_key(source, version, what))
                if kept is not None:
                    self.hits["valkey"] += 1
                    return kept
            self.misses["valkey"] += 1
            file = await self.objects.open(source.source, version)
            key = answer_key(source, file.version, what)
            if file.version != version:
                # Its version was not known before: the picture may be there all the same.
                kept = await self._kept(key)
                if kept is not None:
                    return kept
            answer = await self._used(source, file, make)
            if isinstance(answer, Refusal) and answer.parameter is None:
                self.objects.discard(source.source, file.version)
            await self._keep(key, answer)
            return Tagged(entity_tag(key), answer)

    async def _kept(self, key: str) -> Tagged | None:
        value = await self._shared.get(f"imagery:answer:{key}")
        if value is None:
            return None
        answer = unpack_answer(value)
        self._remember(key, answer)
        return Tagged(entity_tag(key), answer)

    async def _keep(self, key: str, answer: Answer | Refusal) -> None:
        self._remember(key, answer)
        if isinstance(answer, Answer) and len(answer.body) > self._budgets.picture_bytes:
            return
        refused = isinstance(answer, Refusal)
        ttl = self._budgets.failure_ttl_s if refused else self._budgets.picture_ttl_s
        await self._shared.put(f"imagery:answer:{key}", pack_answer(answer), ttl)

    def _remember(self, key: str, answer: Answer | Refusal) -> None:
        """Small answers are many and asked for again; a large one would displace them."""
        if isinstance(answer, Answer) and _weight(answer) <= self._budgets.recent_bytes // 64:
            self._recent.put(key, answer)


def _weight(answer: Answer) -> int:
    return len(answer.body) + ENTRY_BYTES


def has_tag(known_tags: str, etag: str) -> bool:
    """Whether an If-None-Match header holds ``etag`` (RFC 9110 13.1.2, weak comparison)."""
    tags = (tag.strip().removeprefix("W/") for tag in known_tags.split(","))
    return any(tag in (etag, "*") for tag in tags)
