"""`embedlab smoke`: the steps with their times; ends at the first lie."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from embedlab.bodies import Job
from embedlab.client import Client
from embedlab.commands.jobs import parse_overrides
from embedlab.commands.types import Commands
from embedlab.errors import JobFailed, LabError
from embedlab.smoke.steps import Plan, Walk
from embedlab.terminal import ProgressLine, say
from embedlab.transport import environment

CREDENTIALS = Path(".devstack/credentials.json")


def add(commands: Commands) -> None:
    """Declare the command."""
    smoke = commands.add_parser(
        "smoke",
        help="walk a running server from sign-in to a ROC curve",
        description="Signs in with EMBEDLAB_URL, EMBEDLAB_EMAIL and EMBEDLAB_PASSWORD, or with the "
        "credentials file of a development stack.",
    )
    smoke.add_argument("--url", default=environment("EMBEDLAB_URL"))
    smoke.add_argument("--credentials", type=Path, default=CREDENTIALS, metavar="FILE")
    smoke.add_argument("--dataset", help="(default: the server's)")
    smoke.add_argument("--per-class", type=int, default=100, help="images of each class (100)")
    smoke.add_argument("--job-timeout", type=float, default=900.0, metavar="SECONDS")
    smoke.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    smoke.set_defaults(run=run_smoke)


def find_sign_in(given: argparse.Namespace) -> tuple[str, str, str]:
    """(URL, e-mail, password) of the environment, else of a development stack's folder."""
    email, password = environment("EMBEDLAB_EMAIL"), environment("EMBEDLAB_PASSWORD")
    if given.url and email and password:
        return given.url, email, password
    path: Path = given.credentials
    if not path.exists():
        raise LabError(
            f"There is no {path}. Start a stack (make demo), or set EMBEDLAB_URL, EMBEDLAB_EMAIL "
            "and EMBEDLAB_PASSWORD."
        )
    kept = json.loads(path.read_text())
    url = given.url or _stack_url(path.with_name("state.json"))
    return url, email or kept["email"], password or kept["password"]


def _stack_url(path: Path) -> str:
    if not path.exists():
        raise LabError(f"There is no {path}: no stack is running. Start one: make demo")
    return str(json.loads(path.read_text())["url"])


def run_smoke(given: argparse.Namespace) -> int:
    """Walk; 0 where every step was true."""
    plan = Plan(
        dataset=given.dataset,
        per_class=given.per_class,
        job_timeout_s=given.job_timeout,
        overrides={"weights": "none", **parse_overrides(given.set)},
    )
    url, email, password = find_sign_in(given)
    say(f"{url} as {email}")
    line = ProgressLine()
    started = time.monotonic()
    with Client.signed_in(url, email, password) as lab:
        walk = Walk(lab, plan, seen=lambda job: line.show(_progress(job)))
        for name, work in walk.steps():
            if not _step(name, work, line):
                return 1
    say(f"every step was true ({time.monotonic() - started:.1f} s)")
    return 0


def _step(name: str, work: Callable[[], str], line: ProgressLine) -> bool:
    started = time.monotonic()
    try:
        said, well = work(), True
    except (LabError, JobFailed, TimeoutError) as error:
        said, well = str(error), False
    line.end()
    mark = "ok  " if well else "FAIL"
    say(f"{mark} {time.monotonic() - started:7.2f} s  {name:<26} {said}")
    return well


def _progress(job: Job) -> str:
    done = job["progress"]
    epochs = f" epoch {done['epoch']} of {done['epochs']}" if done.get("epochs") else ""
    return f"     {job['state']} {done.get('phase', '')}{epochs}"
