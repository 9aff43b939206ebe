"""torchvision beside a CPU-only torch. Import torchvision from here, never directly.

torchvision's wheel from PyPI is built for CUDA; beside a torch without it, its compiled operators
do not load and its import ends in "RuntimeError: operator torchvision::nms does not exist", because
it registers meta functions for operators that nobody declared. Declaring the schemas of the two
first is enough; nothing here calls them. Where they do load (a torch with CUDA, a torchvision built
for the CPU) they declare themselves and a second declaration would be the error: so only then.
"""

import importlib
import sys
from types import ModuleType

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def _import_torchvision() -> ModuleType:
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", _SCHEMA)
    return importlib.import_module("torchvision")


def import_transforms() -> ModuleType:
    """torchvision's transforms v2."""
    return importlib.import_module("torchvision.transforms.v2")


def import_timm() -> ModuleType:
    """timm, which imports torchvision itself: by now that is there."""
    return importlib.import_module("timm")


torchvision = _import_torchvision()
