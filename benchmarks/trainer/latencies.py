"""How soon a job starts, an epoch shows, and a cancel takes effect; and how soon a list is there.

    python -m benchmarks.trainer.latencies [--rounds 5]

Real processes: PostgreSQL, Valkey, SeaweedFS, the API, one worker. A job's first batch is when its
progress says "training"; an epoch's end is when its row is written, right after its figures are
known; both are seen by Server-Sent Events. The list is asked for with 500 jobs of five people
queued. Writes `latencies.md` beside this file.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks.machine import measured_on
from devstack import throwaway
from tests.chaos.lab import Lab, running

HERE = Path(__file__).parent
PATIENCE_S = 120.0


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with throwaway.scratch_folder() as folder, running(folder, workers=1) as lab:
        with lab.client("ann") as client, watching(lab) as seen:
            submit(client, epochs=2)
            seen.wait(lambda job: job["state"] == "succeeded")
            jobs = [one_job(lab, client, seen) for _ in range(rounds)]
        listing = measure_listing(lab)
    rows = [
        ("submit to first batch, warm", [j["first_batch"] for j in jobs], "3 s"),
        ("end of an epoch to its event", [j["epoch"] for j in jobs], "1 s"),
        ("cancel to cancelled", [j["cancel"] for j in jobs], "2 s"),
        ("list of 50 among 500 queued jobs", listing, "p50 0.020 s"),
    ]
    lines = [*_described(), "", "| what | p50 s | worst s | goal |", "|---|---|---|---|"]
    lines += [f"| {n} | {median(v):.3f} | {max(v):.3f} | {g} |" for n, v, g in rows]
    lines += ["", f"List: p95 {quantiles(listing, n=20)[18]:.3f} s of {len(listing)} requests."]
    text = "\n".join(lines)
    print(text)
    (HERE / "latencies.md").write_text(text + "\n")


class Seen:
    """Events as they come, each with its time."""

    def __init__(self) -> None:
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.changed = threading.Condition()

    def add(self, job: dict[str, Any]) -> None:
        """Another event."""
        with self.changed:
            self.events.append((time.time(), job))
            self.changed.notify_all()

    def wait(self, holds: Callable[[dict[str, Any]], bool]) -> float:
        """When the first event came for which ``holds``; waits for it."""
        with self.changed:
            found: list[float] = []

            def there() -> bool:
                found[:] = [at for at, job in self.events if holds(job)][:1]
                return bool(found)

            if not self.changed.wait_for(there, PATIENCE_S):
                raise TimeoutError(f"no such event; the last was {self.events[-1:]}")
            return found[0]


@contextmanager
def watching(lab: Lab) -> Iterator[Seen]:
    """Listen to everybody's jobs meanwhile."""
    seen, ended = Seen(), threading.Event()

    def listen() -> None:
        with lab.client("bob") as client, client.stream("GET", "/api/v1/jobs/events") as stream:
            for line in stream.iter_lines():
                if ended.is_set():
                    return
                if line.startswith("data:"):
                    seen.add(json.loads(line.removeprefix("data:")))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield seen
    ended.set()


def submit(client: httpx.Client, **overrides: Any) -> str:
    """Queue a job on the array; its id."""
    settings = {"input_size": 32, "batch_size": 16, **overrides}
    body = {"experiment": "labelled-array", "array": "blobs", "overrides": settings}
    answer = client.post("/api/v1/jobs", json=body)
    answer.raise_for_status()
    return str(answer.json()["job_id"])


def one_job(lab: Lab, client: httpx.Client, seen: Seen) -> dict[str, float]:
    """Seconds to the first batch, from an epoch's end to its event, and to a cancel's effect."""
    time.sleep(15)  # until the next process stands ready, as it does where people read results
    asked = time.time()
    job_id = submit(client, epochs=400)
    began = seen.wait(lambda j: j["job_id"] == job_id and j["progress"]["phase"] == "training")
    seen.wait(_has_epochs(job_id, 3))
    ended = _epoch_ended(lab, seen, job_id)
    cancelled = time.time()
    client.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
    stopped = seen.wait(lambda j: j["job_id"] == job_id and j["state"] == "cancelled")
    return {"first_batch": began - asked, "epoch": ended, "cancel": stopped - cancelled}


def _epoch_ended(lab: Lab, seen: Seen, job_id: str) -> float:
    """The longest time from the row of an epoch to its event, over the first three."""
    sql = f"select extract(epoch from finished_at) from trainer.epoch where job_id = '{job_id}'"
    written = throwaway.psql(lab.settings.database_url, f"{sql} and epoch <= 3 order by epoch")
    ended = [float(line) for line in written.splitlines()]
    shown = [seen.wait(_has_epochs(job_id, n)) for n in range(1, len(ended) + 1)]
    return max(s - e for s, e in zip(shown, ended, strict=True))


def _has_epochs(job_id: str, count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda job: job["job_id"] == job_id and len(job["epochs"]) >= count


def measure_listing(lab: Lab) -> list[float]:
    """Seconds of a page of 50, with the worker gone and 500 jobs of five people waiting."""
    for worker in lab.named("worker"):
        worker.kill()
    for person in ("ann", "bob", "cem", "dan", "eva"):
        with lab.client(person) as client:
            for seed in range(100):
                submit(client, seed=seed)
    with lab.client("ann") as client:
        times = []
        for _ in range(220):
            began = time.perf_counter()
            page = client.get("/api/v1/jobs", params={"limit": 50})
            times.append(time.perf_counter() - began)
            assert len(page.json()["items"]) == 50
    return times[20:]


def _described() -> Iterator[str]:
    yield "# How soon things happen"
    yield ""
    yield measured_on()


if __name__ == "__main__":
    main()
