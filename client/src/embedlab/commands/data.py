"""`embedlab ingest`, `datasets`, `images` and `facets`."""

import argparse
from itertools import islice

from embedlab.bodies import Revision
from embedlab.commands.types import Commands, open_client
from embedlab.errors import LabError
from embedlab.filters import json_filter, query_filter
from embedlab.terminal import ProgressLine, print_json, print_table, say

IMAGE_COLUMNS = (
    "image_id", "exam_id", "patient_id", "ImageLateralityFinal", "ViewPosition", "asses",
    "tissueden", "age_at_study",
)  # fmt: skip
FILTER_HELP = "conditions like asses=S,M ViewPosition=CC age_at_study.gte=40 side.not=L"


def add(commands: Commands) -> None:
    """Declare the commands."""
    ingest = commands.add_parser("ingest", help="bring a dataset's tables into the catalog")
    ingest.add_argument("name", help="the dataset's name, e.g. embed")
    ingest.add_argument("--tables", metavar="URI", help="folder of both: s3://... or file://...")
    ingest.add_argument("--clinical", metavar="URI", help="instead of --tables, with --metadata")
    ingest.add_argument("--metadata", metavar="URI")
    ingest.add_argument("--images", required=True, metavar="URI", help="where image paths start")
    ingest.add_argument("--title")
    ingest.add_argument("--licence")
    ingest.add_argument("--attribution")
    ingest.add_argument(
        "--basis",
        metavar="TEXT",
        help="on what basis the lab keeps a shared copy; needed once unless --open",
    )
    ingest.add_argument(
        "--open",
        action="store_true",
        help="serve it without agreements (default: an agreement is needed)",
    )
    ingest.add_argument("--dry-run", action="store_true", help="check and report, change nothing")
    ingest.set_defaults(run=run_ingest)

    datasets = commands.add_parser("datasets", help="list the datasets")
    datasets.set_defaults(run=run_datasets)

    images = commands.add_parser("images", help="list images under a filter")
    images.add_argument("filter", nargs="*", help=FILTER_HELP)
    images.add_argument("--dataset")
    images.add_argument("--sort")
    images.add_argument("--limit", type=int, default=50, help="at most so many (50); 0: all")
    images.set_defaults(run=run_images)

    facets = commands.add_parser("facets", help="count options under a filter")
    facets.add_argument("filter", nargs="*", help=FILTER_HELP)
    facets.add_argument("--dataset")
    facets.add_argument("--facet", action="append", help="repeat for several (default: all)")
    facets.add_argument("--count", choices=("images", "exams", "patients"), default="images")
    facets.set_defaults(run=run_facets)


def run_ingest(given: argparse.Namespace) -> int:
    """Start an ingest, follow it, print its report."""
    names = ("tables", "clinical", "metadata", "title", "licence", "attribution", "basis")
    optional = {name: getattr(given, name) for name in names}
    request = {
        "image_root": given.images,
        "restricted": not given.open,
        "dry_run": given.dry_run,
        **{name: value for name, value in optional.items() if value},
    }
    line = ProgressLine()
    with open_client(given) as lab:
        started = lab.create_revision(given.name, request)
        final = lab.wait_for_revision(
            given.name, started["revision_id"], lambda state: line.show(describe_revision(state))
        )
    line.end()
    if final["state"] != "succeeded":
        raise LabError(f"The ingest of {given.name} {final['state']}: {final.get('error')}")
    say(f"{given.name} {'would be' if given.dry_run else 'is'} in the catalog.")
    print_json(final.get("report"))
    return 0


def describe_revision(state: Revision) -> str:
    """The progress of an ingest in a line."""
    progress = state["progress"] or {}
    phase = progress.get("phase") or state["state"]
    rows, total = progress.get("rows"), progress.get("total")
    if not total:
        return str(phase)
    return f"{phase}: {rows or 0:,} of {total:,} ({100 * (rows or 0) // total} %)"


def run_datasets(given: argparse.Namespace) -> int:
    """List datasets."""
    with open_client(given) as lab:
        found = lab.datasets()
    if given.json:
        return _done(print_table((), found, as_json=True))
    rows = [
        {**d, **((d.get("revision") or {}).get("counts") or {})}
        for d in found
    ]  # fmt: skip
    columns = ("name", "title", "restricted", "images", "exams", "patients")
    return _done(print_table(columns, rows, as_json=False))


def run_images(given: argparse.Namespace) -> int:
    """List images."""
    with open_client(given) as lab:
        found = lab.images(query_filter(given.filter), dataset=given.dataset, sort=given.sort)
        rows = list(islice(found, given.limit or None))
    return _done(print_table(IMAGE_COLUMNS, rows, as_json=given.json))


def run_facets(given: argparse.Namespace) -> int:
    """Count."""
    with open_client(given) as lab:
        found = lab.facets(
            json_filter(given.filter), given.facet, dataset=given.dataset, count=given.count
        )
    if given.json:
        print_json(found)
        return 0
    total = found["total"]
    say(f"{total['images']:,} images in {total['exams']:,} exams of {total['patients']:,} patients")
    for name, options in found["facets"].items():
        say(f"\n{name}")
        for option in options:
            say(f"  {option['count']:>9,}  {option['value']}  {option['label']}")
    return 0


def _done(_rows: int) -> int:
    return 0
