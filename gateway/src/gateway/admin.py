"""`python -m gateway.admin create-user ...`: accounts from the command line.

The password is read from standard input, so that it stands in no process list and no history.
"""

import argparse
import asyncio
import json
import sys
from typing import cast, get_args

from chassis.database import Database
from chassis.identity import Role
from chassis.problems import Problem

from gateway import store
from gateway.passwords import check_password_rules, hash_password
from gateway.settings import StoreSettings


async def create_user(
    database_url: str, email: str, name: str, role: Role, password: str, *, if_missing: bool
) -> dict[str, object]:
    """Create a person; the outcome. A ValueError where the address is taken."""
    check_password_rules(password)
    database = Database(database_url, pool_size=1)
    try:
        async with database.transaction() as session:
            known = await store.find_by_email(session, email)
            if known and not if_missing:
                raise ValueError(f"{email} has an account already")
            person = known[0] if known else None
            if person is None:
                hashed = hash_password(password)
                person = await store.create_person(session, email, name, role, hashed)
            if person is None:
                raise ValueError(f"{email} has just been given an account")
            return {"person_id": person.person_id, "email": email, "created": known is None}
    finally:
        await database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-user", help="create an account")
    create.add_argument("--email", required=True)
    create.add_argument("--name", required=True)
    create.add_argument("--role", required=True, choices=get_args(Role))
    create.add_argument(
        "--password-stdin", action="store_true", required=True, help="read it from standard input"
    )
    create.add_argument("--if-missing", action="store_true", help="an existing account is fine")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Command line; prints the outcome as JSON."""
    given = _parser().parse_args(arguments)
    password = sys.stdin.readline().rstrip("\n")
    url = StoreSettings().database_url  # type: ignore[call-arg] # from the environment
    try:
        outcome = asyncio.run(
            create_user(
                url,
                given.email,
                given.name,
                cast(Role, given.role),
                password,
                if_missing=given.if_missing,
            )
        )
    except (ValueError, Problem) as error:
        reason = error.detail if isinstance(error, Problem) else str(error)
        sys.stderr.write(f"{reason}\n")
        return 1
    sys.stdout.write(json.dumps(outcome) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
