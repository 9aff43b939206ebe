"""Arrays of purged datasets leave this worker's disk, each purge once.

A purge is a row of the database; what of them a disk has been through stands in a file on it, so a
worker that was down hears of them when it starts.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from chassis.logs import get_logger

from trainer.budget import remove_of

DONE = "purged.json"

log = get_logger(__name__)


def drop_purged(scratch: Path, purges: Mapping[str, str]) -> None:
    """Remove what ``scratch`` has of the datasets of ``purges`` ({name: when}).

    What a process holds goes at a later call, when its job has ended; so does what cannot be
    removed.
    """
    done = _read(scratch / DONE)
    due = {name: when for name, when in purges.items() if done.get(name) != when}
    settled = {name: when for name, when in due.items() if _drop(scratch / "pixels", name)}
    if settled:
        _write(scratch / DONE, done | settled)


def _drop(pixels: Path, dataset: str) -> bool:
    """Whether nothing of it is left."""
    try:
        gone, held = remove_of(pixels, dataset)
    except OSError as error:
        log.warning("arrays not removed", extra={"dataset": dataset, "error": str(error)})
        return False
    if gone:
        log.info("arrays of a purged dataset removed", extra={"dataset": dataset, "arrays": gone})
    return not held


def _read(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):  # none, or torn: going through them again does no harm
        return {}
    return found


def _write(path: Path, done: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(done))
    part.replace(path)
