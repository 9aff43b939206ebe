"""Which images have a file below the image root: what the object store or the folder lists.

A lab rarely holds all of a dataset. Only hashes are kept, eight bytes a file.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from botocore.exceptions import BotoCoreError, ClientError

from catalog.ingest.sources import Location
from catalog.paths import hash_texts, sop_instance_uid

Hashes = npt.NDArray[np.uint64]

NOT_LISTED = "the store lists no files there; which images have one is not known"


async def held_files(client: Any, root: Location) -> Hashes | None:
    """Hashes of the SOP Instance UIDs that files below ``root`` are named by, ascending.

    None where nothing is listed: the folder is empty, absent, or may not be listed.
    """
    try:
        if root.path is not None:
            parts = await asyncio.to_thread(_walk, root.path)
        else:
            parts = await _list(client, root)
    except (ClientError, BotoCoreError, OSError):
        return None
    found = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    return np.unique(found) if len(found) else None


async def _list(client: Any, root: Location) -> list[Hashes]:
    prefix = f"{root.key.rstrip('/')}/" if root.key else ""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=root.bucket, Prefix=prefix)
    return [_hashes(entry["Key"] for entry in page.get("Contents", ())) async for page in pages]


def _walk(folder: Path) -> list[Hashes]:
    return [_hashes(str(path) for path in folder.rglob("*.dcm"))]


def _hashes(keys: Iterator[str]) -> Hashes:
    return hash_texts(sop_instance_uid(key) for key in keys if key.endswith(".dcm"))
