"""The short way of a picture that this process has at hand.

Routing, reading the parameters anew and resolving dependencies take most of a warm request. A URL
that was answered before says the same again, so what it means is remembered; whoever asks, what the
image is and whether the client has it are looked at as on the long way. Whatever is not at hand, or
not permitted, goes that way.
"""

from dataclasses import dataclass
from typing import Any

from chassis.identity import Identity
from chassis.middleware import header
from starlette.types import ASGIApp, Receive, Scope, Send

from imagery.audit import note_subject
from imagery.bounded import LruCache
from imagery.conditional import answer_headers
from imagery.flow import Imagery, Tagged
from imagery.sources import SourceLookup

URLS = 20_000

Url = tuple[str, bytes, str | None]


@dataclass(frozen=True)
class Asked:
    """What a URL means; ``route`` for log and metrics."""

    image_id: int
    what: str
    media_type: str
    versioned: bool
    route: Any


class WarmUrls:
    """URLs of pictures and what they mean."""

    def __init__(self) -> None:
        self._asked: LruCache[Url, Asked] = LruCache(URLS)

    def learn(self, scope: Scope, what: str, media_type: str, *, versioned: bool) -> None:
        """The request in ``scope`` asks for ``what`` of its image (``Rendering.key``)."""
        image_id = int(scope["path_params"]["image_id"])
        asked = Asked(image_id, what, media_type, versioned, scope.get("route"))
        self._asked.put(_url(scope), asked)

    def get(self, scope: Scope) -> Asked | None:
        """What the request in ``scope`` asks for, where that is known."""
        return self._asked.get(_url(scope))


class WarmPath:
    """Answers what is at hand; everything else goes on to ``app``. Stands behind identity."""

    def __init__(self, app: ASGIApp, urls: WarmUrls) -> None:
        self.app = app
        self._urls = urls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "GET":
            asked = self._urls.get(scope)
            found = _at_hand(scope, asked) if asked else None
            if asked and found:
                scope["route"] = asked.route
                await _send(asked, found, send)
                return
        await self.app(scope, receive, send)


def _url(scope: Scope) -> Url:
    return scope["path"], scope["query_string"], header(scope, b"accept")


def _at_hand(scope: Scope, asked: Asked) -> Tagged | None:
    """The picture, if it is at hand and the caller may see it."""
    state = scope["app"].state
    sources: SourceLookup = state.sources
    imagery: Imagery = state.imagery
    identity: Identity = scope["state"]["identity"]
    source = sources.known(asked.image_id)
    if source is None or (source.restricted and source.dataset not in identity.agreements):
        return None
    note_subject(scope, [source.patient_id])
    return imagery.at_hand(source, asked.what, header(scope, b"if-none-match"))


async def _send(asked: Asked, found: Tagged, send: Send) -> None:
    headers = answer_headers(found, versioned=asked.versioned)
    body = b""
    if found.body is not None:
        body = found.body
        headers |= {"Content-Type": asked.media_type, "Content-Length": str(len(body))}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    status = 304 if found.body is None else 200
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
