"""A small service built on the chassis, as the real ones are."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from chassis.app import create_service_app
from chassis.health import Check
from chassis.identity import Caller, Identity, Role, Signer, require_role
from chassis.keys import ensure_keys
from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import invalid
from fastapi import APIRouter, Depends, FastAPI

router = APIRouter(prefix="/api/v1")


@router.get("/things")
async def list_things(caller: Caller, limit: Limit = 2, cursor: Cursor = None) -> Page[int]:
    """Five numbers, a page at a time."""
    position = decode_cursor(cursor, {"list": "things"}, 1)
    start = position[0] if position else 0
    items = list(range(start, min(start + limit, 5)))
    following = start + limit
    after = encode_cursor([following], {"list": "things"}) if following < 5 else None
    return Page(items=items, total=5, next=after)


@router.get("/colours/{name}")
async def retrieve_colour(name: str) -> str:
    """One of two colours."""
    if name not in {"red", "blue"}:
        raise invalid("name", f"unknown colour {name!r}", ["red", "blue"])
    return name


@router.post("/faults", dependencies=[Depends(require_role("admin"))])
async def create_fault() -> None:
    """Always fails, for admins only."""
    raise RuntimeError("a fault of ours with a secret in it")


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    ensure_keys(folder)
    return folder


@pytest.fixture
def checks() -> dict[str, Check]:
    return {}


@pytest.fixture
def app(key_folder: Path, checks: dict[str, Check]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield

    return create_service_app(
        title="Things",
        description="A service for tests",
        routers=[router],
        lifespan=lifespan,
        checks=checks,
        identity_jwks=key_folder / "jwks.json",
    )


@pytest.fixture
def bearer(key_folder: Path) -> Callable[..., dict[str, str]]:
    def sign(
        role: Role = "reader", lifetime_s: int = 60, issuer: str = "gateway"
    ) -> dict[str, str]:
        signer = Signer(key_folder / f"{issuer}.pem", issuer)
        token = signer.sign(Identity("p-1", "A Reader", role), lifetime_s)
        return {"Authorization": f"Bearer {token}"}

    return sign


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as client:
        yield client
