"""CORS for the paths that viewers of other origins use (IIIF, DICOMweb).

Any origin may read, and none may bring a person's cookie along (`*` forbids credentials): a page
elsewhere needs an API token of its own. The gateway answers preflights.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIXES = ("/iiif/", "/dicomweb/")
EXPOSED = "ETag, Link, Content-Location, Warning"


class CrossOrigin:
    """Lets scripts of any origin read answers, problems too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIXES):
            await self.app(scope, receive, send)
            return

        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = "*"
                headers["Access-Control-Expose-Headers"] = EXPOSED
            await send(message)

        await self.app(scope, receive, opened)
