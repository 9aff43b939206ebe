"""`python small_stack.py up|down|status ...`: the command line over the servers and a page alone.

What stands for the gateway is Python's own file server, so that this room's tests need no other.
"""

import sys
from collections.abc import Mapping

from devstack.children import Command
from devstack.folder import StackFolder
from devstack.probes import get
from devstack.processes import Process
from devstack.servers import Servers
from devstack.stack import build_stack

from devstack import cli, supervise


def build_small_stack(
    folder: StackFolder, servers: Servers, ports: Mapping[str, int], port: int, *, demo: bool
) -> list[Process]:
    """The real stack's servers and a file server on the gateway's port."""
    whole = build_stack(folder, servers, ports, port, demo=demo)
    named = [p for p in whole if p.name in ("postgres", "broker", "cache", "s3", "buckets", "keys")]
    argv = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    page = Process(
        "gateway",
        Command(argv, cwd=folder.root.resolve() / "keys"),
        needs=("buckets", "keys"),
        is_ready=lambda: get(port, "/jwks.json")[0] == 200,
        port=port,
    )
    return [*named, page]


if __name__ == "__main__":
    supervise.build_stack = build_small_stack
    cli.PROGRAM = (sys.executable, __file__)
    sys.exit(cli.main())
