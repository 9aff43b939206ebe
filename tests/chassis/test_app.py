"""What every service answers, whatever it does: health, problems, identity, logs, metrics."""

import asyncio
import json
import logging
import time
from collections.abc import Callable

import httpx
import pytest
from chassis.health import Check, Degraded
from chassis.logs import JsonFormatter
from chassis.middleware import LOOK_S
from fastapi import FastAPI

Bearer = Callable[..., dict[str, str]]


async def test_health_needs_no_identity(http: httpx.AsyncClient) -> None:
    assert (await http.get("/livez")).json() == {"state": "alive"}
    assert (await http.get("/readyz")).json() == {"state": "ready", "dependencies": {}}
    assert (await http.get("/metrics")).status_code == 200


async def test_readyz_names_what_failed(http: httpx.AsyncClient, checks: dict[str, Check]) -> None:
    async def refuse() -> None:
        raise ConnectionRefusedError("nobody listens")

    checks["database"] = refuse
    checks["cache"] = lambda: asyncio.sleep(0)
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "state": "not ready",
        "dependencies": {
            "database": {"state": "failed", "detail": "ConnectionRefusedError: nobody listens"},
            "cache": {"state": "ok", "detail": None},
        },
    }


async def test_what_can_be_done_without_degrades(
    http: httpx.AsyncClient, checks: dict[str, Check]
) -> None:
    async def miss() -> None:
        raise Degraded("no worker is connected")

    checks["worker"] = miss
    answer = await http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "state": "degraded",
        "dependencies": {"worker": {"state": "degraded", "detail": "no worker is connected"}},
    }


@pytest.mark.parametrize("path", ["/api/v1/things", "/openapi.json", "/nowhere"])
async def test_every_other_path_needs_identity(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_pages_lead_through_the_list(http: httpx.AsyncClient, bearer: Bearer) -> None:
    seen: list[int] = []
    cursor: str | None = None
    while True:
        params = {"cursor": cursor} if cursor else {}
        page = (await http.get("/api/v1/things", params=params, headers=bearer())).json()
        assert page["total"] == 5
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("cursor", ["x", "bm8", "W10", "eyJhIjoxfQ", "é", "WyJvdGhlciIsMV0"])
async def test_a_foreign_cursor_is_refused(
    http: httpx.AsyncClient, bearer: Bearer, cursor: str
) -> None:
    answer = await http.get("/api/v1/things", params={"cursor": cursor}, headers=bearer())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


async def test_a_problem_names_the_field_and_what_is_accepted(
    http: httpx.AsyncClient, bearer: Bearer
) -> None:
    answer = await http.get("/api/v1/colours/green", headers=bearer())
    assert answer.status_code == 422
    body = answer.json()
    assert body["errors"] == [
        {"field": "name", "message": "unknown colour 'green'", "accepted": ["red", "blue"]}
    ]
    assert body["request_id"] == answer.headers["x-request-id"]


async def test_a_malformed_request_names_its_fields(
    http: httpx.AsyncClient, bearer: Bearer
) -> None:
    answer = await http.get("/api/v1/things?limit=0", headers=bearer())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "limit"


async def test_roles_are_ordered(http: httpx.AsyncClient, bearer: Bearer) -> None:
    assert (await http.post("/api/v1/faults", headers=bearer("researcher"))).status_code == 403
    assert (await http.post("/api/v1/faults", headers=bearer("admin"))).status_code == 500


async def test_a_fault_of_ours_says_nothing_of_its_inside(
    http: httpx.AsyncClient, bearer: Bearer
) -> None:
    answer = await http.post("/api/v1/faults", headers=bearer("admin"))
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_the_request_id_of_the_gateway_is_kept(
    http: httpx.AsyncClient, bearer: Bearer
) -> None:
    given = {"X-Request-ID": "gateway-0001"}
    answer = await http.get("/api/v1/things", headers=bearer() | given)
    assert answer.headers["x-request-id"] == "gateway-0001"
    wild = await http.get("/api/v1/things", headers=bearer() | {"X-Request-ID": "a b\tc"})
    assert wild.headers["x-request-id"] != "a b\tc"


async def test_requests_are_logged_by_route_template(
    http: httpx.AsyncClient, bearer: Bearer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="request"):
        await http.get("/api/v1/colours/red", headers=bearer())
    line = json.loads(JsonFormatter("things").format(caplog.records[-1]))
    assert line["route"] == "/api/v1/colours/{name}"
    assert line["status"] == 200
    assert line["person_id"] == "p-1"


async def test_metrics_count_by_route_and_status(http: httpx.AsyncClient, bearer: Bearer) -> None:
    await http.get("/api/v1/colours/red", headers=bearer())
    await http.get("/api/v1/colours/green", headers=bearer())
    text = (await http.get("/metrics")).text
    route = 'method="GET",route="/api/v1/colours/{name}"'
    assert f'http_requests_total{{{route},status="200"}} 1.0' in text
    assert f'http_requests_total{{{route},status="422"}} 1.0' in text


async def test_metrics_tell_of_memory_and_of_what_holds_up_the_event_loop(
    app: FastAPI, http: httpx.AsyncClient
) -> None:
    async def lag(name: str) -> float:
        lines = (await http.get("/metrics")).text.splitlines()
        (line,) = (x for x in lines if x.startswith(f"event_loop_lag_seconds_{name}"))
        return float(line.split()[-1])

    async with app.router.lifespan_context(app):
        await asyncio.sleep(0)  # it begins to wait
        time.sleep(LOOK_S + 0.2)  # noqa: ASYNC251 - the fault that is to be seen
        async with asyncio.timeout(30):
            while not await lag("count"):  # noqa: ASYNC110 - a metric tells nobody
                await asyncio.sleep(0.01)
        assert await lag("sum") >= 0.1
    assert "process_resident_memory_bytes" in (await http.get("/metrics")).text


async def test_the_openapi_document_describes_problems(
    http: httpx.AsyncClient, bearer: Bearer
) -> None:
    document = (await http.get("/openapi.json", headers=bearer())).json()
    operation = document["paths"]["/api/v1/things"]["get"]
    assert operation["operationId"] == "list_things"
    schema = operation["responses"]["422"]["content"]["application/problem+json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "FieldError" in document["components"]["schemas"]
