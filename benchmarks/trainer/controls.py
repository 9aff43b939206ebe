"""Does the network see the lesion? Repeats and controls of a job on a running stack.

    python -m benchmarks.trainer.controls URL EMAIL PASSWORD [--seeds 3] [--permutations 5]

On one frozen cohort (the one that the experiment declares): the experiment with several seeds, the
same with permuted labels, and beside each the logistic regression that sees no lesion. Exits 1
where a bar is missed: every seed's 95 % interval above 0.5 and 0.15 above the baseline, the mean of
the permutations at most 0.65. Writes `controls.md` beside this file.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import Any

from embedlab.client import Client

from benchmarks.machine import measured_on

HERE = Path(__file__).parent
MARGIN, CHANCE, PERMUTED = 0.15, 0.5, 0.65
HEADER = "| job | model | ROC-AUC (95 %) | accuracy | baseline | epochs, best | seconds |"


def main() -> int:
    """Run everything, print and write the table; the exit status."""
    given = _arguments()
    with Client.signed_in(given.url, given.email, given.password) as lab:
        cohort_id = _freeze(lab, given.dataset)
        seeds = [_run(lab, cohort_id, given.overrides, seed=s) for s in range(given.seeds)]
        controls = [
            _run(lab, cohort_id, given.overrides, permute_labels=s)
            for s in range(given.permutations)
        ]
    lines = [HEADER, "|---" * 7 + "|", *map(_row, seeds + controls)]
    verdicts = list(_verdicts(seeds, controls))
    text = "\n".join([*_described(), "", *lines, "", *(f"- {said}" for _, said in verdicts)])
    print(text)
    (HERE / "controls.md").write_text(text + "\n")
    return 0 if all(met for met, _ in verdicts) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Repeats and label permutations of embed-2b6k")
    for name in ("url", "email", "password"):
        parser.add_argument(name)
    parser.add_argument("--dataset", default="embed-synthetic")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--permutations", type=int, default=5)
    parser.add_argument("--model", dest="overrides", type=lambda m: {"model": m}, default={})
    return parser.parse_args()


def _freeze(lab: Client, dataset: str) -> str:
    experiments = {found["name"]: found for found in lab.experiments()}
    expected = experiments["embed-2b6k"]["cohort"]
    pictured = {"FinalImageType": ["2D"], "has_file": [True]}
    definition = {**expected, "name": "controls", "dataset": dataset, "seed": 7}
    return str(lab.create_cohort({**definition, "filter": pictured})["cohort_id"])


def _run(lab: Client, cohort_id: str, base: Mapping[str, Any], **overrides: Any) -> dict[str, Any]:
    name = " ".join(f"{key} {value}" for key, value in overrides.items())
    job = lab.submit_job(
        "embed-2b6k", cohort_id, {"weights": "none", **base, **overrides}, name=name
    )
    done = lab.wait_for_job(job["job_id"], None, timeout_s=3600)
    return dict(done)


def _row(job: Mapping[str, Any]) -> str:
    test, baseline = job["metrics"]["test"], job["metrics"]["baseline"]
    area = test["roc_auc"]
    started, ended = (datetime.fromisoformat(job[k]) for k in ("started_at", "finished_at"))
    cells = (
        job["name"],
        job["spec"]["settings"]["model"],
        f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})",
        f"{test['accuracy']['value']:.3f}",
        f"{baseline['roc_auc']['value']:.3f}",
        f"{len(job['epochs'])}, {job['metrics']['epoch']}",
        f"{(ended - started).total_seconds():.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _verdicts(
    seeds: list[dict[str, Any]], controls: list[dict[str, Any]]
) -> Iterator[tuple[bool, str]]:
    lows = [job["metrics"]["test"]["roc_auc"]["low"] for job in seeds]
    gaps = [
        job["metrics"]["test"]["roc_auc"]["value"] - job["metrics"]["baseline"]["roc_auc"]["value"]
        for job in seeds
    ]
    yield min(lows) > CHANCE, f"least lower bound {min(lows):.3f} (bar: above {CHANCE})"
    yield min(gaps) >= MARGIN, f"least lead on the baseline {min(gaps):.3f} (bar: {MARGIN})"
    if controls:
        found = mean(job["metrics"]["test"]["roc_auc"]["value"] for job in controls)
        yield found <= PERMUTED, f"mean of permuted labels {found:.3f} (bar: at most {PERMUTED})"


def _described() -> Iterator[str]:
    yield "# embed-2b6k on the demo: seeds, permuted labels, and a baseline without lesions"
    yield ""
    yield measured_on()


if __name__ == "__main__":
    sys.exit(main())
