"""Thumbnails cold and warm, beside the cold floor of the same run (goals I1, I2, I3).

    python benchmarks/imagery/cold_warm.py [--images 8] [--seconds 3]

Cold: every image is asked for once; nothing of it is in Valkey, on disk or in memory. Cold figures
of ours and of the floor are taken in turn, image by image, so that both meet the same machine. The
service is measured by itself (identity checked, no gateway before it). Writes `cold_warm.md`.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import images
import psutil
from chassis.identity import Identity, Signer
from chassis.keys import ensure_keys
from devstack.objects import make_client
from devstack.ports import choose_ports
from floor import cold_thumbnail

from devstack import throwaway

HERE = Path(__file__).parent
BUCKET = "benchmark"
CLIENTS = 8
RAW = "raw 4096x3328"
KINDS = {
    "raw 3328x2560": (3328, 2560, images.EXPLICIT),
    "raw 4096x3328": (4096, 3328, images.EXPLICIT),
    "JPEG lossless 4096x3328": (4096, 3328, images.JPEG_LOSSLESS),
    "JPEG 2000 4096x3328": (4096, 3328, images.JPEG_2000),
}


@dataclass
class Bench:
    """The servers and what is in them. ``urls`` are presigned, for the floor, by image id."""

    service: str
    headers: dict[str, str]
    urls: dict[int, str]
    ids: dict[str, list[int]]
    process: psutil.Process
    session: aiohttp.ClientSession

    async def thumbnail(self, image_id: int, **headers: str) -> tuple[int, bytes, str]:
        """(status, body, ETag) of one thumbnail."""
        url = f"{self.service}/api/v1/images/{image_id}/thumbnail?size=256"
        async with self.session.get(url, headers=self.headers | headers) as response:
            return response.status, await response.read(), response.headers.get("ETag", "")

    async def floor(self, image_id: int, kind: str) -> bytes:
        """The same without a service."""
        rows, columns, _ = KINDS[kind]
        return await cold_thumbnail(self.session, self.urls[image_id], (rows, columns))


def put_images(stack: ExitStack, count: int) -> tuple[Any, dict[str, list[int]], list[Any]]:
    """Objects of every kind, twice ``count`` each: for one client and for eight."""
    s3 = stack.enter_context(throwaway.s3())
    client = stack.enter_context(closing(make_client(s3)))
    client.create_bucket(Bucket=BUCKET)
    ids: dict[str, list[int]] = {}
    sources, number = [], 0
    for kind, (rows, columns, syntax) in KINDS.items():
        content = images.dicom_file(images.breast(rows, columns), syntax)
        for _ in range(2 * count):
            number += 1
            client.put_object(Bucket=BUCKET, Key=f"images/{number}.dcm", Body=content)
            ids.setdefault(kind, []).append(number)
            sources.append(source(number))
    return s3, ids, sources


def source(number: int) -> dict[str, Any]:
    """An image source as the catalog gives it."""
    return {
        "image_id": number,
        "dataset": "benchmark",
        "restricted": False,
        "revision_id": 1,
        "patient_id": "1",
        "exam_id": "1",
        "sop_instance_uid": f"1.2.{number}",
        "source": f"s3://{BUCKET}/images/{number}.dcm",
    }


def presigned(s3: Any, ids: dict[str, list[int]]) -> dict[int, str]:
    """URLs for the floor."""
    with closing(make_client(s3)) as client:
        return {
            number: client.generate_presigned_url(
                "get_object", Params={"Bucket": BUCKET, "Key": f"images/{number}.dcm"}
            )
            for numbers in ids.values()
            for number in numbers
        }


@contextmanager
def service(
    stack: ExitStack, s3: Any, sources: list[Any], valkey_url: str | None = None
) -> Iterator[tuple[str, str, int]]:
    """The service as a process: its URL, a signed identity, its process id."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    jwks = ensure_keys(folder)
    (folder / "sources.json").write_text(json.dumps(sources))
    port = choose_ports(1)[0]
    settings = {
        "IDENTITY_JWKS": str(jwks),
        "CATALOG_URL": "http://127.0.0.1:9",
        "CACHE_URL": valkey_url or stack.enter_context(throwaway.valkey()).url,
        "S3_ENDPOINT_URL": s3.endpoint_url,
        "S3_REGION": s3.region,
        "S3_ACCESS_KEY_ID": s3.access_key_id,
        "S3_SECRET_ACCESS_KEY": s3.secret_access_key,
        "DISK_CACHE_DIR": str(folder / "sources"),
    }
    child = subprocess.Popen(
        [sys.executable, str(HERE / "serve.py"), str(port), str(folder / "sources.json")],
        env=os.environ | {f"IMAGERY_{name}": value for name, value in settings.items()},
    )
    who = Identity(person_id="benchmark", name="Benchmark", role="researcher")
    token = Signer(folder / "gateway.pem", "gateway").sign(who, lifetime_s=3600)
    try:
        yield f"http://127.0.0.1:{port}", f"Bearer {token}", child.pid
    finally:
        child.terminate()
        child.wait(20)


