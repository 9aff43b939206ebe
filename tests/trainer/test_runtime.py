"""What a manifest says of the machine."""

import numpy
import sklearn
import torch
from trainer.training.runtime import describe_versions
from trainer.training.torch_compat import torchvision

import timm  # isort: skip


def test_all_that_computes_a_figure_is_named_with_its_version() -> None:
    found = describe_versions()
    modules = {
        "torch": torch, "torchvision": torchvision, "timm": timm, "numpy": numpy,
        "scikit-learn": sklearn,
    }  # fmt: skip
    for name, module in modules.items():
        assert str(module.__version__).startswith(found[name]), name  # packages leave out "+cu130"


def test_a_gpu_is_named_where_there_is_one() -> None:
    named = {"cuda", "cudnn", "gpu"} & set(describe_versions())
    assert named == ({"cuda", "cudnn", "gpu"} if torch.cuda.is_available() else set())
