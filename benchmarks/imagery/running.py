"""The servers of the imagery benchmarks: S3 with images, the service, and the gateway before it."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import aiohttp
import psutil
from chassis.identity import Identity, Signer
from chassis.keys import ensure_keys
from devstack.objects import make_client
from devstack.ports import choose_ports

from benchmarks.gateway import proxy
from benchmarks.imagery import images
from benchmarks.imagery.floor import cold_thumbnail
from benchmarks.machine import measured_on
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
    """The servers and what is in them. ``urls`` are presigned, for the floor, by image id.

    ``service`` is where pictures are asked for: the gateway, or the service itself.
    """

    service: str
    headers: dict[str, str]
    urls: dict[int, str]
    ids: dict[str, list[int]]
    process: psutil.Process
    session: aiohttp.ClientSession
    gateway: psutil.Process | None = None

    async def thumbnail(self, image_id: int, **headers: str) -> tuple[int, bytes, str]:
        """(status, body, ETag) of one thumbnail."""
        url = f"{self.service}/api/v1/images/{image_id}/thumbnail?size=256"
        async with self.session.get(url, headers=self.headers | headers) as response:
            return response.status, await response.read(), response.headers.get("ETag", "")

    async def floor(self, image_id: int, kind: str) -> bytes:
        """The same without a service."""
        rows, columns, _ = KINDS[kind]
        return await cold_thumbnail(self.session, self.urls[image_id], (rows, columns))


def put_images(
    stack: ExitStack, count: int, kinds: dict[str, Any]
) -> tuple[Any, dict[str, list[int]], list[Any]]:
    """Objects of each of ``kinds``, twice ``count`` each: for one client and for eight."""
    s3 = stack.enter_context(throwaway.s3())
    client = stack.enter_context(closing(make_client(s3)))
    client.create_bucket(Bucket=BUCKET)
    ids: dict[str, list[int]] = {}
    sources, number = [], 0
    for kind, (rows, columns, syntax) in kinds.items():
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
        "sop_instance_uid": f"image-{number}",
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
    stack: ExitStack,
    s3: Any,
    sources: list[Any],
    valkey_url: str | None = None,
    jwks: Path | None = None,
    port: int | None = None,
) -> Iterator[tuple[str, str, int]]:
    """The service as a process: its URL, an identity where it has keys of its own, its process id.

    ``jwks`` are the public keys of a gateway that asks it at ``port``.
    """
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    own = ensure_keys(folder)
    (folder / "sources.json").write_text(json.dumps(sources))
    port = port or choose_ports(1)[0]
    settings = {
        "IDENTITY_JWKS": str(jwks or own),
        "CATALOG_URL": "http://127.0.0.1:9",
        "CACHE_URL": valkey_url or stack.enter_context(throwaway.valkey()).url,
        "S3_ENDPOINT_URL": s3.endpoint_url,
        "S3_REGION": s3.region,
        "S3_ACCESS_KEY_ID": s3.access_key_id,
        "S3_SECRET_ACCESS_KEY": s3.secret_access_key,
        "DISK_CACHE_DIR": str(folder / "sources"),
    }
    child = Popen(
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
async def bench(count: int, kinds: dict[str, Any]) -> AsyncIterator[Bench]:
    """S3, the service and the gateway before it; twice ``count`` images of each kind."""
    with ExitStack() as stack:
        s3, ids, sources = put_images(stack, count, kinds)
        port, gateway_port = choose_ports(2)
        upstream = f"http://127.0.0.1:{port}"
        environment = await asyncio.to_thread(proxy.gateway_environment, stack, upstream)
        jwks = Path(environment["GATEWAY_SIGNING_KEY"]).with_name("jwks.json")
        _, _, pid = stack.enter_context(service(stack, s3, sources, jwks=jwks, port=port))
        gateway = stack.enter_context(proxy.process("gateway", gateway_port, **environment))
        connector = aiohttp.TCPConnector(limit=512)
        async with aiohttp.ClientSession(connector=connector, read_bufsize=2**19) as session:
            made = Bench(
                f"http://127.0.0.1:{gateway_port}",
                {"Authorization": f"Bearer {proxy.token(gateway_port)}"},
                presigned(s3, ids),
                ids,
                psutil.Process(pid),
                session,
                gateway,
            )
            await ready(session, f"http://127.0.0.1:{port}")
            yield made


async def ready(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until the service at ``url`` answers."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            async with session.get(f"{url}/livez") as response:
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


def memory_mib(process: psutil.Process) -> float:
    """Proportional memory of the service and its workers."""
    family = [process, *process.children(recursive=True)]
    return sum(one.memory_full_info().pss for one in family) / 2**20


def cpu_s(process: psutil.Process) -> float:
    """Seconds of CPU that the service's own process has used."""
    used = process.cpu_times()
    return float(used.user + used.system)


def write_report(name: str, title: str, rows: list[str]) -> None:
    """Print ``rows`` of a table and write them to the file ``name``, with day, machine, commit."""
    head = [
        f"# {title}",
        "",
        measured_on(),
        "",
    ]
    report = "\n".join([*head, *rows, ""])
    (HERE / name).write_text(report)
    print(report)
