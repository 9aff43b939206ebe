"""What a revision's typed columns follow from, besides its files."""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from catalog.model.archive import FORMAT


@cache
def rules() -> str:
    """A hash of the known columns, the derived fields and the format of the read model.

    Whoever changes what a derived field means without a change of its row raises ``FORMAT``.
    """
    digest = sha256(str(FORMAT).encode())
    for name in ("columns.csv", "derived.csv"):
        digest.update(files("catalog.data").joinpath(name).read_bytes())
    return digest.hexdigest()[:16]
