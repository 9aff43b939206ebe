"""A container's health check asks its own service whether it is ready."""

import asyncio

import uvicorn
from chassis.health import Check
from chassis.probe import is_ready
from devstack.ports import choose_ports
from fastapi import FastAPI


async def test_a_container_is_healthy_when_its_service_is_ready(
    app: FastAPI, checks: dict[str, Check]
) -> None:
    port = choose_ports(1)[0]
    assert not await asyncio.to_thread(is_ready, port), "nobody listens"
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            await task
    assert await asyncio.to_thread(is_ready, port)

    async def refuse() -> None:
        raise ConnectionRefusedError("nobody listens")

    checks["database"] = refuse
    assert not await asyncio.to_thread(is_ready, port), "it lacks what it needs"
    server.should_exit = True
    await task
