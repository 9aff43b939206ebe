"""`embedlab export`: a cohort's tables, their description, and a list to copy files by."""

import argparse
from pathlib import Path

from embedlab import credentials
from embedlab.client import Client
from embedlab.commands.types import Commands
from embedlab.terminal import ProgressLine, print_table, say

# The description comes with hashes: the server makes both tables before its first byte.
TIMEOUT_S = 180.0


def add(commands: Commands) -> None:
    """Declare the command."""
    export = commands.add_parser("export", help="take a cohort's tables and manifests out")
    export.add_argument("cohort_id")
    export.add_argument("file", nargs="*", help="e.g. members.parquet; none: list what there is")
    export.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="where to (.)")
    export.set_defaults(run=run_export)


def run_export(given: argparse.Namespace) -> int:
    """List the files, or write those asked for."""
    kept = credentials.find()
    with Client(kept.url, kept.token, timeout=TIMEOUT_S) as lab:
        if not given.file:
            columns = ("name", "description")
            print_table(columns, lab.exports(given.cohort_id), as_json=given.json)
            return 0
        given.to.mkdir(parents=True, exist_ok=True)
        for name in given.file:
            _take(lab, given.cohort_id, name, given.to / Path(name).name)
    return 0


def _take(lab: Client, cohort_id: str, name: str, target: Path) -> None:
    line = ProgressLine()
    line.show(f"{name} ...")
    size = lab.export(cohort_id, name, target)
    line.end()
    say(f"{target}: {size:,} bytes")
