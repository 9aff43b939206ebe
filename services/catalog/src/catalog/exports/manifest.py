"""A list of copies for ``s5cmd run``: a cohort's files by the reader's own access to the bucket."""

import re
import shlex
from collections.abc import Iterable

from catalog.paths import relative_key, source_uri

_control = re.compile(r"[\x00-\x1f\x7f]")


def header(cohort_id: str, name: str, sha256: str) -> str:
    """Comments at the top: which cohort this is, and how to run it."""
    return f"# {name} (cohort {cohort_id}, sha256 {sha256})\n# s5cmd run manifest.s5cmd\n"


def copies(image_root: str, images: Iterable[tuple[str, str | None]]) -> str:
    """A line per (SOP Instance UID, path): copy to the same key below the working folder.

    Where a path is no key of the bucket, a comment says so in its place.
    """
    return "".join(_line(image_root, uid, path or "") for uid, path in images)


def _line(image_root: str, uid: str, path: str) -> str:
    # A command is a line: a path with a line break in it would be two.
    if _control.search(path):
        return _left_out(uid)
    try:
        source = source_uri(image_root, path)
    except ValueError:
        return _left_out(uid)
    # --raw: a path may hold what would else be a wildcard.
    return f"cp --raw {shlex.quote(source)} {shlex.quote(f'images/{relative_key(path)}')}\n"


def _left_out(uid: str) -> str:
    return f"# left out, its path is no key of the bucket: {_control.sub('?', uid)}\n"
