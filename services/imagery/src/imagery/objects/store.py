"""Objects by URI, with what is remembered of each: its version, or why it cannot be had."""

import json
import time
from dataclasses import dataclass

from imagery.bounded import LruCache
from imagery.flights import Flights
from imagery.objects.disk_cache import uri_digest
from imagery.objects.mirror import MirrorOrigin
from imagery.objects.s3 import S3Origin
from imagery.objects.types import SourceError, SourceFault, SourceFile
from imagery.shared_cache import SharedCache

MEMOS = 200_000
MEMO_TTL_S = 86_400
REMEMBERED_FAULTS: frozenset[SourceFault] = frozenset(
    {"missing", "forbidden", "too-large", "other-instance"}
)


@dataclass(frozen=True)
class Memo:
    """What was found at ``checked`` (Unix seconds): a version, or a fault with its detail."""

    checked: float
    version: str | None = None
    fault: SourceFault | None = None
    detail: str = ""


class ObjectStore:
    """Routes a URI to its origin and remembers, here and in Valkey, what was found.

    An object's version is trusted for ``recheck_s`` seconds, then asked for again; a missing or
    forbidden object is not asked for again for ``failure_s`` seconds.
    """

    def __init__(
        self,
        s3: S3Origin,
        mirror: MirrorOrigin,
        shared: SharedCache,
        *,
        recheck_s: float,
        failure_s: float,
    ) -> None:
        self.s3 = s3
        self._mirror = mirror
        self._shared = shared
        self._recheck_s = recheck_s
        self._failure_s = failure_s
        self._memos: LruCache[str, Memo] = LruCache(MEMOS)
        self._checks: Flights[str] = Flights()

    def remembered_version(self, uri: str) -> str | None:
        """The object's version where this process knows it without asking anybody."""
        memo = self._memos.get(uri)
        if memo is None or time.time() - memo.checked >= self._recheck_s:
            return None
        return memo.version

    async def forget(self) -> tuple[int, int]:
        """Remember nothing and keep no file; how many files and bytes there were."""
        files = await self.s3.forget()
        self._memos.clear()
        return files

    async def known_version(self, uri: str) -> str | None:
        """The object's version, as far as it can be told without fetching it; None: unknown.

        SourceError where it was found not to be had a moment ago.
        """
        if _is_file(uri):
            return await self._mirror.current_version(uri)
        memo = await self._memo(uri)
        if memo is None:
            return None
        age = time.time() - memo.checked
        if memo.fault is not None:
            if age < self._failure_s:
                raise SourceError(memo.fault, memo.detail)
            return None
        if age < self._recheck_s:
            return memo.version
        return await self._checks.join(uri, lambda: self._recheck(uri, memo))

    async def open(self, uri: str, version: str | None) -> SourceFile:
        """The object as an open file; ``version``, where known, saves asking for it."""
        if _is_file(uri):
            return await self._mirror.open(uri)
        if not uri.startswith("s3://"):
            raise SourceError("not-allowed", "Sources are s3:// or file:// URIs.")
        try:
            file = await self.s3.open(uri, version)
        except SourceError as error:
            await self._remember_fault(uri, error)
            raise
        if file.version != version:
            await self._remember(uri, Memo(time.time(), file.version))
        return file

    def discard(self, uri: str, version: str) -> None:
        """Forget a kept copy that turned out to be no good."""
        if not _is_file(uri):
            self.s3.discard(uri, version)

    async def reject(self, uri: str, version: str, error: SourceError) -> None:
        """Forget a kept copy that is no good, and why, for as long as faults are remembered."""
        self.discard(uri, version)
        await self._remember_fault(uri, error)

    async def _recheck(self, uri: str, memo: Memo) -> str:
        assert memo.version is not None
        try:
            version = await self.s3.current_version(uri)
        except SourceError as error:
            if error.fault in REMEMBERED_FAULTS:
                await self._remember_fault(uri, error)
                raise
            version = memo.version  # the store cannot be asked: what we have is the best there is
        await self._remember(uri, Memo(time.time(), version))
        return version

    async def _memo(self, uri: str) -> Memo | None:
        memo = self._memos.get(uri)
        if memo is not None:
            return memo
        found = await self._shared.get(_memo_key(uri))
        if found is None:
            return None
        memo = Memo(**json.loads(found))
        self._memos.put(uri, memo)
        return memo

    async def _remember(self, uri: str, memo: Memo) -> None:
        self._memos.put(uri, memo)
        ttl = MEMO_TTL_S if memo.fault is None else max(1, round(self._failure_s))
        await self._shared.put(_memo_key(uri), json.dumps(vars(memo)).encode(), ttl)

    async def _remember_fault(self, uri: str, error: SourceError) -> None:
        if error.fault in REMEMBERED_FAULTS:
            await self._remember(uri, Memo(time.time(), fault=error.fault, detail=error.detail))


def _is_file(uri: str) -> bool:
    return uri.startswith("file://")


def _memo_key(uri: str) -> str:
    return f"imagery:object:{uri_digest(uri)}"
