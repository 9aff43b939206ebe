"""What the gateway costs beside a bare FastAPI + aiohttp proxy, in the same run (goal G1).

    python -m benchmarks.gateway.proxy [--seconds 4] [--rounds 3]

Identity, audit, limits, logs and security headers are on in the gateway; the bare proxy has none.
Both stand before the same upstream, which answers from memory. Writes `proxy.md` beside this file.
"""

import argparse
import asyncio
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
from chassis.keys import ensure_keys
from devstack.ports import choose_ports
from gateway.admin import create_user
from gateway.migrate import migrate

from benchmarks.gateway.load import Rate, measure
from benchmarks.machine import measured_on
from devstack import throwaway

HERE = Path(__file__).parent
PATHS = {"12k": "/api/v1/images/1/rois/12k", "200k": "/api/v1/images/1/rois/200k"}
GIGABYTE = "/api/v1/images/1/rois/gigabyte"
EMAIL, PASSWORD = "benchmark@lab.example", secrets.token_urlsafe(12)
IDLE_READERS = 500


@contextmanager
def process(kind: str, port: int, **environment: str) -> Iterator[psutil.Process]:
    """A server of `servers.py`, ready."""
    child = subprocess.Popen(
        [sys.executable, str(HERE / "servers.py"), kind, str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5)
                break
            except httpx.TransportError:
                if time.monotonic() > deadline or child.poll() is not None:
                    raise
                time.sleep(0.1)
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(10)


def gateway_environment(stack: ExitStack, upstream: str) -> dict[str, str]:
    """Settings of a gateway with servers of its own."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    ensure_keys(folder)
    database = stack.enter_context(throwaway.postgres()).url("postgres")
    migrate(database)
    asyncio.run(create_user(database, EMAIL, "Benchmark", "admin", PASSWORD, if_missing=False))
    return {
        "GATEWAY_DATABASE_URL": database,
        "GATEWAY_SIGNING_KEY": str(folder / "gateway.pem"),
        "GATEWAY_CACHE_URL": stack.enter_context(throwaway.valkey()).url,
        "GATEWAY_PERSON_REQUESTS_PER_MINUTE": "10000000",
        "GATEWAY_MAX_BODY_BYTES": str(2**31),
        **{f"GATEWAY_{name}_URL": upstream for name in ("CATALOG", "IMAGERY", "TRAINER")},
    }


def token(port: int) -> str:
    """An API token for the load."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        body = {"email": EMAIL, "password": PASSWORD}
        csrf = client.post("/api/v1/session", json=body).raise_for_status().json()["csrf_token"]
        made = client.post("/api/v1/tokens", json={"name": "b"}, headers={"X-CSRF-Token": csrf})
        return str(made.raise_for_status().json()["token"])


def middle(rates: list[Rate]) -> Rate:
    """The medians of several runs."""
    return Rate(
        *(
            statistics.median(getattr(r, f) for r in rates)
            for f in ("per_second", "p50_ms", "p95_ms")
        )
    )


def compare(
    ports: dict[str, int], bearer: str, clients: int, path: str, seconds: float, rounds: int
) -> dict[str, Rate]:
    """Each server in turn, several times, so that the machine's moods fall on all alike."""
    found: dict[str, list[Rate]] = {name: [] for name in ports}
    for _ in range(rounds):
        for name, port in ports.items():
            headers = f"Authorization: Bearer {bearer}\r\n" if name == "gateway" else ""
            found[name].append(measure(port, path, headers, clients, seconds))
    return {name: middle(rates) for name, rates in found.items()}


def peak_while(server: psutil.Process, work: Iterator[None]) -> float:
    """How much the server's resident memory grew at most while ``work`` went on, in MiB."""
    before = server.memory_info().rss
    peak = before
    for _ in work:
        peak = max(peak, server.memory_info().rss)
    return (peak - before) / 2**20


def download(client: httpx.Client) -> Iterator[None]:
    """A gigabyte towards us."""
    size = 0
    with client.stream("GET", GIGABYTE) as answer:
        for chunk in answer.iter_raw(2**22):
            size += len(chunk)
            yield
    assert size == 2**30, size


def upload(client: httpx.Client, server: psutil.Process) -> float:
    """A gigabyte away from us; the growth of the server's memory in MiB."""
    before = server.memory_info().rss
    peak = before
    chunk = bytes(2**20)

    def chunks() -> Iterator[bytes]:
        nonlocal peak
        for _ in range(1024):
            peak = max(peak, server.memory_info().rss)
            yield chunk

    answer = client.post("/api/v1/cohorts/size", content=chunks())
    assert answer.text == str(2**30), answer.text
    return (peak - before) / 2**20


async def idle_readers(port: int, bearer: str, server: psutil.Process) -> float:
    """Growth of memory in MiB for readers of a silent event stream."""
    before = server.memory_info().rss
    request = (
        f"GET /api/v1/jobs/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n\r\n"
    )
    writers = []
    for _ in range(IDLE_READERS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        assert b" 200 " in await reader.readline()
        writers.append(writer)
    await asyncio.sleep(1)
    grown = (server.memory_info().rss - before) / 2**20
    for writer in writers:
        writer.close()
    return grown


def table(rows: list[tuple[str, Rate, Rate]], notes: list[str]) -> str:
    """The figures as Markdown."""
    lines = [
        "# The gateway beside a bare proxy",
        "",
        f"{measured_on()}, Python {platform.python_version()}. "
        "`python -m benchmarks.gateway.proxy`",
        "",
        "| load | bare, 1/s | gateway, 1/s | ratio (goal 0.8) | p50 bare | p50 gateway | added |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, bare, ours in rows:
        lines.append(
            f"| {name} | {bare.per_second:,.0f} | {ours.per_second:,.0f} | "
            f"{ours.per_second / bare.per_second:.2f} | {bare.p50_ms:.2f} ms | "
            f"{ours.p50_ms:.2f} ms | {ours.p50_ms - bare.p50_ms:+.2f} ms |"
        )
    return "\n".join([*lines, "", *(f"* {note}" for note in notes), ""])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    upstream_port, bare_port, gateway_port = choose_ports(3)
    target = f"http://127.0.0.1:{upstream_port}"
    with ExitStack() as stack:
        stack.enter_context(process("upstream", upstream_port))
        stack.enter_context(process("bare", bare_port, BENCHMARK_UPSTREAM=target))
        settings = gateway_environment(stack, target)
        server = stack.enter_context(process("gateway", gateway_port, **settings))
        bearer = token(gateway_port)
        ports = {"bare": bare_port, "gateway": gateway_port}
        rows = []
        for clients in (1, 8):
            for name, path in PATHS.items():
                found = compare(ports, bearer, clients, path, given.seconds, given.rounds)
                rows.append((f"{name}, {clients} client(s)", found["bare"], found["gateway"]))
                print(table(rows[-1:], []).splitlines()[-2], flush=True)
        headers = {"Authorization": f"Bearer {bearer}"}
        base = f"http://127.0.0.1:{gateway_port}"
        with httpx.Client(base_url=base, headers=headers, timeout=120) as client:
            down = peak_while(server, download(client))
            up = upload(client, server)
        readers = asyncio.run(idle_readers(gateway_port, bearer, server))
        notes = [
            f"1 GiB down: the gateway grew by {down:.1f} MiB; 1 GiB up: {up:.1f} MiB.",
            f"{IDLE_READERS} idle event streams: {readers:.1f} MiB (goal < 50).",
        ]
    text = table(rows, notes)
    (HERE / "proxy.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
