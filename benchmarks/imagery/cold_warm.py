"""Thumbnails cold and warm, through the gateway, beside the floor of the same run (I1, I2, I3).

    python -m benchmarks.imagery.cold_warm [--images 8] [--seconds 3]

Cold: every image is asked for once; nothing of it is in Valkey, on disk or in memory. Cold figures
of ours and of the floor are taken in turn, image by image, so that both meet the same machine. Warm
ones stand beside a bare chain of the same hops: a proxy without identity, audit or limits before a
server that answers from memory. Writes `cold_warm.md`.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from devstack.ports import choose_ports

from benchmarks.gateway import load, proxy
from benchmarks.imagery.running import (
    CLIENTS,
    KINDS,
    RAW,
    Bench,
    bench,
    cpu_s,
    memory_mib,
    timed,
    write_report,
)


async def checked(made: Bench, image_id: int) -> None:
    """One thumbnail that must be there."""
    status, body, _ = await made.thumbnail(image_id)
    if status != 200 or body[:2] != b"\xff\xd8":
        raise RuntimeError(f"{status}: {body[:200]!r}")


async def cold_one(made: Bench, kind: str, beside: str, count: int) -> tuple[float, float]:
    """(ours for ``kind``, floor of ``beside``) p50 in ms, one client, taken in turn."""
    ours, floor = [], []
    for number, other in zip(made.ids[kind][:count], made.ids[beside], strict=False):
        floor.append(await timed(made.floor(other, beside)))
        ours.append(await timed(checked(made, number)))
    return statistics.median(ours), statistics.median(floor)


async def cold_many(work: Callable[[int], Awaitable[object]], ids: list[int]) -> float:
    """Images a second with eight clients, each image once."""
    waiting = iter(ids)

    async def client() -> None:
        for image_id in waiting:
            await work(image_id)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(ids) / (time.perf_counter() - started)


@contextmanager
def bare_chain() -> Iterator[int]:
    """The port of a bare proxy before a server that answers from memory."""
    upstream, bare = choose_ports(2)
    target = f"http://127.0.0.1:{upstream}"
    with (
        proxy.process("upstream", upstream),
        proxy.process("bare", bare, BENCHMARK_UPSTREAM=target),
    ):
        yield bare


async def warm_row(
    made: Bench, bare: int, clients: int, seconds: float, etag: str | None = None
) -> str:
    """A row: a thumbnail at hand, or not modified, beside the bare chain."""
    port = int(made.service.rpartition(":")[2])
    path = f"/api/v1/images/{made.ids[RAW][0]}/thumbnail?size=256"
    headers = f"Authorization: {made.headers['Authorization']}\r\n"
    if etag:
        headers += f"If-None-Match: {etag}\r\n"
    chain, ours = [], []
    servers = [made.process, *([made.gateway] if made.gateway else [])]
    before, requests = [cpu_s(one) for one in servers], 0
    for _ in range(3):
        chain.append(await load.load(bare, proxy.PATHS["12k"], "", clients, seconds))
        ours.append(await load.load(port, path, headers, clients, seconds, 304 if etag else 200))
        requests += round(ours[-1].per_second * seconds)
    used = [cpu_s(one) - start for one, start in zip(servers, before, strict=True)]
    cpu = " + ".join(f"{seconds / requests * 1000:.2f}" for seconds in used)
    one, other = middle(ours), middle(chain)
    what = "304" if etag else "warm 256 px"
    return (
        f"| {what}, {clients} client(s), requests/s "
        f"| {one.per_second:.0f}, p50 {one.p50_ms:.2f} ms (CPU, imagery + gateway: {cpu} ms) "
        f"| {other.per_second:.0f}, p50 {other.p50_ms:.2f} ms (bare chain, 12 KB) "
        f"| {one.per_second / other.per_second:.2f} |"
    )


def middle(rates: list[load.Rate]) -> load.Rate:
    """The run of the median rate."""
    return sorted(rates, key=lambda rate: rate.per_second)[len(rates) // 2]


async def measure(count: int, seconds: float) -> list[str]:
    """The report's lines."""
    rows = ["| path | ours | floor | ratio |", "|---|---|---|---|"]
    async with bench(count, KINDS) as made:
        for kind in KINDS:
            # A reduced decode of JPEG 2000 is held against the raw image of the same size.
            beside = RAW if "2000" in kind else kind
            ours, floor = await cold_one(made, kind, beside, count)
            told = f"{floor:.1f}" + (" (raw)" if beside != kind else "")
            rows.append(f"| cold 256 px, {kind}, ms | {ours:.1f} | {told} | {ours / floor:.2f} |")
        numbers = made.ids[RAW][count:]
        floor_rate = await cold_many(lambda n: made.floor(n, RAW), numbers)
        our_rate = await cold_many(lambda n: checked(made, n), numbers)
        rows.append(
            f"| cold 256 px, {RAW}, {CLIENTS} clients, images/s "
            f"| {our_rate:.1f} | {floor_rate:.1f} | {our_rate / floor_rate:.2f} |"
        )
        etag = (await made.thumbnail(made.ids[RAW][0]))[2]
        with bare_chain() as bare:
            rows.append(await warm_row(made, bare, 1, seconds))
            rows.append(await warm_row(made, bare, CLIENTS, seconds))
            rows.append(await warm_row(made, bare, CLIENTS, seconds, etag))
        memory = f"{memory_mib(made.process):.0f} MiB"
        rows.append(f"| memory of service and workers after all of it | {memory} | | |")
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Thumbnails cold and warm beside the cold floor")
    parser.add_argument("--images", type=int, default=8, help="images of each kind and part")
    parser.add_argument("--seconds", type=float, default=3, help="length of each warm part")
    given = parser.parse_args()
    rows = asyncio.run(measure(given.images, given.seconds))
    write_report("cold_warm.md", "Thumbnails, cold and warm", rows)


if __name__ == "__main__":
    main()
