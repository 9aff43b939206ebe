"""Networks by name."""

from pathlib import Path

import torch
from torch import nn

from trainer.architectures import HUB, TENSORFLOW, Architecture
from trainer.networks import NETWORKS, Shape
from trainer.networks.tensorflow import read_tensorflow


def build_model(name: str, shape: Shape, weights: Path | None = None) -> nn.Module:
    """The network with a last layer for the classes; ``weights`` is a file of pretrained ones.

    Whatever the weights were trained to tell apart, their last layer is replaced, as published.
    """
    state = None if weights is None else _read_weights(weights)
    if name in NETWORKS:
        return NETWORKS[name](shape, state)
    from trainer.training.zoo import build_named  # four seconds of imports

    return build_named(name, shape.classes, shape.input_size, state)


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == TENSORFLOW:
        return read_tensorflow(path)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    found: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return found


def download_weights(architecture: Architecture, folder: Path) -> Path:
    """Pretrained weights from their hub; OSError where it cannot be reached."""
    assert architecture.hub_file is not None
    path = folder / architecture.hub_file
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(HUB + architecture.hub_file, str(path), progress=False)
    return path


def count_parameters(model: nn.Module, *, trainable: bool = False) -> int:
    """Parameters, all or those that are trained; running statistics are not among them."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)
