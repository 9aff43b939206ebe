"""What a job can be resumed from: one object per epoch, named in its row once it is whole."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from chassis.logs import get_logger

from trainer import store
from trainer.objects import job_key
from trainer.schemas import Progress
from trainer.training.fit import EpochResult
from trainer.training.session import Session

MEDIA_TYPE = "application/x-pytorch"

log = get_logger(__name__)


def save_checkpoint(
    session: Session,
    folder: Path,
    result: EpochResult,
    state: dict[str, Any],
    progress: Progress,
    facts: dict[str, Any],
) -> None:
    """Record the epoch, upload the state, then name it in the epoch's row, under the lease.

    Watchers need not wait for the upload; an epoch whose row names no checkpoint is done again.
    ``facts`` must be the same when the job is resumed (spec, samples). The key holds the fence: an
    attempt that has lost its lease can never overwrite what a later one wrote.
    """
    values = asdict(result) | {"checkpoint": {}}
    session.write(lambda s: store.write_epoch(s, session.lease, values, progress))
    path = folder / "checkpoint.pt"
    torch.save({"facts": facts, "state": state}, path)
    key = job_key(session.lease.job_id, f"checkpoints/{result.epoch}-{session.lease.fence}.pt")
    stored = session.insist(
        "the object store", lambda: session.objects.put_file(key, path, MEDIA_TYPE)
    )
    whole = values | {"checkpoint": stored}
    session.write(lambda s: store.write_epoch(s, session.lease, whole, progress))
    _delete_former(session)


def load_checkpoint(session: Session, folder: Path, facts: dict[str, Any]) -> dict[str, Any] | None:
    """The state of the last epoch whose checkpoint is whole; later epochs are forgotten.

    None where the job starts from nothing, which is also where what it trains on has changed.
    """
    epochs = session.write(lambda s: store.read_epochs(s, session.lease.job_id))
    for row in (row for row in reversed(epochs) if row.checkpoint):
        found = _read(session, folder, row.checkpoint, facts)
        if found is not None:
            _forget_after(session, row.epoch, len(epochs))
            return found
    _forget_after(session, 0, len(epochs))
    return None


def _read(
    session: Session, folder: Path, stored: dict[str, Any], facts: dict[str, Any]
) -> dict[str, Any] | None:
    path = folder / "checkpoint.pt"
    whole = session.insist(
        "the object store",
        lambda: session.objects.get_file(stored["key"], path, stored["sha256"]),
    )
    if not whole:
        _doubt(session, "A checkpoint is gone or broken", stored["key"])
        return None
    found = torch.load(path, map_location="cpu", weights_only=True)
    if found["facts"] != facts:
        _doubt(session, "A checkpoint is of other data", stored["key"])
        return None
    state: dict[str, Any] = found["state"]
    return state


def _doubt(session: Session, what: str, key: str) -> None:
    log.warning(what, extra={"key": key})
    session.note(f"{what}: {key.rpartition('/')[2]}", "warning")


def _forget_after(session: Session, epoch: int, known: int) -> None:
    if epoch < known:
        session.write(lambda s: store.drop_epochs(s, session.lease, epoch))


def _delete_former(session: Session) -> None:
    """Delete the checkpoint before the last; its row stays."""
    epochs = session.write(lambda s: store.read_epochs(s, session.lease.job_id))
    keys = [row.checkpoint["key"] for row in epochs[-2:-1]]
    session.insist("the object store", lambda: session.objects.delete(keys))
