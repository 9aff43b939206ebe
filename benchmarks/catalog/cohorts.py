"""Cohorts at real scale through the service: freeze, combine, compare, count, take out.

`python -m benchmarks.catalog.cohorts [--images N] [--folder DIR] [--out FILE]`

Two recipes are frozen; the larger cohort is taken out as every file. Seconds until the last byte,
and the most memory that the service had meanwhile.
"""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
from chassis.identity import Identity, Signer
from chassis.keys import ensure_keys
from devstack.ports import choose_ports

from benchmarks.catalog import real_scale
from benchmarks.catalog.facets import start

COHORTS = "/api/v1/cohorts"
FREEZE_S = 120
EXPORT_S = 120
FILES = (
    "members.csv",
    "members.parquet",
    "findings.csv",
    "findings.parquet",
    "manifest.s5cmd",
    "croissant.json",
)
STATISTICS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ten distributions and years", {}),
    ("and missing values", {"missing": True}),
    ("a cross-table", {"fields": [], "cross": [["asses", "tissueden"]], "years": False}),
)


class Asked:
    """A service that is asked, and a line of the report for each question."""

    def __init__(self, client: httpx.Client, pid: int) -> None:
        self.rows: list[tuple[str, ...]] = []
        self._client = client
        self._process = psutil.Process(pid)

    def ask(
        self, what: str, method: str, path: str, body: Any = None, goal: int | None = None
    ) -> httpx.Response:
        """The answer, read whole."""
        done = threading.Event()
        peak: list[float] = []
        watch = threading.Thread(target=self._watch, args=(done, peak))
        watch.start()
        started = time.perf_counter()
        answer = self._client.request(method, path, json=body)
        seconds = time.perf_counter() - started
        done.set()
        watch.join()
        assert answer.is_success, answer.text
        limit = ("", "") if goal is None else (f"{goal} s", f"{seconds / goal:.2f}")
        size = f"{len(answer.content) / 2**20:.1f} MB"
        self.rows.append((what, f"{seconds:.1f} s", *limit, size, f"{max(peak):.0f} MB"))
        return answer

    def _watch(self, done: threading.Event, peak: list[float]) -> None:
        while True:
            peak.append(self._process.memory_info().rss / 2**20)
            if done.wait(0.05):
                return


def work(asked: Asked) -> None:
    """Everything that is measured."""
    made = {}
    for name in ("dc", "sla"):
        body = {"recipe": {"name": name}}
        made[name] = asked.ask(f"freeze {name}", "POST", COHORTS, body, FREEZE_S).json()
    keys = [cohort["cohort_id"] for cohort in made.values()]
    images = {name: cohort["counts"]["images"] for name, cohort in made.items()}
    sizes = ", ".join(f"{name}: {count} images" for name, count in images.items())
    union = {"combine": {"operation": "union", "cohorts": keys}}
    asked.ask(f"union of both ({sizes})", "POST", COHORTS, union)
    asked.ask("compare both", "GET", f"{COHORTS}/compare?a={keys[0]}&b={keys[1]}")
    for what, told in STATISTICS:
        asked.ask(f"statistics: {what}", "POST", "/api/v1/statistics", told)
    for file in FILES:
        goal = EXPORT_S if file == "croissant.json" else None
        asked.ask(f"sla as {file}", "GET", f"{COHORTS}/{keys[1]}/export/{file}", None, goal)


def main() -> None:
    """Command line."""
    given = real_scale.options(__doc__).parse_args()
    folder = real_scale.tables(given.folder, given.images)
    with real_scale.database() as url, tempfile.TemporaryDirectory() as keys:
        env = real_scale.environment(url, ensure_keys(Path(keys)), None, folder)
        real_scale.ingest(url, env, f"file://{folder}")
        port = choose_ports(1)[0]
        process, _ = start(env, port)
        try:
            signer = Signer(Path(keys) / "gateway.pem", "gateway")
            token = signer.sign(Identity("benchmark", "Benchmark", "researcher"), 3600)
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=300,
            ) as client:
                asked = Asked(client, process.pid)
                work(asked)
        finally:
            process.terminate()
            process.wait(20)
    columns = ("what", "seconds", "goal", "ratio", "answer", "most memory")
    text = real_scale.report(f"Cohorts of {given.images} images", asked.rows, columns)
    print(text)
    if given.out:
        given.out.write_text(text)


if __name__ == "__main__":
    main()
