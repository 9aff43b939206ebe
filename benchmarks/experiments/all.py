"""Every experiment's `quick` profile to its end, as jobs of a running stack, and its null.

    python -m benchmarks.experiments.all URL EMAIL PASSWORD [--run NAME] [--minutes 6]

Freezes the cohort that each experiment declares (fewer images of a class, such as have a file), or
takes the stack's synthetic patches, and submits one job after the other. Then each experiment with
its labels shuffled by five seeds, at smaller settings: at most 12 % of the 95 % intervals may
exclude chance. A job is asked for by the run's name: the same command goes on where it was broken
off. Writes `all.md` beside this file; exits 1 where a bar is missed, 2 where jobs are left to run.
The stack is the one of `make demo`: to its folder the pictures of `severities.py` are brought.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from embedlab.client import Client

from benchmarks.experiments import severities
from benchmarks.experiments.asked import DEMO, SEVERITIES, Bench, Row, permuted_rows, quick_rows
from benchmarks.machine import commit, measured_on

HERE = Path(__file__).parent
MOST, QUICK_S, CHANCE = 0.12, 180, 0.5
COLUMNS = (
    "experiment", "network", "starts from", "test images (patients)", "ROC-AUC (95 %)",
    "chance is", "accuracy", "balanced accuracy", "published by others", "seconds",
)  # fmt: skip

NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced", "roc_auc": "ROC-AUC"}

Done = list[tuple[Row, dict[str, Any] | None]]


def main() -> int:
    """Run what is still to run, print and write the table; the exit status."""
    given = _arguments()
    severities.bring(given.data, given.url, given.email, given.password)
    deadline = time.monotonic() + 60 * given.minutes
    with Client.signed_in(given.url, given.email, given.password) as lab:
        experiments = [e for e in lab.experiments() if e["name"] != "labelled-array"]
        bench = Bench(lab, given.run, deadline)
        quick = [(row, bench.job_of(row)) for row in quick_rows(experiments)]
        permuted = [(row, bench.job_of(row)) for row in permuted_rows(experiments)]
    verdicts = [*_quick_verdicts(quick), _null_verdict(permuted)]
    ended = [job for _, job in (*quick, *permuted) if job is not None]
    left = len(quick) + len(permuted) - len(ended)
    lines = [*_described(given.run, ended), "", *_table(quick), "", "## Labels shuffled", ""]
    lines += [*_null_table(permuted), "", *(f"- {said}" for _, said in verdicts)]
    if left:
        lines.append(f"- {left} jobs are still to run")
    text = "\n".join(lines)
    print(text)
    (HERE / "all.md").write_text(text + "\n")
    return 2 if left else int(not all(met for met, _ in verdicts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Every experiment's quick profile, and its null")
    for name in ("url", "email", "password"):
        parser.add_argument(name)
    parser.add_argument("--run", default=commit(), help="names the jobs; the same goes on")
    parser.add_argument("--data", type=Path, default=Path(".devstack"), help="the stack's folder")
    parser.add_argument("--minutes", type=float, default=600, help="stop asking after so many")
    return parser.parse_args()


def _described(run: str, jobs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    times = [job["created_at"][:16].replace("T", " ") for job in jobs]
    yield "# Every experiment, quick, on synthetic data"
    yield ""
    yield (
        f"{measured_on()}, run {run}, jobs submitted from {min(times, default='')} to "
        f"{max(times, default='')} UTC. Published figures are others', on other data."
    )
    yield ""
    yield (
        f"Images: {DEMO[0]}, up to {DEMO[1]} of a class; for the severity of pathology "
        f"{SEVERITIES[0]}, up to {SEVERITIES[1]}; the demo's patches."
    )
    yield ""
    yield (
        "Bars: every row ends, within three minutes; rows that start from scratch, as published, "
        "exclude chance. Rows from random weights where others had pretrained ones have no bar."
    )


def _table(done: Done) -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    for row, job in done:
        yield f"| {' | '.join(_cells(row, job))} |"


def _cells(row: Row, job: Mapping[str, Any] | None) -> tuple[str, ...]:
    start = "random weights" if row.is_pretrained else "as published"
    named = str(row.experiment["name"])
    if job is None or job["state"] != "succeeded":
        said = "to run" if job is None else f"{job['state']}: {job['reason']}"
        return named, row.network, start, said, "", "", "", "", _published(row), ""
    test = job["metrics"]["test"]
    area = test["roc_auc"]
    return (
        named, row.network, start, f"{test['n']} ({test['patients']})", _interval(area),
        _chance(area), f"{test['accuracy']['value']:.3f}",
        f"{test['balanced_accuracy']['value']:.3f}", _published(row), f"{job['seconds']:.0f}",
    )  # fmt: skip


def _interval(area: Mapping[str, float | None]) -> str:
    if area["value"] is None:
        return "not defined"
    if area["low"] is None or area["high"] is None:
        return f"{area['value']:.3f}"
    return f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"


def _chance(area: Mapping[str, float | None]) -> str:
    return "excluded" if _excludes(area) else "within"


def _excludes(area: Mapping[str, float | None]) -> bool:
    low, high = area["low"], area["high"]
    return low is not None and high is not None and not low <= CHANCE <= high


def _published(row: Row) -> str:
    """The best row, with what it is of; "AUC" of the CBIS-DDSM report is balanced accuracy."""
    figures = row.experiment["published"]
    best = max(figures, key=lambda f: f["roc_auc"] or f["accuracy"] or 0, default=None)
    if best is None:
        return "nothing"
    shares = {name: best[name] for name in ("accuracy", "balanced_accuracy", "roc_auc")}
    told = ", ".join(f"{NAMES[name]} {value:.3f}" for name, value in shares.items() if value)
    variant = f" ({best['variant']})" if best["variant"] else ""
    return f"{best['model']}{variant} {told}"


def _null_table(done: Done) -> Iterator[str]:
    yield "| experiment | network | ROC-AUC by seed | intervals that exclude chance |"
    yield "|---|---|---|---|"
    names = dict.fromkeys(row.experiment["name"] for row, _ in done)
    for name in names:
        mine = [(row, job) for row, job in done if row.experiment["name"] == name]
        areas = list(_areas(job for _, job in mine))
        told = ", ".join(f"{a['value']:.2f}" for a in areas if a["value"] is not None)
        yield f"| {name} | {mine[0][0].model} | {told} | {sum(map(_excludes, areas))} |"


def _areas(jobs: Iterable[Mapping[str, Any] | None]) -> Iterator[Mapping[str, float | None]]:
    for job in jobs:
        if job is not None and job["state"] == "succeeded":
            yield job["metrics"]["test"]["roc_auc"]


def _quick_verdicts(done: Done) -> Iterator[tuple[bool, str]]:
    ended = [(row, job) for row, job in done if job is not None]
    failed = [row.name for row, job in ended if job["state"] != "succeeded"]
    yield not failed, f"{len(ended) - len(failed)} of {len(ended)} succeeded {' '.join(failed)}"
    longest = max((job["seconds"] for _, job in ended), default=0.0)
    yield longest <= QUICK_S, f"the longest took {longest:.0f} s (bar: {QUICK_S})"
    for row, job in ended:
        if not row.is_pretrained and job["metrics"]:
            area = job["metrics"]["test"]["roc_auc"]
            met = _excludes(area) and (area["low"] or 0) > CHANCE
            yield met, f"{row.name}: {_interval(area)} (bar: above {CHANCE})"


def _null_verdict(done: Done) -> tuple[bool, str]:
    areas = list(_areas(job for _, job in done))
    wrong = sum(map(_excludes, areas))
    share = wrong / max(1, len(areas))
    said = f"labels shuffled: {wrong} of {len(areas)} intervals exclude chance"
    return share <= MOST, f"{said}, {share:.1%} (bar: at most {MOST:.0%})"


if __name__ == "__main__":
    sys.exit(main())
