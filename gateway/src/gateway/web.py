"""The built web app: files of one folder, kept in memory, and `index.html` for its own routes."""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from chassis.problems import Problem
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.headers import WEB_APP_POLICY, value_of

# Vite puts a content hash into the names below assets/.
_hashed = re.compile(r"/assets/.+-[A-Za-z0-9_-]{8,}\.\w+$")
_compressible = ("text/", "application/javascript", "application/json", "image/svg+xml")
_smallest_to_compress = 1024

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>EMBED Lab</title>
<h1>The web app is not built</h1>
<p>The server runs and its API answers: see <a href="/api/docs">/api/docs</a>.
<p>Build the web app with <code>make web</code>, then load this page again.
If it is built, set <code>GATEWAY_WEB_ROOT</code> to its folder.
</html>
"""


@dataclass(frozen=True)
class Asset:
    """A file ready to be sent."""

    body: bytes
    zipped: bytes | None
    media_type: str
    etag: str
    cache_control: str
    stamp: tuple[int, int]


class WebApp:
    """ASGI application for everything that is not the API."""

    def __init__(self, root: Path | None) -> None:
        self._root = root.resolve() if root else None
        self._assets: dict[str, Asset] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD with a file, or `index.html`."""
        if scope["method"] not in ("GET", "HEAD"):
            raise Problem(405, "Method not allowed", headers={"Allow": "GET, HEAD"})
        await self._response(scope)(scope, receive, send)

    def _response(self, scope: Scope) -> Response:
        asset = self.find(scope["path"])
        if asset is None:
            if self.find("/index.html") is None:
                return _page(NOT_BUILT, 503)
            raise Problem(404, "No such file", detail=f"The web app has no {scope['path']}.")
        headers = {
            "ETag": asset.etag,
            "Cache-Control": asset.cache_control,
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": WEB_APP_POLICY,
        }
        if value_of(scope["headers"], b"if-none-match") == asset.etag.encode():
            return Response(status_code=304, headers=headers)
        accepted = value_of(scope["headers"], b"accept-encoding") or b""
        body = asset.body
        if asset.zipped and b"gzip" in accepted:
            body = asset.zipped
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type=asset.media_type)

    def find(self, path: str) -> Asset | None:
        """The file at ``path``; `index.html` where the path is a route of the web app."""
        if self._root is None:
            return None
        name = path.rsplit("/", 1)[-1]
        return self._file(path) or (None if "." in name else self._file("/index.html"))

    def _file(self, path: str) -> Asset | None:
        assert self._root is not None
        file = (self._root / path.lstrip("/")).resolve()
        if not file.is_relative_to(self._root) or not file.is_file():
            return None
        found = file.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        known = self._assets.get(path)
        if known is None or known.stamp != stamp:
            known = self._assets[path] = load_asset(file, path, stamp)
        return known


def load_asset(file: Path, path: str, stamp: tuple[int, int]) -> Asset:
    """Read and compress a file. Assets with a hash in their name never change."""
    body = file.read_bytes()
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    worth = media_type.startswith(_compressible) and len(body) >= _smallest_to_compress
    unchanging = bool(_hashed.search(path))
    return Asset(
        body=body,
        zipped=_zipped(file, body) if worth else None,
        media_type=media_type,
        etag=f'"{hashlib.sha256(body).hexdigest()[:24]}"',
        cache_control="public, max-age=31536000, immutable" if unchanging else "no-cache",
        stamp=stamp,
    )


def _zipped(file: Path, body: bytes) -> bytes:
    ready = file.with_name(f"{file.name}.gz")
    return ready.read_bytes() if ready.is_file() else gzip.compress(body, 6, mtime=0)


def _page(text: str, status: int) -> Response:
    headers = {"Content-Security-Policy": WEB_APP_POLICY, "Cache-Control": "no-store"}
    return Response(text, status, headers, "text/html")
