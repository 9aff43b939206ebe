"""`embedlab jobs submit|experiments|list|show|log|follow|cancel|retry|archive|delete|compare`."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from embedlab.bodies import Job
from embedlab.client import FINISHED, Client
from embedlab.commands.types import Commands, open_client
from embedlab.errors import JobFailed
from embedlab.terminal import print_json, print_table, say, warn


def add(commands: Commands) -> None:
    """Declare the commands."""
    jobs = commands.add_parser("jobs", help="submit and follow training jobs")
    actions = jobs.add_subparsers(dest="action", required=True)

    submit = actions.add_parser("submit", help="queue a job")
    submit.add_argument("experiment")
    submit.add_argument("cohort_id", nargs="?", help="not needed for an ensemble of jobs")
    submit.add_argument("--array", help="patches or an array, where there is no cohort")
    submit.add_argument("--profile", help="settings to start from, as the experiment has them")
    submit.add_argument(
        "--protocol",
        choices=("patient", "published"),
        help="published: for cohorts split by image; its figures are inflated",
    )
    submit.add_argument("--name")
    submit.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="an override; repeat"
    )
    parts = submit.add_mutually_exclusive_group()
    parts.add_argument(
        "--sweep", action="append", metavar="NAME=A,B", help="try each value; repeat for a grid"
    )
    parts.add_argument("--folds", type=int, metavar="K", help="k folds by patient")
    submit.add_argument(
        "--fold-method",
        choices=("k-fold", "k-holdout"),
        help="of --folds; k-holdout: the test split stays, every other patient validates once",
    )
    parts.add_argument("--ensemble", nargs="+", metavar="JOB_ID", help="the mean of jobs")
    parts.add_argument("--single", action="store_true", help="one job, whatever it declares")
    submit.add_argument("--follow", action="store_true", help="wait for its end")
    submit.set_defaults(run=run_submit)

    known = actions.add_parser("experiments", help="what can be submitted")
    known.set_defaults(run=run_experiments)
    listed = actions.add_parser("list", help="list jobs")
    listed.add_argument("--mine", action="store_true")
    listed.add_argument("--state", action="append", choices=("queued", "running", *FINISHED))
    listed.add_argument("--archived", action="store_true", help="those that were put away")
    listed.set_defaults(run=run_list)
    compare = actions.add_parser("compare", help="jobs side by side")
    compare.add_argument("job_id", nargs="+")
    compare.set_defaults(run=run_compare)
    log = actions.add_parser("log", help="what a job said last")
    log.add_argument("job_id")
    log.add_argument("--tail", type=int, metavar="N", help="as many lines, 500 at most")
    log.set_defaults(run=run_log)
    for name, run, text in (
        ("show", run_show, "all about a job"),
        ("follow", run_follow, "watch a job to its end"),
        ("cancel", run_cancel, "stop a job"),
        ("retry", run_retry, "queue a failed or cancelled job again"),
        ("archive", run_archive, "put a job away; lists leave it out"),
        ("delete", run_delete, "delete a job that has ended, with its files"),
    ):
        parser = actions.add_parser(name, help=text)
        parser.add_argument("job_id")
        parser.set_defaults(run=run)


def parse_overrides(words: list[str]) -> dict[str, Any]:
    """`epochs=5 model=resnet18` as values; what reads as JSON is taken as such."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ValueError(f"{word!r} is not like epochs=5")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def parse_composition(given: argparse.Namespace) -> dict[str, Any] | None:
    """What `--sweep`, `--folds` or `--ensemble` ask for; values as in `--set`."""
    if given.fold_method and not given.folds:
        raise ValueError("--fold-method is of --folds")
    if given.sweep:
        grid = {}
        for word in given.sweep:
            name, equals, values = word.partition("=")
            if not equals:
                raise ValueError(f"{word!r} is not like learning_rate=1e-3,1e-4")
            grid[name] = [parse_overrides([f"{name}={v}"])[name] for v in values.split(",")]
        return {"kind": "sweep", "grid": grid}
    if given.folds:
        method = {"method": given.fold_method} if given.fold_method else {}
        return {"kind": "folds", "count": given.folds, **method}
    return {"kind": "ensemble", "jobs": given.ensemble} if given.ensemble else None


