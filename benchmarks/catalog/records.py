"""C3: a page of 50 under any filter, and one record, through the gateway.

`python -m benchmarks.catalog.records`, options `--images N`,
`--folder DIR`, `--out FILE`.

Beside them, in the same run: the service asked without the gateway; the driver alone that reads the
same row of 165 columns; and a bare chain of the same hops, which passes that row on as it is.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from chassis.database import asyncpg_url
from chassis.identity import Identity, Signer
from chassis.keys import ensure_keys
from devstack.ports import choose_ports

from benchmarks.catalog import real_scale
from benchmarks.catalog.facets import draw_filters, start
from benchmarks.gateway.proxy import gateway_environment, process, token

PAGES, RECORDS = 200, 400
WARM = 20


def measure(client: httpx.Client, requests: Iterable[httpx.Request]) -> list[float]:
    """Milliseconds of each request, those that warm up left out."""
    taken = []
    for request in requests:
        started = time.perf_counter()
        client.send(request).raise_for_status()
        taken.append((time.perf_counter() - started) * 1000)
    return taken[WARM:]


def ask(base: str, bearer: str) -> dict[str, list[float]]:
    """Pages under distinct filters, and records of what they list."""
    headers = {"Authorization": bearer}
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=60) as client:

        def page(conditions: Any, limit: int = 50) -> httpx.Request:
            body = {"filter": conditions, "limit": limit}
            return client.build_request("POST", "/api/v1/images/search", json=body)

        filters = draw_filters(PAGES)
        listed = [client.send(page(f, 10)).json()["items"] for f in filters]
        ids = [image["image_id"] for items in listed for image in items][:RECORDS]
        records = [client.build_request("GET", f"/api/v1/images/{n}") for n in ids]
        health = [client.build_request("GET", "/livez") for _ in range(PAGES)]
        return {
            "page": measure(client, map(page, filters)),
            "record": measure(client, records),
            "nothing": measure(client, health),
        }


async def rows_alone(url: str, revision_id: int) -> list[float]:
    """Milliseconds of the driver for one row."""
    connection = await asyncpg.connect(asyncpg_url(url))
    taken = []
    for n in range(RECORDS):
        started = time.perf_counter()
        await connection.fetch(f"select * from catalog.metadata_{revision_id} where n = $1", n * 97)
        taken.append((time.perf_counter() - started) * 1000)
    await connection.close()
    return taken[WARM:]


def ask_bare(base: str) -> list[float]:
    """Rows through the bare chain."""
    with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
        return measure(client, (client.build_request("GET", f"/{n * 97}") for n in range(RECORDS)))


def row(what: str, taken: Sequence[float], goal: float | None = None) -> tuple[str, ...]:
    """A line of the report."""
    p50 = statistics.median(taken)
    cells = ("", "") if goal is None else (f"{goal:.0f} ms", f"{p50 / goal:.2f}")
    return (what, f"{p50:.1f} ms", f"{min(taken):.1f} ms", *cells)


def main() -> None:
    """Command line."""
    given = real_scale.options(__doc__).parse_args()
    folder = real_scale.tables(given.folder, given.images)
    port, gateway_port, bare_port, proxy_port = choose_ports(4)
    service = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        url = stack.enter_context(real_scale.database())
        gateway = gateway_environment(stack, service)
        keys = Path(gateway["GATEWAY_SIGNING_KEY"]).parent
        env = real_scale.environment(url, ensure_keys(keys), None, folder)
        ingested = real_scale.ingest(url, env, f"file://{folder}")
        real_scale.settle(url)
        catalog, ready = start(env, port)
        stack.callback(catalog.wait, 20)
        stack.callback(catalog.terminate)
        times = psutil.Process(catalog.pid).cpu_times()
        stack.enter_context(process("gateway", gateway_port, **gateway))
        signer = Signer(keys / "gateway.pem", "gateway")
        identity = signer.sign(Identity("benchmark", "Benchmark", "researcher"), 3600)
        direct = ask(service, f"Bearer {identity}")
        through = ask(f"http://127.0.0.1:{gateway_port}", f"Bearer {token(gateway_port)}")
        alone = asyncio.run(rows_alone(url, ingested.revision_id))
        bare_env = {
            "BENCHMARK_DATABASE": asyncpg_url(url),
            "BENCHMARK_REVISION": str(ingested.revision_id),
        }
        bare, _ = start({**os.environ, **bare_env}, bare_port, "benchmarks.catalog.bare:app")
        stack.callback(bare.wait, 20)
        stack.callback(bare.terminate)
        target = f"http://127.0.0.1:{bare_port}"
        stack.enter_context(process("bare", proxy_port, BENCHMARK_UPSTREAM=target))
        floor = ask_bare(f"http://127.0.0.1:{proxy_port}")
    text = real_scale.report(
        f"C3, {given.images} images",
        [
            row("page of 50, through the gateway", through["page"], 8),
            row("one record, through the gateway", through["record"], 4),
            row("page of 50, service alone", direct["page"]),
            row("one record, service alone", direct["record"]),
            row("/livez of the gateway", through["nothing"]),
            row("/livez of the service", direct["nothing"]),
            row("one row by the driver alone", alone),
            row("one row through a bare chain", floor),
        ],
        ("what", "p50", "least", "goal", "ratio"),
    )
    ratio = statistics.median(through["record"]) / statistics.median(floor)
    text += (
        f"\nA record takes {ratio:.2f} of the bare chain, which knows no caller and joins nothing. "
        f"The catalog was ready after {ready:.1f} s, "
        f"{times.user + times.system:.1f} s of them on the processor.\n"
    )
    print(text)
    if given.out:
        given.out.write_text(text)


if __name__ == "__main__":
    main()
