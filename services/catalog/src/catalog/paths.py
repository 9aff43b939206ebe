"""anon_dicom_path in the spellings that releases and users have, as a key below the image root."""

import posixpath
import re
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

# v1 carries the path of the lab's disk, later copies ``images/`` with or without ``./``.
_prefix = re.compile(r"^(?:/mnt/NAS\d+/mammo/anon_dicom/|(?:\./)?images/|/+)")


def relative_key(path: str) -> str:
    """``cohort_1/<patient>/<study>/<series>/<sop>.dcm`` from any spelling of the path."""
    return _prefix.sub("", path.strip().replace("\\", "/"), count=1)


def sop_instance_uid(path: str) -> str:
    """The SOP Instance UID that names the file; the stem as it is where it is no UID."""
    return posixpath.basename(relative_key(path)).removesuffix(".dcm")


def hash_texts(texts: Iterable[str | None]) -> npt.NDArray[np.uint64]:
    """64 bits of each text, the same everywhere and always: what sampling and splits go by."""
    digests = bytearray()
    for text in texts:
        digests += blake2b((text or "").encode(), digest_size=8).digest()
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def source_uri(image_root: str, path: str) -> str:
    """Where the file of ``path`` lies: ``image_root`` is ``s3://bucket/images`` or ``file:///...``.

    ValueError where the path would climb out of the root.
    """
    key = relative_key(path)
    if ".." in key.split("/") or not key:
        raise ValueError("the path leaves the image root")
    return f"{image_root.rstrip('/')}/{key}"
