"""Image sources from the real catalog, over HTTP, with a small ingested table."""

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import catalog.app
import httpx
import pytest
import uvicorn
from catalog.migrate import migrate
from catalog.settings import Settings as CatalogSettings
from chassis.problems import Problem
from conftest import Lab
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys, SignIdentity
from devstack.throwaway import psql
from dicom_files import Made, breast, dicom_bytes
from imagery.app import create_app
from imagery.catalog import PATH, CatalogSources, ask_catalog
from imagery.settings import ImagerySettings

BUCKET = "imagery-catalog"  # its own: other tests' datasets say whether their files are there


@pytest.fixture(scope="module")
def catalog_settings(
    postgres_url: str,
    s3: S3Server,
    identity_keys: IdentityKeys,
    synthetic_tables: Path,
) -> Iterator[CatalogSettings]:
    name = f"imagery_{secrets.token_hex(6)}"
    psql(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    url = f"{postgres_url.rpartition('/')[0]}/{name}"
    migrate(url)
    yield CatalogSettings(
        database_url=url,
        identity_jwks=identity_keys.jwks_path,
        mirror_root=synthetic_tables,
        default_dataset="embed-synthetic",
    )
    psql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def catalog_url(catalog_settings: CatalogSettings) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = catalog.app.create_app(catalog_settings)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def ingest(catalog_url: str, sign_identity: SignIdentity, synthetic_tables: Path) -> Any:
    """``ingest(dataset, **options)``: the small tables as a dataset; ids of its first images."""
    headers = {"Authorization": sign_identity("admin", agreements=["restricted"])}
    http = httpx.Client(base_url=f"{catalog_url}/api/v1", headers=headers, timeout=60)

    def run(dataset: str, **options: Any) -> list[int]:
        tables = {
            table: f"file://{synthetic_tables}/EMBED_OpenData_{table}.csv"
            for table in ("clinical", "metadata")
        }
        path = f"/datasets/{dataset}/revisions"
        body = tables | {"image_root": f"s3://{BUCKET}/images"} | options
        state = http.post(path, json=body).json()
        until = time.monotonic() + 60
        while state["state"] in ("queued", "running") and time.monotonic() < until:
            time.sleep(0.05)
            state = http.get(f"{path}/{state['revision_id']}").json()
        assert state["state"] == "succeeded", state
        found = http.get("/images", params={"dataset": dataset, "limit": 20}).json()
        return [item["image_id"] for item in found["items"]]

    with http:
        yield run


@pytest.fixture(scope="module")
def image_ids(ingest: Any) -> list[int]:
    found: list[int] = ingest("embed-synthetic", restricted=False)
    return found


@pytest.fixture(scope="module")
def restricted_ids(ingest: Any) -> list[int]:
    found: list[int] = ingest("restricted", restricted=True, basis="synthetic rows")
    return found


@pytest.fixture
async def lookup(catalog_url: str) -> AsyncIterator[tuple[CatalogSources, list[str]]]:
    """The client, and the calls it makes."""
    calls: list[str] = []

    async def count(_: object, __: object, sent: aiohttp.TraceRequestStartParams) -> None:
        calls.append(str(sent.url))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(count)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        yield CatalogSources(session, catalog_url, 60), calls


Lookup = tuple[CatalogSources, list[str]]


async def test_concurrent_questions_are_one_call_and_answers_are_kept(
    lookup: Lookup, image_ids: list[int], sign_identity: SignIdentity
) -> None:
    sources, calls = lookup
    who = sign_identity("reader")
    found = await asyncio.gather(*(sources.find(i, who) for i in image_ids * 3))
    assert [one.image_id for one in found if one] == image_ids * 3
    assert all(one and one.source.startswith(f"s3://{BUCKET}/images/") for one in found)
    assert len(calls) == 1
    assert await sources.find(image_ids[0], who) == found[0]
    assert len(calls) == 1


async def test_unknown_images_are_asked_for_again(
    lookup: Lookup, image_ids: list[int], sign_identity: SignIdentity
) -> None:
    sources, calls = lookup
    who = sign_identity("reader")
    missing, known = await asyncio.gather(
        sources.find(10**12, who), sources.find(image_ids[0], who)
    )
    assert missing is None
    assert known is not None
    assert await sources.find(10**12, who) is None
    assert len(calls) == 2


async def test_a_restricted_image_does_not_refuse_the_others(
    lookup: Lookup, image_ids: list[int], restricted_ids: list[int], sign_identity: SignIdentity
) -> None:
    sources, _ = lookup
    who = sign_identity("researcher")
    refused, found = await asyncio.gather(
        sources.find(restricted_ids[0], who),
        sources.find(image_ids[0], who),
        return_exceptions=True,
    )
    assert isinstance(refused, Problem)
    assert (refused.status, refused.type) == (403, "urn:embedlab:agreement-needed")
    assert not isinstance(found, BaseException)
    assert found is not None


async def test_a_refused_identity_is_a_401(lookup: Lookup, image_ids: list[int]) -> None:
    with pytest.raises(Problem) as refused:
        await lookup[0].find(image_ids[0], "Bearer nothing")
    assert refused.value.status == 401


async def test_an_absent_catalog_is_a_503(sign_identity: SignIdentity) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Problem) as gone:
            await CatalogSources(session, "http://127.0.0.1:9", 60).find(1, sign_identity())
    assert gone.value.status == 503
    assert "Retry-After" in gone.value.headers


@pytest.fixture
async def lab(
    settings: ImagerySettings, catalog_url: str, sign_identity: SignIdentity, valkey: object
) -> AsyncIterator[Lab]:
    """The service with the catalog behind it."""
    chosen = settings.model_copy(update={"catalog_url": catalog_url})
    app = create_app(chosen)
    headers = {"Authorization": sign_identity("researcher")}
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://imagery", headers=headers) as http,
    ):
        yield Lab(http, app, lambda *_: "", chosen)


