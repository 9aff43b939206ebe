"""What a job leaves in the object store."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from trainer.objects import artifact_key
from trainer.training.session import Session


def upload_artifacts(
    session: Session, files: Mapping[str, tuple[Path, str]]
) -> list[dict[str, Any]]:
    """Upload {name: (path, media type)}; rows for `store.finish_job`."""
    artifacts = []
    for name, (path, kind) in files.items():
        key = artifact_key(session.lease.job_id, session.lease.fence, name)
        upload = partial(session.objects.put_file, key, path, kind)
        stored = session.insist("the object store", upload)
        artifacts.append({"name": name, **stored})
    return artifacts
