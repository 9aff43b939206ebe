"""`python -m devstack.synthetic tables --images 480323 --out DIR --seed 7`, `... demo --out
DIR`, `... cbis --out DIR`."""

import argparse
import sys
import time
from pathlib import Path

from devstack.synthetic.cbis import write_cbis
from devstack.synthetic.demo import write_demo
from devstack.synthetic.options import Defects, Scale
from devstack.synthetic.tables import write_tables


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    started = time.perf_counter()
    if options.command == "tables":
        defects = Defects.none() if options.no_defects else Defects()
        print(
            write_tables(
                options.out, Scale(options.images, options.patients), options.seed, defects
            )
        )
    elif options.command == "cbis":
        print(write_cbis(options.out, _print_progress))
    else:
        print(write_demo(options.out, seed=options.seed, progress=_print_progress))
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devstack.synthetic", description="Write a synthetic EMBED."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    tables = commands.add_parser("tables", help="the four CSV tables, at any scale")
    scale = tables.add_mutually_exclusive_group(required=True)
    scale.add_argument(
        "--images", type=int, help="number of metadata rows (the released table has 480323)"
    )
    scale.add_argument("--patients", type=int, help="number of patients")
    tables.add_argument(
        "--no-defects", action="store_true", help="leave out the known defects of EMBED"
    )
    demo = commands.add_parser("demo", help="tables and DICOM files of the demo")
    cbis = commands.add_parser("cbis", help="the two real CBIS-DDSM cases")
    for command in (tables, demo, cbis):
        command.add_argument("--out", type=Path, required=True, help="folder to write to")
    for command in (tables, demo):
        command.add_argument("--seed", type=int, default=7)
    return parser


def _print_progress(what: str, done: int, total: int) -> None:
    print(f"\r{what} {done}/{total}", end="\n" if done == total else "", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
