"""``python -m chassis.keys DIR [ISSUER ...]``: the key pairs of a deployment.

Writes ``DIR/<issuer>.pem`` for each issuer that has none yet and the public ``DIR/jwks.json``.
``--rotate ISSUER`` adds a fresh key and keeps the former public key until the next rotation.
"""

import argparse
from pathlib import Path

from chassis.identity import generate_key, write_jwks

ISSUERS = ("gateway", "trainer")


def ensure_keys(folder: Path, issuers: tuple[str, ...] = ISSUERS) -> Path:
    """Create what is missing in ``folder``; the path of its JWKS file."""
    folder.mkdir(parents=True, exist_ok=True)
    for issuer in issuers:
        if not (folder / f"{issuer}.pem").exists():
            generate_key(folder / f"{issuer}.pem")
    return _publish(folder)


def rotate(folder: Path, issuer: str) -> Path:
    """Give ``issuer`` a fresh key; tokens of the former one stay valid until the next rotation."""
    key = folder / f"{issuer}.pem"
    key.replace(folder / f"{issuer}.former.pem")
    generate_key(key)
    return _publish(folder)


def _publish(folder: Path) -> Path:
    jwks = folder / "jwks.json"
    write_jwks(jwks, [(key, key.name.split(".")[0]) for key in sorted(folder.glob("*.pem"))])
    return jwks


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Create or rotate identity keys")
    parser.add_argument("folder", type=Path)
    parser.add_argument("issuers", nargs="*", default=list(ISSUERS))
    parser.add_argument("--rotate", metavar="ISSUER")
    given = parser.parse_args()
    ensure_keys(given.folder, tuple(given.issuers))
    if given.rotate:
        rotate(given.folder, given.rotate)


if __name__ == "__main__":
    main()
