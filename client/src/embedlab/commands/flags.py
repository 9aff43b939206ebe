"""`embedlab flag add|list|remove`."""

import argparse
from itertools import islice

from embedlab.commands.types import Commands, open_client
from embedlab.terminal import print_json, print_table, say

KINDS = ("unreadable", "wrong_side", "wrong_roi", "note")
COLUMNS = ("flag_id", "image_id", "kind", "author_name", "created_at", "note")


def add(commands: Commands) -> None:
    """Declare the commands."""
    flag = commands.add_parser("flag", help="say what is wrong with an image")
    actions = flag.add_subparsers(dest="action", required=True)

    put = actions.add_parser("add", help="flag an image")
    put.add_argument("image_id", type=int)
    put.add_argument("kind", choices=KINDS)
    put.add_argument("--note", help="in words; a flag of kind note needs it")
    put.set_defaults(run=run_add)

    listed = actions.add_parser("list", help="list flags, newest first")
    listed.add_argument("--image", type=int, metavar="IMAGE_ID")
    listed.add_argument("--kind", choices=KINDS)
    listed.add_argument("--mine", action="store_true", help="only my own")
    listed.add_argument("--dataset")
    listed.add_argument("--limit", type=int, default=50, help="at most so many (50); 0: all")
    listed.set_defaults(run=run_list)

    remove = actions.add_parser("remove", help="take a flag away")
    remove.add_argument("flag_id", type=int)
    remove.set_defaults(run=run_remove)


def run_add(given: argparse.Namespace) -> int:
    """Flag an image."""
    with open_client(given) as lab:
        flag = lab.flag_image(given.image_id, given.kind, given.note)
    if given.json:
        print_json(flag)
    else:
        say(f"flag {flag['flag_id']} on image {flag['image_id']}: {flag['kind']}")
    return 0


def run_list(given: argparse.Namespace) -> int:
    """List flags."""
    with open_client(given) as lab:
        found = lab.flags(
            image_id=given.image,
            kind=given.kind,
            author="me" if given.mine else None,
            dataset=given.dataset,
        )
        print_table(COLUMNS, islice(found, given.limit or None), as_json=given.json)
    return 0


def run_remove(given: argparse.Namespace) -> int:
    """Take a flag away."""
    with open_client(given) as lab:
        lab.remove_flag(given.flag_id)
    return 0