class JobPrinter:
    """Prints what is new of a job each time it is seen."""

    def __init__(self) -> None:
        self._state = ""
        self._epochs = 0

    def see(self, job: Job) -> None:
        """Say what changed."""
        state = f"{job['state']} {job['progress'].get('phase', '')}".strip()
        if job["state"] == "queued" and job.get("queue_position"):
            state += f", place {job['queue_position']}"
        if children := job.get("children"):
            state += f", {children['ended']} of {children['total']} parts ended"
        if state != self._state:
            warn(state)
            self._state = state
        for epoch in job["epochs"][self._epochs :]:
            say(describe_epoch(epoch, inflated=is_inflated(job)))
        self._epochs = len(job["epochs"])


def is_inflated(job: Job) -> bool:
    """Whether the test split, of the same patients as the training's, chose the epoch."""
    spec = job["spec"]
    return spec["protocol"] == "published" and not (spec["scores"] or spec["prediction"])


def describe_epoch(epoch: dict[str, Any], *, inflated: bool) -> str:
    """An epoch in a line, with the split that chooses the one that is kept."""
    watched = "test" if inflated else "validation"
    names = {
        "train_loss": "loss",
        "validation_loss": f"{watched} loss",
        "validation_roc_auc": f"{watched} AUC",
    }
    shown = [f"{text} {epoch[k]:.3f}" for k, text in names.items() if epoch.get(k) is not None]
    return f"  epoch {epoch['epoch']:>3}  {'  '.join(shown)}  {epoch['seconds']:.1f} s"


def describe_metrics(metrics: dict[str, Any], counted: str = "images") -> str:
    """The figures of the split that was tested in a line; ``counted``: what its rows are."""
    test = metrics["test"]
    shown = []
    for name in ("roc_auc", "accuracy", "balanced_accuracy"):
        found = test.get(name)
        if found and found["value"] is not None:
            interval = f"{_figure(found['low'])} to {_figure(found['high'])}"
            shown.append(f"{name} {found['value']:.3f} ({interval})")
    return f"{test['n']} {counted} of {test['patients']} patients: {', '.join(shown)}"


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"


def announce(lab: Client, job: Job, *, as_json: bool, wait: bool) -> int:
    """Say what was queued, and watch it to its end where that is wanted."""
    if not as_json:
        say(f"{job['job_id']}  {job['name']}  {job['state']}")
    for text in job["warnings"]:
        warn(f"note: {text}")
    if wait:
        job = lab.wait_for_job(job["job_id"], JobPrinter().see)
    return _report(job, as_json=as_json)


def _report(job: Job, *, as_json: bool) -> int:
    if as_json:
        print_json(job)
    elif job["metrics"]:
        mark = "split by image, inflated: " if is_inflated(job) else ""
        scores = job["spec"]["scores"]
        counted = f"scores ({scores['split']} split)" if scores else "images"
        say(f"{mark}{describe_metrics(job['metrics'], counted)}")
    return 0 if job["state"] in ("succeeded", "queued", "running") else 1


def run_submit(given: argparse.Namespace) -> int:
    """Queue a job."""
    overrides = parse_overrides(given.set)
    with open_client(given) as lab:
        job = lab.submit_job(
            given.experiment,
            given.cohort_id,
            overrides,
            array=given.array,
            profile=given.profile,
            protocol=given.protocol,
            name=given.name,
            composition=parse_composition(given),
            single=given.single,
        )
        return announce(lab, job, as_json=given.json, wait=given.follow)


def run_experiments(given: argparse.Namespace) -> int:
    """List experiments, with the profiles that a job may start from."""
    with open_client(given) as lab:
        found = lab.experiments()
    rows = [{**one, "profiles": ", ".join(one["profiles"])} for one in found]
    print_table(("name", "title", "dataset_kind", "profiles"), rows, as_json=given.json)
    return 0


