"""C2 and C4: facets under many filters, one client and eight; start to ready.

`python -m benchmarks.catalog.facets [--images N] [--folder DIR] [--out FILE]`

The service runs as it does in a deployment (uvicorn, one process) on a database that was ingested
before. Every request asks ten facets and the exact totals under another filter; nothing is cached.
"""

import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
from catalog.fields import DEFAULT_FACETS
from chassis.identity import Identity, Signer
from chassis.keys import ensure_keys
from devstack.ports import choose_ports
from devstack.synthetic import FULL_SCALE

from benchmarks.catalog import real_scale

VALUES: dict[str, list[Any]] = {
    "asses": ["N", "B", "A", "S", "M", "K", "P"],
    "side": ["L", "R", "B", None],
    "massshape": ["G", "R", "O", "X", "S", "F", None],
    "path_severity": [0, 1, 2, 4, None],
    "type": ["B", "S", None],
    "calcdistri": ["G", "C", "D", None],
    "tissueden": [1, 2, 3, 4],
    "race": ["Black", "White", "Asian"],
    "ViewPosition": ["CC", "MLO"],
    "FinalImageType": ["2D", "cview"],
    "ImageLateralityFinal": ["L", "R"],
    "exam_type": ["screening", "diagnostic"],
    "Manufacturer": ["HOLOGIC, Inc."],
}


def draw_filters(count: int) -> list[dict[str, Any]]:
    """Distinct filters of one to five conditions, some with an age range."""
    rng = random.Random(7)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        names = rng.sample(list(VALUES), rng.randint(1, 5))
        drawn: dict[str, Any] = {
            name: rng.sample(VALUES[name], rng.randint(1, min(2, len(VALUES[name]))))
            for name in names
        }
        if rng.random() < 0.3:
            drawn["age_at_study"] = {"gte": rng.randint(30, 60)}
        found[json.dumps(drawn, sort_keys=True)] = drawn
    return list(found.values())


def measure(client: httpx.Client, filters: Sequence[dict[str, Any]]) -> list[float]:
    """Milliseconds of each request."""
    taken = []
    for conditions in filters:
        body = {"filter": conditions, "facets": list(DEFAULT_FACETS)}
        started = time.perf_counter()
        answer = client.post("/api/v1/facets", json=body)
        taken.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
    return taken


def throughput(url: str, headers: dict[str, str], filters: Sequence[dict[str, Any]]) -> float:
    """Requests a second of eight clients."""

    def work(_: int) -> int:
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
            return len(measure(client, filters))

    started = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(work, range(8)))
    return done / (time.perf_counter() - started)


def start(
    env: dict[str, str], port: int, app: str = "catalog.app:app_from_environment"
) -> tuple[subprocess.Popen[bytes], float]:
    """The service, and the seconds until it was ready."""
    command = [sys.executable, "-m", "uvicorn", "--factory", app]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                return process, time.perf_counter() - started
        except httpx.TransportError:
            assert process.poll() is None
        time.sleep(0.02)


def goal(what: str, value: float, unit: str, wanted: float | None = None) -> tuple[str, ...]:
    """A line of the report."""
    limit = ("", "") if wanted is None else (f"{wanted} {unit}", f"{value / wanted:.2f}")
    return (what, f"{value:.1f} {unit}", *limit)


def main() -> None:
    """Command line."""
    parser = real_scale.options(__doc__)
    parser.add_argument("--filters", type=int, default=200)
    given = parser.parse_args()
    folder = real_scale.tables(given.folder, given.images)
    filters = draw_filters(given.filters)
    with real_scale.database() as url, tempfile.TemporaryDirectory() as keys:
        jwks = ensure_keys(Path(keys))
        env = real_scale.environment(url, jwks, None, folder)
        real_scale.ingest(url, env, f"file://{folder}")
        real_scale.settle(url)
        port = choose_ports(1)[0]
        process, ready = start(env, port)
        try:
            signer = Signer(Path(keys) / "gateway.pem", "gateway")
            token = signer.sign(Identity("benchmark", "Benchmark", "researcher"), 3600)
            headers = {"Authorization": f"Bearer {token}"}
            base = f"http://127.0.0.1:{port}"
            idle = psutil.Process(process.pid).memory_info().rss / 2**20
            with httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
                measure(client, filters[:5])
                taken = measure(client, filters)
                pages = []
                for conditions in filters:
                    started = time.perf_counter()
                    body = {"filter": conditions, "limit": 50}
                    assert client.post("/api/v1/images/search", json=body).status_code == 200
                    pages.append((time.perf_counter() - started) * 1000)
            rate = throughput(base, headers, filters[:100])
            busy = psutil.Process(process.pid).memory_info().rss / 2**20
            times = psutil.Process(process.pid).cpu_times()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    centiles = statistics.quantiles(taken, n=100)
    requests = 5 + 2 * len(filters) + 800
    p50, p95 = centiles[49], centiles[94]
    whole = given.images <= FULL_SCALE.images  # the goals of more are fewer
    rows = [
        goal("ten facets and totals, p50", p50, "ms", 10 if whole else None),
        goal("ten facets and totals, p95", p95, "ms", 25 if whole else 100),
        goal("eight clients", rate, "/s", 150 if whole else None),
        goal("page of 50, p50 (service alone)", statistics.median(pages), "ms"),
        goal("processor time a request", (times.user + times.system) / requests * 1000, "ms"),
        goal("start to ready", ready, "s", 3 if whole else None),
        goal("memory when ready", idle, "MB", 300 if whole else None),
        goal("memory after the load", busy, "MB"),
    ]
    text = real_scale.report(f"C2 and C4, {given.images} images", rows)
    print(text)
    if given.out:
        given.out.write_text(text)


if __name__ == "__main__":
    main()
