"""Networks by name."""

from pathlib import Path

import torch
from torch import nn

from trainer.architectures import HUB, Architecture


def tiny_cnn(classes: int) -> nn.Module:
    """Three strided convolutions and a mean: enough for small patches, quick enough for tests."""
    return nn.Sequential(
        *_block(3, 16),
        *_block(16, 32),
        *_block(32, 48),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(48, classes),
    )


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


def build_model(name: str, classes: int, weights: Path | None = None) -> nn.Module:
    """The network with a last layer for ``classes``; ``weights`` is a file of pretrained ones.

    The weights are ImageNet's with 1,000 classes; their last layer is replaced, as published.
    """
    if name == "tiny_cnn":
        return tiny_cnn(classes)
    if weights is None:
        return _named(name, classes)
    model = _named(name, 1000)
    model.load_state_dict(_read_weights(weights))
    _replace_last(model, classes)
    return model


def _named(name: str, classes: int) -> nn.Module:
    from trainer.training.torch_compat import torchvision  # four seconds of imports

    model: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes)
    return model


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    found: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return found


def _replace_last(model: nn.Module, classes: int) -> None:
    """Exchange the last linear layer, whatever it is called."""
    name, last = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, nn.Linear(last.in_features, classes))


def download_weights(architecture: Architecture, folder: Path) -> Path:
    """Pretrained weights from their hub; OSError where it cannot be reached."""
    assert architecture.hub_file is not None
    path = folder / architecture.hub_file
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(HUB + architecture.hub_file, str(path), progress=False)
    return path


def count_parameters(model: nn.Module) -> int:
    """Parameters, trainable or not; running statistics are not among them."""
    return sum(p.numel() for p in model.parameters())
