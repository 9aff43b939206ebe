"""The merged API description, and a page that shows it without asking anybody else."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from chassis.identity import Identity
from chassis.logs import get_logger
from chassis.problems import Problem, unavailable
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from gateway.api.common import HallOf
from gateway.door import Hall
from gateway.openapi import OWN, merge_openapi
from gateway.proxy import Upstream

router = APIRouter(prefix="/api")
log = get_logger(__name__)

STATIC = Path(__file__).parent.parent / "static"
FRESH_S = 60.0
FETCH_S = 5.0

# Services describe themselves to nobody; this is the gateway itself asking.
READER = Identity(person_id="gateway", name="gateway", role="reader")

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass
class Description:
    """The merged document, made again once a minute at most."""

    _document: dict[str, Any] | None = None
    _fresh_until: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, hall: Hall, own: dict[str, Any]) -> dict[str, Any]:
        """The merged document; a 503 where a service cannot be asked and none is kept."""
        async with self._lock:
            if self._document is None or time.monotonic() >= self._fresh_until:
                await self._renew(hall, own)
            assert self._document is not None
            return self._document

    async def _renew(self, hall: Hall, own: dict[str, Any]) -> None:
        try:
            documents = await fetch_documents(hall)
        except Problem:
            # A service that restarts does not take the description along.
            if self._document is None:
                raise
            return
        self._document = merge_openapi({OWN: own, **documents})
        self._fresh_until = time.monotonic() + FRESH_S


async def fetch_documents(hall: Hall) -> dict[str, dict[str, Any]]:
    """Each service's own description."""
    bearer = f"Bearer {hall.signer.sign(READER)}"
    upstreams = hall.proxy.upstreams
    found = await asyncio.gather(
        *(_fetch(hall, upstream, bearer) for upstream in upstreams.values())
    )
    return dict(zip(upstreams, found, strict=True))


async def _fetch(hall: Hall, upstream: Upstream, bearer: str) -> dict[str, Any]:
    try:
        async with (
            asyncio.timeout(FETCH_S),
            hall.proxy.client.get(
                f"{upstream.url}/openapi.json", headers={"Authorization": bearer}
            ) as response,
        ):
            response.raise_for_status()
            document: dict[str, Any] = await response.json()
            return document
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise unavailable(f"The {upstream.name} service cannot describe itself now") from error


@router.get("/openapi.json", include_in_schema=False)
async def retrieve_openapi(request: Request, hall: HallOf) -> JSONResponse:
    """The OpenAPI 3.1 document of the whole public API."""
    description: Description = request.app.state.description
    document = await description.find(hall, request.app.openapi())
    return JSONResponse(document, headers={"Cache-Control": "no-cache"})


@router.get("/docs", include_in_schema=False)
async def show_docs() -> Response:
    """A page that shows the API."""
    return _static("docs.html", "text/html")


@router.get("/docs/docs.js", include_in_schema=False)
async def show_docs_script() -> Response:
    """Its script."""
    return _static("docs.js", "text/javascript")


@router.get("/docs/docs.css", include_in_schema=False)
async def show_docs_style() -> Response:
    """Its looks."""
    return _static("docs.css", "text/css")


def _static(name: str, media_type: str) -> Response:
    headers = {"Content-Security-Policy": DOCS_POLICY, "Cache-Control": "no-cache"}
    return FileResponse(STATIC / name, headers=headers, media_type=media_type)
