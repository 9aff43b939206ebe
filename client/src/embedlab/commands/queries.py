"""`embedlab query save|list|apply|rename|share|delete`. A query is named by its id or its name."""

import argparse
from itertools import islice
from typing import Any

from embedlab.client import Client
from embedlab.commands.data import FILTER_HELP, IMAGE_COLUMNS
from embedlab.commands.types import Commands, open_client
from embedlab.errors import LabError
from embedlab.filters import json_filter
from embedlab.terminal import print_json, print_table, say

COLUMNS = ("query_id", "name", "dataset", "owner_name", "shared", "changed_at")


def add(commands: Commands) -> None:
    """Declare the commands."""
    query = commands.add_parser("query", help="keep searches, apply and share them")
    actions = query.add_subparsers(dest="action", required=True)

    save = actions.add_parser("save", help="keep a search under a name")
    save.add_argument("name")
    save.add_argument("filter", nargs="*", help=FILTER_HELP)
    save.add_argument("--dataset")
    save.add_argument("--sort", help="a field; --sort=-FIELD for descending")
    save.add_argument("--shared", action="store_true", help="let others see and apply it")
    save.set_defaults(run=run_save)

    listed = actions.add_parser("list", help="list my queries and those that others share")
    listed.set_defaults(run=run_list)

    apply_ = actions.add_parser("apply", help="list the images that a query finds now")
    apply_.add_argument("query", help="its id or its name")
    apply_.add_argument("--limit", type=int, default=50, help="at most so many (50); 0: all")
    apply_.set_defaults(run=run_apply)

    rename = actions.add_parser("rename", help="give a query of mine another name")
    rename.add_argument("query", help="its id or its name")
    rename.add_argument("name")
    rename.set_defaults(run=run_rename)

    share = actions.add_parser("share", help="let others see and apply a query of mine")
    share.add_argument("query", help="its id or its name")
    share.add_argument("--stop", action="store_true", help="keep it to myself again")
    share.set_defaults(run=run_share)

    delete = actions.add_parser("delete", help="forget a query of mine")
    delete.add_argument("query", help="its id or its name")
    delete.set_defaults(run=run_delete)


def _find(lab: Client, word: str) -> str:
    """The id of a query; of a name that others use too, one's own. LabError where there is none."""
    found = [query for query in lab.queries() if word in (query["query_id"], query["name"])]
    own = [query for query in found if query["mine"]] or found
    if len(own) != 1:
        known = ", ".join(f"{query['query_id']} of {query['owner_name']}" for query in own)
        raise LabError(f"{word!r} names {known or 'no saved query'}")
    return str(own[0]["query_id"])


def run_save(given: argparse.Namespace) -> int:
    """Keep a search."""
    with open_client(given) as lab:
        query = lab.save_query(
            given.name,
            json_filter(given.filter),
            dataset=given.dataset,
            sort=given.sort,
            shared=given.shared,
        )
    return _tell(query, as_json=given.json)


def run_list(given: argparse.Namespace) -> int:
    """List queries."""
    with open_client(given) as lab:
        print_table(COLUMNS, lab.queries(), as_json=given.json)
    return 0


def run_apply(given: argparse.Namespace) -> int:
    """List the images of a query."""
    with open_client(given) as lab:
        found = lab.run_query(_find(lab, given.query))
        print_table(IMAGE_COLUMNS, islice(found, given.limit or None), as_json=given.json)
    return 0


def run_rename(given: argparse.Namespace) -> int:
    """Rename a query."""
    with open_client(given) as lab:
        query = lab.change_query(_find(lab, given.query), name=given.name)
    return _tell(query, as_json=given.json)


def run_share(given: argparse.Namespace) -> int:
    """Share a query, or stop."""
    with open_client(given) as lab:
        query = lab.change_query(_find(lab, given.query), shared=not given.stop)
    return _tell(query, as_json=given.json)


def run_delete(given: argparse.Namespace) -> int:
    """Forget a query."""
    with open_client(given) as lab:
        lab.delete_query(_find(lab, given.query))
    return 0


def _tell(query: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(query)
    else:
        shared = "shared" if query["shared"] else "seen by you alone"
        say(f"query {query['query_id']} {query['name']!r}: {shared}")
    return 0