@asynccontextmanager
async def bench(count: int) -> AsyncIterator[Bench]:
    """Everything started."""
    with ExitStack() as stack:
        s3, ids, sources = put_images(stack, count)
        url, token, pid = stack.enter_context(service(stack, s3, sources))
        connector = aiohttp.TCPConnector(limit=64)
        async with aiohttp.ClientSession(connector=connector, read_bufsize=2**19) as session:
            made = Bench(
                url,
                {"Authorization": token},
                presigned(s3, ids),
                ids,
                psutil.Process(pid),
                session,
            )
            await ready(made)
            yield made


async def ready(made: Bench) -> None:
    """Wait until the service answers."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            async with made.session.get(f"{made.service}/livez") as response:
                if response.status == 200:
                    return
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the service did not start")


async def timed(work: Awaitable[object]) -> float:
    """Milliseconds of ``work``."""
    started = time.perf_counter()
    await work
    return (time.perf_counter() - started) * 1000


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


async def warm(
    made: Bench, ids: list[int], seconds: float, clients: int
) -> tuple[float, float, int]:
    """(p50 ms, requests a second, requests) of thumbnails that are in Valkey."""
    return await rate(lambda n: made.thumbnail(ids[n % len(ids)]), seconds, clients)


async def unchanged(made: Bench, image_id: int, seconds: float) -> tuple[float, float, int]:
    """The same for 304 answers, eight clients."""
    tag = (await made.thumbnail(image_id))[2]
    return await rate(
        lambda n: made.thumbnail(image_id, **{"If-None-Match": tag}), seconds, CLIENTS
    )


async def rate(
    work: Callable[[int], Awaitable[object]], seconds: float, clients: int
) -> tuple[float, float, int]:
    """(p50 ms, per second, how many) of ``work`` by ``clients`` at once."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < until:
            took.append(await timed(work(len(took))))

    await asyncio.gather(*(client() for _ in range(clients)))
    return statistics.median(took), len(took) / seconds, len(took)


def memory_mib(process: psutil.Process) -> float:
    """Proportional memory of the service and its workers."""
    family = [process, *process.children(recursive=True)]
    return sum(one.memory_full_info().pss for one in family) / 2**20


async def warm_row(name: str, made: Bench, work: Awaitable[tuple[float, float, int]]) -> str:
    """A row of a warm part: time, rate, and the service's own CPU, which load does not change."""
    before = cpu_s(made.process)
    p50, per_s, requests = await work
    cpu_ms = (cpu_s(made.process) - before) / requests * 1000
    return f"| {name} | {p50:.2f} ms, {per_s:.0f}/s, {cpu_ms:.2f} ms CPU each | | |"


def cpu_s(process: psutil.Process) -> float:
    """Seconds of CPU that the service's own process has used."""
    used = process.cpu_times()
    return float(used.user + used.system)


async def measure(count: int, seconds: float) -> list[str]:
    """The report's lines."""
    rows = ["| path | ours | floor | ratio |", "|---|---|---|---|"]
    async with bench(count) as made:
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
        warmed = made.ids[RAW][:count]
        rows += [
            await warm_row("warm 256 px, 1 client", made, warm(made, warmed, seconds, 1)),
            await warm_row(
                f"warm 256 px, {CLIENTS} clients", made, warm(made, warmed, seconds, CLIENTS)
            ),
            await warm_row(f"304, {CLIENTS} clients", made, unchanged(made, warmed[0], seconds)),
        ]
        rows.append(
            f"| memory of service and workers after all of it | "
            f"{memory_mib(made.process):.0f} MiB | | |"
        )
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Thumbnails cold and warm beside the cold floor")
    parser.add_argument("--images", type=int, default=8, help="images of each kind and part")
    parser.add_argument("--seconds", type=float, default=3, help="length of each warm part")
    given = parser.parse_args()
    rows = asyncio.run(measure(given.images, given.seconds))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    head = [
        "# Thumbnails, cold and warm",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"commit {commit}, load {os.getloadavg()[0]:.1f}",
        "",
    ]
    report = "\n".join([*head, *rows, ""])
    (HERE / "cold_warm.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
