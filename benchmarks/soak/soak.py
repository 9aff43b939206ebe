"""A running stack under a mixed load for minutes: no error, and the memory of each process.

    python -m benchmarks.soak.soak --stack .devstack [--minutes 10] [--dataset embed-synthetic]

Small jobs train all the while, one after another. First everybody asks as fast as answers come:
that is the limit. Then requests arrive at 70 % of it, whether or not earlier ones are answered. An
answer other than 200, a job that does not succeed, or a process that grows fails. Writes `soak.md`
beside this file.

A process grows if, after the first third, more than 1 MiB in 10,000 requests is certain (at 95 %
for all processes together): about a hundred bytes each, less than what one forgotten object takes.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from scipy.stats import t

from benchmarks.machine import measured_on

HERE = Path(__file__).parent
CLIENTS = 16
MOST_WAITING = 2000
LIMIT_S = 20.0
SHARE = 0.7
SAMPLE_S = 5.0
MOST_GROWTH = 1.0  # MiB in 10,000 requests
STRETCHES = 8
CERTAIN = 0.95
MIX = {"search": 20, "facets": 10, "thumbnail": 45, "tile": 20, "jobs": 5}
FILTERS: tuple[dict[str, str], ...] = (
    {}, {"asses": "B"}, {"asses": "K"}, {"FinalImageType": "2D"}, {"tissueden": "2"},
    {"ImageLateralityFinal": "L"}, {"ViewPosition": "MLO"},
)  # fmt: skip


# Of each process: MiB in 10,000 requests, how much that may be off, whether it grows.
Judged = dict[str, tuple[float, float, bool]]


@dataclass
class Lab:
    """A signed-in person, and what came of their requests."""

    http: aiohttp.ClientSession
    dataset: str
    images: list[int] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)

    async def ask(self, kind: str, since: float | None = None) -> None:
        """One request of a kind, its time counted from ``since`` where it was due earlier."""
        began = time.perf_counter() if since is None else since
        method, path, more = self._request(kind)
        try:
            async with self.http.request(method, path, **more) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.errors[f"{kind}: {type(error).__name__}"] += 1
            return
        if answer.status != 200:
            self.errors[f"{kind}: {answer.status} {body[:120]!r}"] += 1
        self.seconds[kind].append(time.perf_counter() - began)

    def _request(self, kind: str) -> tuple[str, str, dict[str, Any]]:
        chosen = random.choice(FILTERS)
        if kind == "search":
            return "GET", "/api/v1/images", {"params": {"dataset": self.dataset, **chosen}}
        if kind == "facets":
            listed = {name: [value] for name, value in chosen.items()}
            return "POST", "/api/v1/facets", {"json": {"dataset": self.dataset, "filter": listed}}
        if kind == "jobs":
            return "GET", "/api/v1/jobs", {}
        image = random.choice(self.images)
        if kind == "thumbnail":
            return "GET", f"/api/v1/images/{image}/thumbnail", {"params": {"size": "256"}}
        x, y = 64 * random.randrange(2), 64 * random.randrange(4)
        return "GET", f"/iiif/3/{image}/{x},{y},256,256/256,/0/default.jpg", {}

    async def json(self, method: str, path: str, **more: Any) -> Any:
        """The answer to a request that has to succeed."""
        async with self.http.request(method, path, **more) as answer:
            if answer.status >= 300:
                raise SystemExit(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()


def drawn() -> str:
    """A kind of request, as often as the mix says."""
    return random.choices(list(MIX), list(MIX.values()))[0]


async def find_limit(lab: Lab) -> float:
    """Requests per second when every client asks again at once."""
    until, asked = time.perf_counter() + LIMIT_S, 0

    async def client() -> None:
        nonlocal asked
        while time.perf_counter() < until:
            await lab.ask(drawn())
            asked += 1

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return asked / LIMIT_S


async def keep_asking(lab: Lab, per_second: float, seconds: float) -> None:
    """Requests at even intervals, each timed from when it was due."""
    start, waiting = time.perf_counter(), set[asyncio.Task[None]]()
    for place in range(round(per_second * seconds)):
        due = start + place / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if len(waiting) >= MOST_WAITING:
            lab.errors[f"{MOST_WAITING} requests wait: the stack does not keep up"] += 1
            break
        task = asyncio.create_task(lab.ask(drawn(), due))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)


async def keep_training(lab: Lab, enough: asyncio.Event) -> int:
    """Freeze a small cohort and train on it, again and again; how many jobs succeeded."""
    classes = [{"name": name, "values": [name]} for name in "BK"]
    body: dict[str, Any] = {"dataset": lab.dataset, "name": "soak", "seed": 1}
    body["label"] = {"field": "asses", "classes": classes}
    cohort = await lab.json("POST", "/api/v1/cohorts", json=body | {"filter": {"has_file": True}})
    for seed in itertools.count():
        job = await lab.json("POST", "/api/v1/jobs", json={
            "experiment": "embed-2b6k", "cohort_id": cohort["cohort_id"], "name": "soak",
            "overrides": {"weights": "none", "epochs": 2, "input_size": 64, "seed": seed},
        })  # fmt: skip
        while job["finished_at"] is None:
            await asyncio.sleep(1)
            job = await lab.json("GET", f"/api/v1/jobs/{job['job_id']}")
        if job["state"] != "succeeded":
            lab.errors[f"job: {job['state']}, {job['reason']}"] += 1
            return seed
        if enough.is_set():
            return seed + 1
    raise AssertionError


async def watch(programs: dict[str, int], found: dict[str, list[float]]) -> None:
    """Proportional MiB of each program with its children, every few seconds."""
    start = time.perf_counter()
    for place in itertools.count(1):
        for name, pid in programs.items():
            found[name].append(await asyncio.to_thread(memory, pid))
        await asyncio.sleep(max(0.0, start + place * SAMPLE_S - time.perf_counter()))


def growth(sizes: list[float], certain: float) -> tuple[float, float]:
    """Growth per sample after the first third, and how much it may be off (one-sided).

    The slope through the means of eight stretches: neighbouring samples resemble each other, and
    would promise more certainty than there is.
    """
    width = max(1, len(sizes) * 2 // 3 // STRETCHES)
    kept = sizes[-width * STRETCHES :]
    means = [statistics.fmean(kept[n * width : (n + 1) * width]) for n in range(STRETCHES)]
    places = range(STRETCHES)
    slope, start = statistics.linear_regression(places, means)
    rest = sum((mean - start - slope * n) ** 2 for n, mean in zip(places, means, strict=True))
    spread = sum((n - statistics.fmean(places)) ** 2 for n in places)
    error = (rest / (STRETCHES - 2) / spread) ** 0.5
    return slope / width, float(t.ppf(certain, STRETCHES - 2)) * error / width


def memory(pid: int) -> float:
    """MiB of a process and those that it started, shared pages divided among who shares them."""
    total = 0
    for process in (root := psutil.Process(pid), *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # ended meanwhile
            continue
    return total / 2**20


async def soak(given: argparse.Namespace, state: dict[str, Any]) -> int:
    """Measure, write the table; 1 where something failed."""
    kept = json.loads((given.stack / "credentials.json").read_text())
    programs = {p["name"]: p["pid"] for p in state["processes"] if p["pid"]}
    found: dict[str, list[float]] = defaultdict(list)
    options: dict[str, Any] = {
        "connector": aiohttp.TCPConnector(limit=CLIENTS),
        "timeout": aiohttp.ClientTimeout(60),
        "cookie_jar": aiohttp.CookieJar(unsafe=True),  # an address is no host name
    }
    async with aiohttp.ClientSession(state["url"], **options) as http:
        lab = Lab(http, given.dataset)
        signed = {name: kept[name] for name in ("email", "password")}
        session = await lab.json("POST", "/api/v1/session", json=signed)
        http.headers["X-CSRF-Token"] = session["csrf_token"]
        asked = {"dataset": given.dataset, "has_file": "true", "limit": "50"}
        page = await lab.json("GET", "/api/v1/images", params=asked)
        lab.images = [image["image_id"] for image in page["items"]]
        await find_limit(lab)  # with cold caches: pictures are made
        enough = asyncio.Event()
        training = asyncio.create_task(keep_training(lab, enough))
        limit = await find_limit(lab)
        lab.seconds.clear()
        watching = asyncio.create_task(watch(programs, found))
        await keep_asking(lab, SHARE * limit, 60 * given.minutes)
        enough.set()
        jobs = await training
        watching.cancel()
        await asyncio.wait([watching])
    judged = judge(found, SHARE * limit)
    text = report(given.minutes, limit, lab, found, judged, jobs)
    sys.stdout.write(text)
    (HERE / "soak.md").write_text(text)
    return 1 if lab.errors or any(grows for *_, grows in judged.values()) else 0


def judge(found: dict[str, list[float]], per_second: float) -> Judged:
    """What the samples say of each process, at so many requests a second."""
    judged: Judged = {}
    certain = 1 - (1 - CERTAIN) / len(found)
    for name, sizes in found.items():
        slope, off = (10_000 / per_second / SAMPLE_S * value for value in growth(sizes, certain))
        judged[name] = (slope, off, slope - off > MOST_GROWTH)
    return judged


def report(
    minutes: float,
    limit: float,
    lab: Lab,
    found: dict[str, list[float]],
    judged: Judged,
    jobs: int,
) -> str:
    """The page of figures."""
    asked = sum(map(len, lab.seconds.values()))
    lines = [
        "# A mixed load for minutes", "",
        f"{measured_on()}; the load comes from the same machine.", "",
        f"{minutes:g} minutes at {SHARE:.0%} of the limit of {limit:,.0f} requests/s measured "
        f"before: {asked:,} requests, {lab.errors.total()} errors. Beside both, small jobs trained "
        f"one after another: {jobs} succeeded.", "",
        "| request | n | p50 ms | p95 ms | p99 ms |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for kind, taken in sorted(lab.seconds.items()):
        ordered = sorted(taken)
        at = [1000 * ordered[int(q * (len(ordered) - 1))] for q in (0.5, 0.95, 0.99)]
        lines.append(f"| {kind} | {len(taken):,} | " + " | ".join(f"{v:,.1f}" for v in at) + " |")
    lines += memory_table(found, judged)
    lines += ["", *(f"* {count} x {error}" for error, count in lab.errors.items())]
    return "\n".join(lines).rstrip() + "\n"


def memory_table(found: dict[str, list[float]], judged: Judged) -> list[str]:
    """The lines about the memory of each process."""
    lines = [
        "",
        "Growth is the slope after the first third, in MiB in 10,000 requests, with what it may be "
        f"off (one-sided, {CERTAIN:.0%} for all together). A process grows if more than "
        f"{MOST_GROWTH:g} is certain.",
        "",
        "| process (with its children) | first MiB | middle | last | greatest | growth | grows |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, sizes in found.items():
        shown = (sizes[0], sizes[len(sizes) // 2], sizes[-1], max(sizes))
        slope, off, grows = judged[name]
        verdict = "**yes**" if grows else "no"
        lines.append(
            f"| {name} | {' | '.join(f'{size:,.0f}' for size in shown)} "
            f"| {slope:+.2f} ± {off:.2f} | {verdict} |"
        )
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stack", type=Path, default=Path(".devstack"))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--dataset", default="embed-synthetic")
    given = parser.parse_args()
    state = json.loads((given.stack / "state.json").read_text())
    sys.exit(asyncio.run(soak(given, state)))


if __name__ == "__main__":
    main()
