"""torchvision beside a CPU-only torch. Import torchvision from here, never directly.

A torch built without CUDA does not bring the detection operators that torchvision's wheel from PyPI
registers meta functions for at import: ``import torchvision`` ends in "operator torchvision::nms does
not exist". Declaring the two schemas first is enough; nothing here calls them. Where they exist
already (a torch with CUDA), declaring them again is refused and that is fine.
"""

import torch

_schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def _declare(name: str) -> None:
    if not hasattr(torch.ops.torchvision, name):
        torch.library.define(f"torchvision::{name}", _schema)


for _name in ("nms", "qnms"):
    _declare(_name)

import torchvision

__all__ = ["torchvision"]
