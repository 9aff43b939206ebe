"""Liveness and readiness: ``/livez`` touches nothing, ``/readyz`` names each dependency's state."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

Check = Callable[[], Awaitable[object]]

CHECK_TIMEOUT_S = 2.0


class Dependency(BaseModel):
    """State of one dependency; ``detail`` says what failed."""

    state: Literal["ok", "failed"]
    detail: str | None = None


class Readiness(BaseModel):
    """``ready`` only where every dependency is."""

    state: Literal["ready", "not ready"]
    dependencies: dict[str, Dependency]


async def _probe(check: Check) -> Dependency:
    try:
        await asyncio.wait_for(check(), CHECK_TIMEOUT_S)
    except Exception as error:  # noqa: BLE001 - whatever a dependency does wrong is its state
        detail = str(error).splitlines()[0][:200] if str(error) else ""
        return Dependency(state="failed", detail=f"{type(error).__name__}: {detail}".rstrip(": "))
    return Dependency(state="ok")


async def readiness(checks: Mapping[str, Check]) -> Readiness:
    """Run all checks at once, each within ``CHECK_TIMEOUT_S``."""
    found = await asyncio.gather(*(_probe(check) for check in checks.values()))
    ok = all(dependency.state == "ok" for dependency in found)
    return Readiness(
        state="ready" if ok else "not ready",
        dependencies=dict(zip(checks, found, strict=True)),
    )


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """``/livez`` and ``/readyz``; the mapping may be filled after the router is made."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"state": "alive"}

    @router.get("/readyz")
    async def readyz(response: Response) -> Readiness:
        found = await readiness(checks)
        response.status_code = 200 if found.state == "ready" else 503
        return found

    return router
