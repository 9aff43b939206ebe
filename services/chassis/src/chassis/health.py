"""Liveness and readiness: ``/livez`` touches nothing, ``/readyz`` names each dependency's state.

A dependency that is missing fails readiness (503). One that a service can answer without, for a
while, degrades it (200): the check raises ``Degraded`` with what is missing.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

Check = Callable[[], Awaitable[object]]

CHECK_TIMEOUT_S = 2.0


class Degraded(Exception):
    """Raised by a check: requests are answered, but something is missing."""


LEAST_FREE = 2**30


def disk_check(folder: Path) -> Check:
    """A check that degrades where the file system of ``folder`` has less than 1 GiB left."""

    async def check() -> None:
        found = await asyncio.to_thread(shutil.disk_usage, folder)
        if found.free < LEAST_FREE:
            raise Degraded(f"{found.free / 2**20:.0f} MiB free below {folder}")

    return check


class Dependency(BaseModel):
    """State of one dependency; ``detail`` says what failed."""

    state: Literal["ok", "degraded", "failed"]
    detail: str | None = None


class Readiness(BaseModel):
    """``ready`` only where every dependency is ok, ``not ready`` where one failed."""

    state: Literal["ready", "degraded", "not ready"]
    dependencies: dict[str, Dependency]


async def _probe(check: Check) -> Dependency:
    try:
        await asyncio.wait_for(check(), CHECK_TIMEOUT_S)
    except Degraded as missing:
        return Dependency(state="degraded", detail=str(missing))
    except Exception as error:  # noqa: BLE001 - whatever a dependency does wrong is its state
        detail = str(error).splitlines()[0][:200] if str(error) else ""
        return Dependency(state="failed", detail=f"{type(error).__name__}: {detail}".rstrip(": "))
    return Dependency(state="ok")


async def readiness(checks: Mapping[str, Check]) -> Readiness:
    """Run all checks at once, each within ``CHECK_TIMEOUT_S``."""
    found = await asyncio.gather(*(_probe(check) for check in checks.values()))
    states = {dependency.state for dependency in found}
    worst: Literal["ready", "degraded", "not ready"] = "ready"
    if states - {"ok"}:
        worst = "not ready" if "failed" in states else "degraded"
    return Readiness(state=worst, dependencies=dict(zip(checks, found, strict=True)))


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """``/livez`` and ``/readyz``; the mapping may be filled after the router is made."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"state": "alive"}

    @router.get("/readyz")
    async def readyz(response: Response) -> Readiness:
        found = await readiness(checks)
        response.status_code = 503 if found.state == "not ready" else 200
        return found

    return router
