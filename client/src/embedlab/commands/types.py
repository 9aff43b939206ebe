"""Types that the command modules share, and the client that most of them open."""

import argparse
from typing import TYPE_CHECKING

from embedlab import credentials
from embedlab.client import Client

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = object


def open_client(given: argparse.Namespace) -> Client:
    """A client with the kept token of `--url`, or of the last server signed in to."""
    kept = credentials.find(getattr(given, "url", None))
    return Client(kept.url, kept.token)
