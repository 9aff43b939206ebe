"""The CBIS-DDSM report's networks from scratch: valid 3x3 convolutions of one grey channel."""

from collections import OrderedDict

import torch
from torch import nn

from trainer.networks.shape import Shape, start_like_keras

WIDTHS = (32, 32, 64, 64, 128)


class Grey(nn.Module):
    """One channel of an input whose three are equal."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(b, 3, h, w) -> (b, 1, h, w)."""
        return pictures[:, :1].contiguous()


def scratch_a(shape: Shape) -> nn.Module:
    """32, 32, 64, 64, 128, each but the last followed by 2x2 pooling: 343,842 parameters."""
    return _scratch(shape, WIDTHS, dropout=0.0)


def scratch_b(shape: Shape) -> nn.Module:
    """A second convolution of 128 at the end, and dropout: 360,354 parameters."""
    return _scratch(shape, (*WIDTHS, 128), dropout=0.2)


def _scratch(shape: Shape, widths: tuple[int, ...], dropout: float) -> nn.Module:
    layers, inputs, side = OrderedDict[str, nn.Module](grey=Grey()), 1, shape.input_size
    for place, width in enumerate(widths, start=1):
        layers[f"conv{place}"], side = nn.Conv2d(inputs, width, 3), side - 2
        layers[f"relu{place}"], inputs = nn.ReLU(), width
        if place < len(WIDTHS):
            layers[f"pool{place}"], side = nn.MaxPool2d(2), side // 2
    layers["flatten"] = nn.Flatten()
    layers["dense"] = nn.Linear(inputs * side * side, shape.units(64))
    layers["relu"] = nn.ReLU()
    layers["dropout"] = nn.Dropout(shape.rate(dropout))
    layers["out"] = nn.Linear(shape.units(64), shape.classes)
    model = nn.Sequential(layers)
    start_like_keras(model)
    return model