def run_list(given: argparse.Namespace) -> int:
    """List jobs."""
    with open_client(given) as lab:
        columns = ("job_id", "name", "experiment", "state", "created_at")
        wanted = {
            "owner": "me" if given.mine else None,
            "state": given.state,
            "archived": "true" if given.archived else None,
        }
        chosen = {name: value for name, value in wanted.items() if value}
        print_table(columns, lab.jobs(**chosen), as_json=given.json)
    return 0


def run_show(given: argparse.Namespace) -> int:
    """Show a job."""
    with open_client(given) as lab:
        job = lab.job(given.job_id)
    if not given.json:
        say(f"{job['job_id']}  {job['name']}  {job['state']}  {job.get('reason') or ''}".rstrip())
        for epoch in job["epochs"]:
            say(describe_epoch(epoch, inflated=is_inflated(job)))
    return _report(job, as_json=given.json)


def run_log(given: argparse.Namespace) -> int:
    """Print a job's last lines."""
    with open_client(given) as lab:
        lines = lab.log(given.job_id, given.tail)
    for line in lines:
        if given.json:
            print_json(line)
        else:
            mark = "" if line["level"] == "info" else f"{line['level']}: "
            say(f"{line['at'][:19]}Z  {mark}{line['text']}")
    return 0


def run_follow(given: argparse.Namespace) -> int:
    """Watch a job to its end; 1 where it does not succeed."""
    with open_client(given) as lab:
        try:
            job = lab.wait_for_job(given.job_id, JobPrinter().see)
        except JobFailed as error:
            warn(str(error))
            return 1
    return _report(job, as_json=given.json)


def run_cancel(given: argparse.Namespace) -> int:
    """Stop a job."""
    with open_client(given) as lab:
        job = lab.cancel_job(given.job_id)
    ended = job["state"] in FINISHED
    say(f"{job['job_id']}  {job['state'] if ended else 'will stop within a batch'}")
    return 0


def run_retry(given: argparse.Namespace) -> int:
    """Queue a job again."""
    with open_client(given) as lab:
        job = lab.retry_job(given.job_id)
    say(f"{job['job_id']}  {job['state']}")
    return 0


def run_archive(given: argparse.Namespace) -> int:
    """Put a job away."""
    with open_client(given) as lab:
        lab.change_job(given.job_id, archived=True)
    return 0


def run_delete(given: argparse.Namespace) -> int:
    """Delete a job."""
    with open_client(given) as lab:
        lab.delete_job(given.job_id)
    return 0


def run_compare(given: argparse.Namespace) -> int:
    """Show settings that differ, and metrics, a column a job."""
    with open_client(given) as lab:
        found = lab.compare_jobs(given.job_id)
    if given.json:
        print_json(found)
        return 0
    names = [f"{n}: {job['name']}" for n, job in enumerate(found["jobs"], 1)]
    rows = [{"": row["name"], **dict(zip(names, row["values"], strict=True))}
            for row in found["settings"]]  # fmt: skip
    for row in found["metrics"]:
        shown = ["" if v is None else _figure(v["value"]) for v in row["values"]]
        rows.append({"": row["name"], **dict(zip(names, shown, strict=True))})
    print_table(("", *names), rows, as_json=False)
    for text in describe_tests(found):
        say(text)
    for text in found["warnings"]:
        warn(f"note: {text}")
    return 0


def describe_tests(found: dict[str, Any]) -> Iterator[str]:
    """Whether each job differs from the first by more than chance, or why that is not tested."""
    names = {job["job_id"]: job["name"] for job in found["jobs"]}
    for test in found["tests"]:
        auc = {name: _figure(value) for name, value in test["roc_auc"].items()}
        by = {"bootstrap over patients": test["bootstrap_p"], "DeLong": test["delong_p"]}
        chances = [f"p = {p:g} by {method}" for method, p in by.items() if p is not None]
        difference = f"roc_auc {auc['value']} ({auc['low']} to {auc['high']})"
        yield f"{names[test['b']]} less {names[test['a']]}: {', '.join([difference, *chances])}"
    for one in found["refused"]:
        yield f"{names[one['b']]} is not tested against {names[one['a']]}: {one['reason']}"
