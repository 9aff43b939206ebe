"""Write the merged OpenAPI document, built from the application factories without any server.

The one place that imports every service: the contract is a matter of the whole, and this is a tool.
"""

import argparse
import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from chassis.keys import ensure_keys
from gateway.app import create_app as create_gateway
from gateway.openapi import OWN, merge_openapi
from gateway.settings import Settings as GatewaySettings

SERVICES = ("catalog", "imagery", "trainer")
NOWHERE = "http://127.0.0.1:9"
DATABASE = "postgresql+asyncpg://nobody:nothing@127.0.0.1:9/nothing"


def service_documents(keys: Path) -> dict[str, dict[str, Any]]:
    """Each application's own description. Nothing is opened: no lifespan begins."""
    found = {OWN: create_gateway(_settings(GatewaySettings, keys)).openapi()}
    for name in SERVICES:
        create: Callable[[Any], Any] = importlib.import_module(f"{name}.app").create_app
        settings = get_type_hints(create)["settings"]
        found[name] = create(_settings(settings, keys)).openapi()
    return found


def _settings(kind: type[Any], keys: Path) -> Any:
    """Settings that point nowhere, for every field a service has no default for."""
    jwks = ensure_keys(keys)
    known = {
        "database_url": DATABASE,
        "identity_jwks": jwks,
        "signing_key": keys / "gateway.pem",
        "artifact_bucket": "nowhere",
    }
    given = {}
    for name, field in kind.model_fields.items():
        if name in known:
            given[name] = known[name]
        elif field.is_required():
            given[name] = NOWHERE
    return kind(**given)


def build_document() -> dict[str, Any]:
    """The merged document."""
    with tempfile.TemporaryDirectory() as folder:
        return merge_openapi(service_documents(Path(folder)))


def main() -> int:
    """Command line; with --check, 1 where the file is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    given = parser.parse_args()
    text = json.dumps(build_document(), indent=1, ensure_ascii=False) + "\n"
    if given.check:
        return int(not given.out.exists() or given.out.read_text() != text)
    given.out.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
