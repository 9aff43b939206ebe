"""`embedlab login` and `embedlab logout`."""

import argparse
import getpass
import socket
import sys

from embedlab import credentials
from embedlab.client import Client
from embedlab.commands.types import Commands
from embedlab.credentials import Credentials
from embedlab.errors import ApiError, LabError, NotSignedIn
from embedlab.terminal import say
from embedlab.transport import environment

SCOPES = ("read", "write", "export", "admin")


def add(commands: Commands) -> None:
    """Declare the commands."""
    login = commands.add_parser("login", help="sign in and keep an API token")
    login.add_argument("--url", default=environment("EMBEDLAB_URL") or "http://127.0.0.1:8080")
    login.add_argument("--email", default=environment("EMBEDLAB_EMAIL"))
    login.add_argument("--days", type=int, default=90, help="how long the token is valid (90)")
    login.add_argument(
        "--scope", action="append", choices=SCOPES, help="repeat for several (default: all)"
    )
    login.add_argument("--password-stdin", action="store_true", help="read the password from stdin")
    login.set_defaults(run=sign_in)
    logout = commands.add_parser("logout", help="revoke the kept token and forget it")
    logout.add_argument("--url")
    logout.set_defaults(run=sign_out)


def _read_password(given: argparse.Namespace) -> str:
    if given.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    return environment("EMBEDLAB_PASSWORD") or getpass.getpass()


def sign_in(given: argparse.Namespace) -> int:
    """A password for a token; the password is kept nowhere."""
    email = given.email or input("E-mail: ")
    with Client.signed_in(given.url, email, _read_password(given)) as lab:
        name = f"embedlab on {socket.gethostname()}"
        token = lab.create_token(name, given.scope or SCOPES, given.days)
        kept = Credentials(lab.url, token["token"], token["token_id"], email)
    path = credentials.keep(kept)
    say(f"Signed in to {kept.url} as {email}; the token is in {path} until {token['expires_at']}.")
    return 0


def sign_out(given: argparse.Namespace) -> int:
    """Revoke the token on the server, then forget it here."""
    kept = credentials.find(given.url)
    if kept.token_id is None:
        raise LabError("The token comes from EMBEDLAB_TOKEN; revoke it where it was made.")
    with Client(kept.url, kept.token) as lab:
        try:
            lab.revoke_token(kept.token_id)
        except NotSignedIn:
            say("The token was not valid any more.")
        except ApiError as error:
            raise LabError(f"The token was not revoked: {error}") from error
    credentials.forget(kept.url)
    say(f"Signed out of {kept.url}.")
    return 0
