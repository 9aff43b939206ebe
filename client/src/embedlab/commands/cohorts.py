"""`embedlab cohort create|list|show|members|delete|recipes|compare|combine`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from embedlab.commands.types import Commands, open_client
from embedlab.filters import json_filter
from embedlab.terminal import print_json, print_table, say, warn

SPLIT = (0.7, 0.1, 0.2)
RECIPES = ("sn", "dc", "sla", "nus", "dt")


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
    create.add_argument("--recipe", choices=RECIPES, help="label by a published curation instead")
    create.add_argument("--roi", choices=("any", "some", "one"), help="of the recipe nus")
    create.add_argument(
        "--without-flag",
        dest="without_flags",
        action="append",
        metavar="KIND",
        help="leave out images with this flag; repeat",
    )
    create.add_argument("--match", metavar="CASES:VARIABLE,...", help="e.g. K:age,density")
    create.add_argument("--controls", type=int, default=1, help="for each case, at most")
    create.add_argument("--policy", choices=("worst", "exclude", "finding"), default="worst")
    _add_drawing(create)
    create.set_defaults(run=run_create)
    combine = actions.add_parser("combine", help="a cohort of the images of others")
    combine.add_argument("name")
    combine.add_argument("operation", choices=("union", "intersection", "difference"))
    combine.add_argument("cohort_ids", nargs="+", metavar="cohort_id")
    _add_drawing(combine)
    combine.set_defaults(run=run_combine)
    compare = actions.add_parser("compare", help="what differs between two cohorts, and why")
    compare.add_argument("a")
    compare.add_argument("b")
    compare.set_defaults(run=run_compare)
    recipes = actions.add_parser("recipes", help="published curations that cohorts are made by")
    recipes.set_defaults(run=run_recipes)

    listed = actions.add_parser("list", help="list cohorts")
    listed.set_defaults(run=run_list)
    for name, run, text in (
        ("show", run_show, "all about a cohort"),
        ("members", run_members, "its images with labels and splits"),
        ("delete", run_delete, "delete its members; its hash stays"),
    ):
        parser = actions.add_parser(name, help=text)
        parser.add_argument("cohort_id")
        parser.set_defaults(run=run)


def _add_drawing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--per-class", type=_cap, help="at most so many images of each class, or `smallest`"
    )
    parser.add_argument("--folds", type=int, help="so many parts by patient instead of 70/10/20")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--preview", action="store_true", help="show it, freeze nothing")


def _cap(word: str) -> int | str:
    return word if word == "smallest" else int(word)


def definition_of(given: argparse.Namespace) -> dict[str, Any]:
    """The cohort that the arguments describe; ValueError where they do not."""
    if given.definition:
        text = sys.stdin.read() if str(given.definition) == "-" else given.definition.read_text()
        read: dict[str, Any] = {**json.loads(text), "name": given.name}
        return read
    body = {"name": given.name, "filter": json_filter(given.filter), **_label(given)}
    if given.recipe:
        body["recipe"] = {"name": given.recipe, "roi": given.roi or "any"}
    if given.match:
        cases, colon, variables = given.match.partition(":")
        if not colon:
            raise ValueError("--match names cases and variables, e.g. K:age,density")
        on = variables.split(",")
        body["match"] = {"cases": cases, "on": on, "controls": given.controls}
    if given.without_flags:
        body["without_flags"] = given.without_flags
    body |= _drawing(given)
    return {**body, "dataset": given.dataset} if given.dataset else body


def _label(given: argparse.Namespace) -> dict[str, Any]:
    """The label of `--class`; none where a recipe brings its own."""
    if not given.classes:
        if given.recipe:
            return {}
        raise ValueError("name the classes, e.g. --class B=B --class K=K, or a --recipe")
    classes = []
    for word in given.classes:
        name, equals, values = word.partition("=")
        classes.append({"name": name, "values": (values if equals else name).split(",")})
    field = "recipe" if given.recipe else given.label
    return {"label": {"field": field, "classes": classes, "policy": given.policy}}


def _drawing(given: argparse.Namespace) -> dict[str, Any]:
    """Sampling, split and seed."""
    split: dict[str, Any] = {"by": "patient"}
    if given.folds:
        split["folds"] = {"count": given.folds}
    else:
        split |= dict(zip(("train", "validation", "test"), SPLIT, strict=True))
    sampling = {"per_class": given.per_class} if given.per_class else None
    return {"sampling": sampling, "split": split, "seed": given.seed}


def run_create(given: argparse.Namespace) -> int:
    """Freeze, or preview, and show what came of it."""
    return _freeze(given, definition_of(given))


def run_combine(given: argparse.Namespace) -> int:
    """Freeze, or preview, a cohort of others."""
    combine = {"operation": given.operation, "cohorts": given.cohort_ids}
    return _freeze(given, {"name": given.name, "combine": combine, **_drawing(given)})


def _freeze(given: argparse.Namespace, definition: dict[str, Any]) -> int:
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


def run_delete(given: argparse.Namespace) -> int:
    """Delete a cohort's members."""
    with open_client(given) as lab:
        lab.delete_cohort(given.cohort_id)
    return 0


def run_recipes(given: argparse.Namespace) -> int:
    """List the recipes."""
    with open_client(given) as lab:
        print_table(("name", "title", "source", "classes"), lab.recipes(), as_json=given.json)
    return 0


def run_compare(given: argparse.Namespace) -> int:
    """Show what differs between two cohorts."""
    with open_client(given) as lab:
        found = lab.compare_cohorts(given.a, given.b)
    if given.json:
        print_json(found)
        return 0
    say("the same cohort" if found["same"] else f"{found['in_both']:,} images in both")
    for part in found["definition"]:
        say(f"  {part['path']}: {json.dumps(part['a'])} | {json.dumps(part['b'])}")
    for name, other in (("a", "b"), ("b", "a")):
        alone = found[f"only_{name}"]
        say(f"only in {name}: {alone['images']:,} images of {alone['patients']:,} patients")
        for reason in alone["reasons"] or ():
            say(f"  {reason['images']:>9,} left out of {other} by: {reason['reason']}")
    for what in ("labels", "splits"):
        for item in found[what]:
            say(f"  {item['images']:>9,} images: {item['a']} in a, {item['b']} in b")
    return 0
