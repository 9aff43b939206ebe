"""`embedlab cohort create|list|show|members`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from embedlab.commands.types import Commands, open_client
from embedlab.filters import json_filter
from embedlab.terminal import print_json, print_table, say, warn

SPLIT = (0.7, 0.1, 0.2)


def add(commands: Commands) -> None:
    """Declare the commands."""
    cohort = commands.add_parser("cohort", help="freeze and list cohorts")
    actions = cohort.add_subparsers(dest="action", required=True)

    create = actions.add_parser("create", help="freeze a cohort")
    create.add_argument("name")
    create.add_argument("filter", nargs="*", help="conditions like FinalImageType=2D")
    create.add_argument("--definition", type=Path, help="JSON file instead; - is standard input")
    create.add_argument("--dataset")
    create.add_argument("--label", default="asses", help="the field that labels (asses)")
    create.add_argument(
        "--class",
        dest="classes",
        action="append",
        metavar="NAME=VALUE,...",
        help="a class, negative first; repeat",
    )
    create.add_argument("--policy", choices=("worst", "exclude", "finding"), default="worst")
    create.add_argument("--per-class", type=int, help="at most so many images of each class")
    create.add_argument("--seed", type=int, default=7)
    create.add_argument("--preview", action="store_true", help="show it, freeze nothing")
    create.set_defaults(run=run_create)

    listed = actions.add_parser("list", help="list cohorts")
    listed.set_defaults(run=run_list)
    for name, run, text in (
        ("show", run_show, "all about a cohort"),
        ("members", run_members, "its images with labels and splits"),
    ):
        parser = actions.add_parser(name, help=text)
        parser.add_argument("cohort_id")
        parser.set_defaults(run=run)


def definition_of(given: argparse.Namespace) -> dict[str, Any]:
    """The cohort that the arguments describe; ValueError where they do not."""
    if given.definition:
        text = sys.stdin.read() if str(given.definition) == "-" else given.definition.read_text()
        read: dict[str, Any] = {**json.loads(text), "name": given.name}
        return read
    if not given.classes:
        raise ValueError("name the classes, e.g. --class B=B --class K=K")
    classes = []
    for word in given.classes:
        name, equals, values = word.partition("=")
        classes.append({"name": name, "values": (values if equals else name).split(",")})
    body: dict[str, Any] = {
        "name": given.name,
        "filter": json_filter(given.filter),
        "label": {"field": given.label, "classes": classes, "policy": given.policy},
        "sampling": {"per_class": given.per_class} if given.per_class else None,
        "split": {
            "by": "patient",
            **dict(zip(("train", "validation", "test"), SPLIT, strict=True)),
        },
        "seed": given.seed,
    }
    return {**body, "dataset": given.dataset} if given.dataset else body


def run_create(given: argparse.Namespace) -> int:
    """Freeze, or preview, and show what came of it."""
    definition = definition_of(given)
    with open_client(given) as lab:
        found: Any = (lab.preview_cohort if given.preview else lab.create_cohort)(definition)
    if given.json:
        print_json(found)
        return 0
    _describe(found)
    return 0


def _describe(cohort: dict[str, Any]) -> None:
    if "cohort_id" in cohort:
        say(f"{cohort['cohort_id']}  {cohort['name']}  sha256 {cohort['sha256']}")
    for step in cohort["attrition"]:
        say(f"  {step['images']:>9,} images  {step['patients']:>8,} patients  {step['step']}")
    for part in cohort["classes"]:
        say(f"  class {part['name']}: {part['images']:,} images of {part['patients']:,} patients")
    for text in cohort["warnings"]:
        warn(f"  note: {text}")


def run_list(given: argparse.Namespace) -> int:
    """List cohorts."""
    with open_client(given) as lab:
        columns = ("cohort_id", "name", "dataset", "created_at", "sha256")
        print_table(columns, lab.cohorts(), as_json=given.json)
    return 0


def run_show(given: argparse.Namespace) -> int:
    """Show a cohort."""
    with open_client(given) as lab:
        found: Any = lab.cohort(given.cohort_id)
    if given.json:
        print_json(found)
    else:
        _describe(found)
    return 0


def run_members(given: argparse.Namespace) -> int:
    """List a cohort's members."""
    with open_client(given) as lab:
        columns = ("image_id", "patient_id", "exam_id", "label", "split")
        print_table(columns, lab.members(given.cohort_id), as_json=given.json)
    return 0
