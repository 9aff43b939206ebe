"""Broken DICOM files through the whole request path: S3, service, worker, answer.

    python tests/imagery/fuzz.py --files 20000 [--first 0]

Every file is answered by a picture of the size its header says, or by a 422 that says what is
wrong. Prints what was answered, the slowest answer and the most memory, and fails where a file was
answered otherwise.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import psutil
import pydicom
from mutations import NATIVE_PIXELS, mutated

Get = Callable[[str], Awaitable[httpx.Response]]
Put = Callable[[int, bytes], Any]

CLIENTS = 4
ID_OFFSET = 1_000_000
SLACK_S = 5.0


@dataclass
class Findings:
    """What a campaign saw."""

    deadline_s: float
    answers: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    compared: int = 0
    slowest_s: float = 0.0
    before_bytes: int = field(default_factory=lambda: psutil.Process().memory_info().rss)
    most_bytes: int = 0

    def judge(self, number: int, took_s: float, response: httpx.Response) -> None:
        """Look at one answer."""
        name, _, content = mutated(number)
        self.slowest_s = max(self.slowest_s, took_s)
        self.answers[f"{name} {response.status_code}"] += 1
        wrong = None
        if took_s > self.deadline_s + SLACK_S:
            wrong = f"took {took_s:.1f} s"
        elif response.status_code == 200:
            wrong = self._wrong_picture(content, response.content)
        elif response.status_code == 422:
            wrong = self._wrong_refusal(response)
        else:
            wrong = f"answered {response.status_code}: {response.text[:200]}"
        if wrong:
            self.faults.append(f"{number} ({name}): {wrong}")

    def _wrong_picture(self, content: bytes, body: bytes) -> str | None:
        picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            return "200 with no picture"
        try:
            dataset = pydicom.dcmread(BytesIO(content), force=True, stop_before_pixels=True)
            size = int(dataset.Rows), int(dataset.Columns)
        except Exception:  # noqa: BLE001 - pydicom as a whole stumbles where its lazy reading does not
            return None
        if picture.shape[:2] != size:
            return f"a picture of {picture.shape[:2]} for an image of {size}"
        expected = _expected(content)
        if expected is None:
            return None
        self.compared += 1
        apart = np.abs(picture.astype(float) - expected).max()
        return f"{apart:.0f} grey levels from what pydicom shows" if apart > 1 else None

    def _wrong_refusal(self, response: httpx.Response) -> str | None:
        problem = response.json()
        detail = str(problem.get("detail", ""))
        self.reasons[detail.split("(")[0].split(":")[0][:60]] += 1
        if not detail:
            return "422 that does not say what is wrong"
        return (
            f"422 by an unforeseen fault: {detail}" if detail.startswith("not readable") else None
        )


def _expected(content: bytes) -> Any:
    """The picture of a plain native image by pydicom; None for what is not as plain as that."""
    try:
        dataset = pydicom.dcmread(BytesIO(content))
        kept = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
        plain = all(dataset.get(name) == value for name, value in kept.items())
        plain &= dataset.get("PhotometricInterpretation") == "MONOCHROME2"
        plain &= str(dataset.file_meta.TransferSyntaxUID) in NATIVE_PIXELS
        tables = ("VOILUTSequence", "ModalityLUTSequence", "VOILUTFunction", "RescaleSlope")
        plain &= not any(name in dataset for name in (*tables, "PixelPaddingValue"))
        if not plain or "WindowWidth" not in dataset or dataset.WindowWidth < 1:
            return None
        values = dataset.pixel_array & 0x0FFF
        first = values[0] if values.ndim == 3 else values
        return pydicom.pixels.apply_windowing(first, dataset) / 4095 * 255
    except Exception:  # noqa: BLE001 - pydicom refuses it: then nothing is compared
        return None


async def campaign(get: Get, put: Put, numbers: range, findings: Findings) -> None:
    """Ask for the files of ``numbers``, four at a time."""
    waiting, putting = iter(numbers), asyncio.Lock()

    async def client() -> None:
        for number in waiting:
            async with putting:
                await asyncio.to_thread(put, ID_OFFSET + number, mutated(number)[2])
            started = time.perf_counter()
            response = await get(f"/api/v1/images/{ID_OFFSET + number}/rendered?format=png")
            while response.status_code == 503:  # two hard files keep both workers
                await asyncio.sleep(int(response.headers["retry-after"]))
                started = time.perf_counter()
                response = await get(f"/api/v1/images/{ID_OFFSET + number}/rendered?format=png")
            findings.judge(number, time.perf_counter() - started, response)
            findings.most_bytes = max(findings.most_bytes, _bytes_since(findings.before_bytes))
            if sum(findings.answers.values()) % 1000 == 0:
                print(sum(findings.answers.values()), "files", flush=True)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


def _bytes_since(before: int) -> int:
    """What this process (the service is in it) has grown by, and its decoding workers."""
    ours = psutil.Process()
    total = ours.memory_info().rss - before
    for process in ours.children():
        try:
            if "imagery.decoding.worker" in process.cmdline():
                total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


@contextmanager
def running() -> Iterator[tuple[Any, Any, str, Put]]:
    """Application, settings, identity and the way to add images, over servers of their own."""
    from chassis.identity import Identity, Signer
    from chassis.keys import ensure_keys
    from devstack.objects import make_client
    from imagery.app import create_app
    from imagery.settings import ImagerySettings
    from imagery.sources import ImageSource

    from devstack import throwaway

    class AnyImage:
        """Every id is an image."""

        async def find(self, image_id: int, authorization: str) -> ImageSource | None:
            return self.known(image_id)

        def known(self, image_id: int) -> ImageSource:
            named = dict.fromkeys(("patient_id", "exam_id"), "1")
            return ImageSource(
                image_id=image_id,
                dataset="fuzz",
                restricted=False,
                revision_id=1,
                sop_instance_uid=f"image-{image_id}",  # no UID: of whatever instance the file is
                source=f"s3://fuzz/{image_id}.dcm",
                **named,
            )

        def forget(self) -> None:
            """There is nothing to remember."""

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        s3 = stack.enter_context(throwaway.s3())
        client = stack.enter_context(closing(make_client(s3)))
        client.create_bucket(Bucket="fuzz")
        settings = ImagerySettings(
            identity_jwks=ensure_keys(folder),
            catalog_url="http://127.0.0.1:9",
            cache_url=stack.enter_context(throwaway.valkey()).url,
            s3_endpoint_url=s3.endpoint_url,
            s3_region=s3.region,
            s3_access_key_id=s3.access_key_id,
            s3_secret_access_key=s3.secret_access_key,
            disk_cache_dir=folder / "cache",
            disk_cache_bytes=1 << 26,
            workers=2,
        )
        who = Identity(person_id="fuzz", name="Fuzz", role="reader")
        token = Signer(folder / "gateway.pem", "gateway").sign(who, lifetime_s=86400)

        def put(image_id: int, content: bytes) -> None:
            client.put_object(Bucket="fuzz", Key=f"{image_id}.dcm", Body=content)

        yield create_app(settings, AnyImage()), settings, f"Bearer {token}", put


async def run(numbers: range) -> tuple[Findings, dict[str, Any]]:
    """A campaign against a service of its own; its findings and its readiness afterwards."""
    with running() as (app, settings, token, put):
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": token}
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://imagery", headers=headers) as c,
        ):
            findings = Findings(settings.deadline_s)
            await campaign(c.get, put, numbers, findings)
            return findings, (await c.get("/readyz")).json()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    given = parser.parse_args()
    started = time.perf_counter()
    findings, ready = asyncio.run(run(range(given.first, given.first + given.files)))
    report = {
        "files": sum(findings.answers.values()),
        "seconds": round(time.perf_counter() - started),
        "answers": dict(sorted(findings.answers.items())),
        "reasons": dict(findings.reasons.most_common(25)),
        "compared_with_pydicom": findings.compared,
        "slowest_s": round(findings.slowest_s, 2),
        "most_mib": findings.most_bytes >> 20,
        "ready": ready["state"],
        "faults": findings.faults[:50],
    }
    print(json.dumps(report, indent=1))
    sys.exit(bool(findings.faults) or ready["state"] != "ready")


if __name__ == "__main__":
    main()
