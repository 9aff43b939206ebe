"""Full pictures, tiles and storms of cold requests (goals I4, I5, I6).

    python -m benchmarks.imagery.pictures [--images 4] [--tiles 300] [--storm 300]

Full pictures: cold, through the gateway, beside decoding, windowing and encoding the same bytes
with nothing around. Tiles: 512 px by IIIF of one decoded image, through the gateway. Storm: as many
cold thumbnails at once as images, asked of the service itself, the memory of the service and its
workers read all the while; then 64 cold requests for one image, put to two services that share
Valkey. Writes `pictures.md`.
"""

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import aiohttp
import cv2
import imagecodecs
import psutil
import pyvips

from benchmarks.imagery import floor
from benchmarks.imagery.running import (
    CLIENTS,
    KINDS,
    RAW,
    Bench,
    bench,
    memory_mib,
    presigned,
    put_images,
    ready,
    service,
    timed,
    write_report,
)
from devstack import throwaway

SHAPE = (4096, 3328)
KIND = {RAW: KINDS[RAW]}
TILE = 512
ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "jpeg": lambda grey: bytes(imagecodecs.jpeg8_encode(grey, level=90)),
    "png": lambda grey: bytes(pyvips.Image.new_from_array(grey).pngsave_buffer(compression=1)),
}


async def full_floor(made: Bench, image_id: int, kind: str) -> bytes:
    """S3, decode, window, encode."""
    async with made.session.get(made.urls[image_id]) as response:
        content = await response.read()
    grey = cv2.convertScaleAbs(floor.decode(content, SHAPE), alpha=255 / 4095)
    return ENCODERS[kind](grey)


async def fetched(made: Bench, path: str) -> tuple[int, int]:
    """(status, bytes) of a GET."""
    async with made.session.get(f"{made.service}{path}", headers=made.headers) as response:
        return response.status, len(await response.read())


async def full_pictures(made: Bench, ids: list[int], kind: str) -> str:
    """A row: cold full pictures of ``kind``, one client, ours and the floor in turn."""
    ours, bare = [], []
    for image_id in ids:
        bare.append(await timed(full_floor(made, image_id, kind)))
        path = f"/api/v1/images/{image_id}/rendered?format={kind}"
        ours.append(await timed(fetched(made, path)))
    one, other = statistics.median(ours), statistics.median(bare)
    peer = "libjpeg-turbo" if kind == "jpeg" else "pyvips, level 1"
    return (
        f"| cold full {kind.upper()}, {RAW}, ms | {one:.0f} | {other:.0f} ({peer}) "
        f"| {one / other:.2f} |"
    )


async def tiles(made: Bench, image_id: int, count: int) -> list[str]:
    """Rows: distinct tiles of one image after its first, one client and eight."""
    columns, rows = SHAPE[1] // TILE, SHAPE[0] // TILE
    tile = [
        f"{TILE * (n % columns)},{TILE * (n // columns % rows)},{TILE},{TILE - n // 48}"
        for n in range(count + 1)
    ]
    url = f"/iiif/3/{image_id}/{{}}/max/0/default.jpg"
    await fetched(made, url.format(tile.pop()))
    waiting, took = iter(tile), []
    for part in tile[: count // 4]:
        next(waiting)
        took.append(await timed(fetched(made, url.format(part))))
    statuses: Counter[int] = Counter()

    async def client() -> None:
        for part in waiting:
            statuses[(await fetched(made, url.format(part)))[0]] += 1

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    rate = sum(statuses.values()) / (time.perf_counter() - started)
    return [
        f"| IIIF tile of a decoded image, 1 client, p50 ms | {statistics.median(took):.1f} | | |",
        f"| IIIF tiles, {CLIENTS} clients, /s ({dict(statuses)}) | {rate:.0f} | | |",
    ]


async def storm(stack: ExitStack, count: int) -> list[str]:
    """Rows: a cold thumbnail of every image at once, asked of the service itself."""
    s3, ids, sources = put_images(stack, (count + 1) // 2, KIND)
    url, token, pid = stack.enter_context(service(stack, s3, sources))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        process = psutil.Process(pid)
        made = Bench(url, {"Authorization": token}, presigned(s3, ids), ids, process, session)
        await ready(session, url)
        return await storm_of(made, ids[RAW][:count])


async def storm_of(made: Bench, ids: list[int]) -> list[str]:
    """The same of ``ids``."""
    most = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not done.is_set():
            with suppress(psutil.Error):
                most = max(most, await asyncio.to_thread(memory_mib, made.process))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    paths = [f"/api/v1/images/{image_id}/thumbnail?size=256" for image_id in ids]
    started = time.perf_counter()
    answers = await asyncio.gather(*(fetched(made, path) for path in paths))
    seconds = time.perf_counter() - started
    done.set()
    await watching
    statuses = dict(Counter(status for status, _ in answers))
    said = f"{len(ids)} cold thumbnails at once: {statuses}, {seconds:.1f} s"
    return [f"| {said} | at most {most:.0f} MiB | | |"]


async def twice(stack: ExitStack) -> str:
    """A row: 64 cold requests for one image, to two processes of the service."""
    s3, _, sources = put_images(stack, 1, KIND)
    shared = stack.enter_context(throwaway.valkey()).url
    one_url, token, _ = stack.enter_context(service(stack, s3, sources, shared))
    other_url, other_token, _ = stack.enter_context(service(stack, s3, sources, shared))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        made = [
            Bench(url, {"Authorization": who}, {}, {}, psutil.Process(), session)
            for url, who in ((one_url, token), (other_url, other_token))
        ]
        for one in made:
            await ready(session, one.service)
        answers = await asyncio.gather(*(one.thumbnail(1) for one in made * 32))
        counters: Counter[str] = Counter()
        for one in made:
            async with session.get(f"{one.service}/metrics") as response:
                for line in (await response.text()).splitlines():
                    name, _, value = line.partition(" ")
                    if name in ("imagery_decodes_total", "imagery_fetched_bytes_total"):
                        counters[name] += int(float(value))
    same = len({body for _, body, _ in answers}) == 1
    statuses = dict(Counter(status for status, _, _ in answers))
    return (
        f"| 64 cold requests for one image, two services: {statuses}, "
        f"{'one' if same else 'several'} body | {counters['imagery_decodes_total']} decode, "
        f"{counters['imagery_fetched_bytes_total']} bytes fetched | | |"
    )


async def measure(count: int, tile_count: int, storm_count: int) -> list[str]:
    """The report's lines."""
    rows = ["| path | ours | floor | ratio |", "|---|---|---|---|"]
    async with bench(count, KIND) as made:
        ids = made.ids[RAW]
        rows.append(await full_pictures(made, ids[:count], "jpeg"))
        rows.append(await full_pictures(made, ids[count : 2 * count], "png"))
        rows += await tiles(made, ids[0], tile_count)
    with ExitStack() as stack:
        rows += await storm(stack, storm_count)
    with ExitStack() as stack:
        rows.append(await twice(stack))
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Full pictures, tiles and storms")
    parser.add_argument("--images", type=int, default=4, help="full pictures of each format")
    parser.add_argument("--tiles", type=int, default=300)
    parser.add_argument("--storm", type=int, default=300, help="cold requests at once")
    given = parser.parse_args()
    rows = asyncio.run(measure(given.images, given.tiles, given.storm))
    write_report("pictures.md", "Full pictures, tiles and storms", rows)


if __name__ == "__main__":
    main()
