"""`python -m devstack.people FOLDER`: the demo's accounts, their passwords random."""

import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from devstack.folder import StackFolder, read_json, write_private

# The first one is the sign-in that `up` prints.
PEOPLE = (
    ("admin", "admin@demo.example", "Ada Admin"),
    ("researcher", "researcher@demo.example", "Rosa Researcher"),
)


def has_people(folder: StackFolder) -> bool:
    """Whether the accounts have been made."""
    kept: dict[str, Any] = read_json(folder.credentials_path) or {}
    return bool(kept.get("created"))


def create_people(folder: StackFolder) -> None:
    """Make the accounts by the gateway's command, which reads its settings from the environment.

    The passwords are kept before the accounts are made: an interrupted start continues with them.
    """
    kept = read_json(folder.credentials_path) or {"people": _draw()}
    people: list[dict[str, str]] = kept["people"]
    sign_in = {name: people[0][name] for name in ("email", "password")}
    write_private(folder.credentials_path, {**sign_in, "people": people, "created": False})
    for person in people:
        options = [f"--{name}={person[name]}" for name in ("email", "name", "role")]
        create = ["gateway.admin", "create-user", "--password-stdin", "--if-missing"]
        subprocess.run(
            [sys.executable, "-m", *create, *options],
            input=f"{person['password']}\n".encode(),
            check=True,
        )
    write_private(folder.credentials_path, {**sign_in, "people": people, "created": True})


def _draw() -> list[dict[str, str]]:
    return [
        {"role": role, "email": email, "name": name, "password": secrets.token_urlsafe(15)}
        for role, email, name in PEOPLE
    ]


if __name__ == "__main__":
    create_people(StackFolder(Path(sys.argv[1])))
