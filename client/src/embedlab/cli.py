"""`embedlab`: the command line."""

import argparse
import sys

import embedlab
from embedlab.commands import (
    account,
    cohorts,
    compat,
    data,
    doctor,
    evaluate,
    exports,
    flags,
    jobs,
    models,
    purge,
    queries,
)
from embedlab.errors import ApiError, LabError
from embedlab.smoke import command as smoke
from embedlab.terminal import warn

FAMILIES = (
    account,
    doctor,
    data,
    purge,
    queries,
    flags,
    cohorts,
    exports,
    jobs,
    evaluate,
    models,
    compat,
    smoke,
)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="embedlab",
        description="EMBED Lab from the command line. The environment variables EMBEDLAB_URL and "
        "EMBEDLAB_TOKEN go before what `embedlab login` keeps.",
    )
    parser.add_argument("--version", action="version", version=embedlab.__version__)
    parser.add_argument("--json", action="store_true", help="print JSON, one value a line")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for family in FAMILIES:
        family.add(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command: 0 well, 1 not, 2 misused, 130 interrupted."""
    parser = make_parser()
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given))
    except ApiError as error:
        warn(str(error))
        for fault in error.errors:
            accepted = fault.get("accepted")
            choices = f" (accepted: {', '.join(map(str, accepted[:12]))})" if accepted else ""
            warn(f"  {fault['field']}: {fault['message']}{choices}")
        if error.request_id:
            warn(f"  request id {error.request_id}")
    except (LabError, ValueError, TimeoutError, OSError) as error:
        warn(str(error))
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
