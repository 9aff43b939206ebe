"""How a picture becomes what a network is given, as a document whose digest travels with weights.

A prediction is only as good as its pixels are the same as in training: the digest is stored with
the weights, worked out again from the code that predicts, and compared.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from trainer.spec import TrainingSettings, digest

PIPELINE = 1
"""Of `pixels.Geometry`, centring and `to_input`: a change of what they compute is a new number."""


def describe_preprocessing(
    settings: TrainingSettings, mean: Sequence[float], sd: Sequence[float]
) -> dict[str, Any]:
    """Everything between imagery's grey values and the network's input."""
    return {
        "pipeline": PIPELINE,
        "stored": {"size": settings.stored_size, "fit": settings.fit, "bits": 8},
        "centre": settings.input_size,
        "channels": "grey thrice",
        "mean": list(mean),
        "sd": list(sd),
    }


def preprocessing_sha256(document: dict[str, Any]) -> str:
    """Its digest."""
    return digest(document)


@cache
def code_version() -> str:
    """The package's version and a digest of its source."""
    found = hashlib.sha256()
    root = files("trainer")
    pending = [root]
    sources = []
    while pending:
        for entry in pending.pop().iterdir():
            if entry.is_dir():
                pending.append(entry)
            elif entry.name.endswith(".py"):
                sources.append((str(entry), entry.read_bytes()))
    for name, body in sorted(sources):
        found.update(name.removeprefix(str(root)).encode() + b"\0" + body)
    return f"{version('embedlab-trainer')}+{found.hexdigest()[:12]}"