async def test_a_picture_all_the_way_from_the_catalog(
    lab: Lab,
    s3: S3Server,
    image_ids: list[int],
    restricted_ids: list[int],
    sign_identity: SignIdentity,
) -> None:
    client = make_client(s3)
    client.create_bucket(Bucket=BUCKET)
    for image_id in (restricted_ids[0], image_ids[0]):
        agreed = sign_identity("admin", agreements=["restricted"])
        source = await lab.app.state.sources.find(image_id, agreed)
        told = {
            "WindowCenter": 2047,
            "WindowWidth": 4096,
            "SOPInstanceUID": source.sop_instance_uid,
        }
        content = dicom_bytes(breast(), Made(elements=told))
        key = source.source.removeprefix(f"s3://{BUCKET}/")
        client.put_object(Bucket=BUCKET, Key=key, Body=content)
    client.close()
    assert (await lab.get(f"/{image_ids[0]}/thumbnail")).status_code == 200
    assert (await lab.get(f"/{image_ids[0]}/dicom")).content == content
    assert (await lab.get(f"/{image_ids[1]}/thumbnail")).status_code == 502
    assert (await lab.get("/999999999999/thumbnail")).status_code == 404
    # What is kept for those who agreed is not for those who did not.
    allowed = await lab.get(f"/{restricted_ids[0]}/thumbnail", authorization=agreed)
    assert allowed.status_code == 200
    assert (await lab.get(f"/{restricted_ids[0]}/thumbnail")).status_code == 403
    ready = (await lab.client.get("/readyz")).json()
    assert ready["dependencies"]["catalog"]["state"] == "ok"


@pytest.fixture
def cohort_id(catalog_url: str, image_ids: list[int], sign_identity: SignIdentity) -> str:
    """A frozen cohort of the small tables."""
    asked = {
        "name": f"warming {secrets.token_hex(4)}",
        "dataset": "embed-synthetic",
        "filter": {},
        "sampling": {"per_class": 20},
        "label": {
            "field": "ImageLateralityFinal",
            "classes": [{"name": "left", "values": ["L"]}, {"name": "right", "values": ["R"]}],
        },
        "split": {"by": "patient", "train": 0.7, "validation": 0.1, "test": 0.2},
        "seed": 7,
    }
    headers = {"Authorization": sign_identity("researcher")}
    response = httpx.post(f"{catalog_url}/api/v1/cohorts", json=asked, headers=headers, timeout=60)
    assert response.status_code == 201, response.text
    return str(response.json()["cohort_id"])


async def warming_of(lab: Lab, cohort_id: str, *states: str) -> dict[str, Any]:
    """Its progress, once it is in one of ``states``."""
    path, until = f"/api/v1/cohorts/{cohort_id}/warming", time.monotonic() + 60
    while time.monotonic() < until:
        progress: dict[str, Any] = (await lab.client.get(path)).json()
        if progress["state"] in states:
            return progress
        await asyncio.sleep(0.05)
    raise TimeoutError(progress)


async def test_a_cohort_is_warmed_in_the_background(
    lab: Lab, s3: S3Server, cohort_id: str, sign_identity: SignIdentity
) -> None:
    who = lab.client.headers["authorization"]
    members = lab.app.state.members
    listed = [source async for source in members.sources(cohort_id, who)]
    there = listed[: len(listed) // 2]
    client = make_client(s3)
    if not any(b["Name"] == BUCKET for b in client.list_buckets()["Buckets"]):
        client.create_bucket(Bucket=BUCKET)
    for source in there:
        told = {"WindowCenter": 9, "WindowWidth": 9, "SOPInstanceUID": source.sop_instance_uid}
        content = dicom_bytes(breast(64, 48), Made(elements=told))
        key = source.source.removeprefix(f"s3://{BUCKET}/")
        client.put_object(Bucket=BUCKET, Key=key, Body=content)
    client.close()
    path = f"/api/v1/cohorts/{cohort_id}/warming"
    assert (await lab.client.get(path)).status_code == 404
    begun = await lab.client.put(f"{path}?size=64")
    assert (begun.status_code, begun.json()["images"]) == (202, len(listed))
    done = await warming_of(lab, cohort_id, "done")
    assert done["made"] >= len(there)
    assert done["made"] + done["failed"] == len(listed)
    misses = lab.counter("misses", tier="valkey")
    assert (await lab.get(f"/{there[0].image_id}/thumbnail?size=64")).status_code == 200
    assert lab.counter("misses", tier="valkey") == misses
    reader = {"Authorization": sign_identity("reader")}
    assert (await lab.client.put(path, headers=reader)).status_code == 403


async def test_warming_is_cancelled(lab: Lab, cohort_id: str) -> None:
    path = f"/api/v1/cohorts/{cohort_id}/warming"
    await lab.client.put(path)
    assert (await lab.client.delete(path)).json()["state"] in ("cancelled", "done")
    ended = await warming_of(lab, cohort_id, "cancelled", "done")
    assert ended["made"] + ended["failed"] <= ended["images"]


async def test_warming_of_no_cohort(lab: Lab) -> None:
    path = "/api/v1/cohorts/00000000-0000-0000-0000-000000000000/warming"
    assert (await lab.client.put(path)).status_code == 404
    assert (await lab.client.put("/api/v1/cohorts/a..b/warming")).status_code == 422


async def test_a_connection_that_closes_under_a_question_is_no_answer() -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        if asked == 2:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}{PATH}"
        assert await ask_catalog(session, url, {"image_ids": [1]}, "Bearer x") == b"{}"
    assert asked == 2
