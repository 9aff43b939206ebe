"""`embedlab purge`: remove a dataset and everything that was made of it."""

import argparse
import sys
import time
from typing import Any

from embedlab.client import Client
from embedlab.commands.types import Commands, open_client
from embedlab.errors import LabError
from embedlab.terminal import ProgressLine, print_json, say

ASK_AGAIN_S = 1.0
PATIENCE_S = 300.0


def add(commands: Commands) -> None:
    """Declare the command."""
    purge = commands.add_parser("purge", help="remove a dataset and all that was made of it")
    purge.add_argument("name", help="the dataset's name, e.g. embed")
    purge.add_argument("--yes", action="store_true", help="do not ask to type the name")
    purge.set_defaults(run=run_purge)


def run_purge(given: argparse.Namespace) -> int:
    """Purge a dataset. Broken off half way, it is run again: what is gone is no error.

    The catalog goes first, because nothing can be made again of what it has forgotten.
    """
    if not given.yes:
        _confirm(given.name)
    with open_client(given) as lab:
        catalog = lab.purge(given.name)
        _tell("catalog", catalog, as_json=given.json)
        _tell("imagery", lab.purge(given.name, "pictures"), as_json=given.json)
        jobs = _purge_jobs(lab, given.name)
        _tell("trainer", jobs, as_json=given.json)
    if not given.json:
        _tell_what_stays(given.name, catalog["backups"], jobs["workers"])
    return 0


def _confirm(name: str) -> None:
    sys.stderr.write(
        "This removes the tables, cohorts, flags, saved queries, cached pictures, jobs and "
        f"weights of {name}.\nThere is no way back but a backup. Type the name of the dataset: "
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise LabError("That is not its name; nothing was removed.")


def _purge_jobs(lab: Client, name: str) -> dict[str, Any]:
    """Ask until no job runs any more; what was removed in all."""
    line, removed, until = ProgressLine(), 0, time.monotonic() + PATIENCE_S
    while True:
        found = lab.purge(name, "jobs")
        removed += found["removed"]["jobs"]
        if not found["stopping"]:
            line.end()
            return {**found, "removed": {"jobs": removed}}
        line.show(f"{found['stopping']} jobs are stopping")
        if time.monotonic() > until:
            line.end()
            raise LabError(f"{found['stopping']} jobs still run; purge {name} again later.")
        time.sleep(ASK_AGAIN_S)


def _tell(service: str, found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"service": service, **found})
        return
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found["removed"].items())
    say(f"{service}: removed {counts}")


def _tell_what_stays(name: str, backups: list[dict[str, Any]], workers: list[str]) -> None:
    for backup in backups:
        say(f"backup that still holds it: {backup['place']} ({backup['written_at'][:10]})")
    if not backups:
        say(f"No backup is known to hold {name}.")
    if workers:
        say(f"Workers remove their arrays of its pixels by themselves: {', '.join(workers)}")
        say("  (one that is down does when it next starts)")
