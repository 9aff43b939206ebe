"""Where tokens are kept: one file that only its owner may read."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from embedlab.errors import LabError
from embedlab.transport import environment, normal_url


@dataclass(frozen=True)
class Credentials:
    """A token for a server."""

    url: str
    token: str
    token_id: str | None = None
    email: str | None = None


def config_folder() -> Path:
    """`~/.config/embedlab`, or below `XDG_CONFIG_HOME`."""
    base = environment("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "embedlab"


def credentials_path() -> Path:
    """The file with the tokens."""
    return config_folder() / "credentials.json"


def _read() -> dict[str, dict[str, str | None]]:
    path = credentials_path()
    if not path.exists():
        return {}
    if path.stat().st_mode & 0o077:
        raise LabError(f"{path} may be read by others; run: chmod 600 {path}")
    kept: dict[str, dict[str, str | None]] = json.loads(path.read_text())["servers"]
    return kept


def _write(servers: dict[str, dict[str, str | None]]) -> None:
    path = credentials_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"servers": servers}, file, indent=2)
    part.replace(path)


def keep(credentials: Credentials) -> Path:
    """Keep a token; the last one kept is that of the server meant where none is named."""
    servers = _read()
    servers.pop(credentials.url, None)
    servers[credentials.url] = {k: v for k, v in asdict(credentials).items() if k != "url"}
    _write(servers)
    return credentials_path()


def forget(url: str) -> None:
    """Remove the token of a server."""
    servers = _read()
    servers.pop(url, None)
    _write(servers)


def find(url: str | None = None) -> Credentials:
    """The token to use: of the environment (`EMBEDLAB_URL`, `EMBEDLAB_TOKEN`), else a kept one.

    Raises LabError that says how to sign in.
    """
    wanted = url or environment("EMBEDLAB_URL")
    token = environment("EMBEDLAB_TOKEN")
    if token:
        return Credentials(normal_url(wanted or "http://127.0.0.1:8080"), token)
    servers = _read()
    address = normal_url(wanted) if wanted else next(reversed(servers), None)
    if address not in servers or address is None:
        where = address or "any server"
        raise LabError(f"Not signed in to {where}. Run: embedlab login --url {address or 'URL'}")
    kept = servers[address]
    return Credentials(address, kept["token"] or "", kept.get("token_id"), kept.get("email"))
