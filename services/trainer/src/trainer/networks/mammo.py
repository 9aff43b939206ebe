"""`mammo_model`: the EMBED report's reconstruction of a TensorFlow network trained on DDSM."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Self

import torch
from torch import nn
from torch.nn import functional

from trainer.networks.shape import Shape

EPSILON = 1e-3  # TensorFlow's; torch's own is 1e-5
DENSE = 2048
DROPOUT = 0.5


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """(before, after) of TensorFlow's `same`: at stride 2 an even side gets (0, 1), not (1, 1)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SamePad(nn.Module):
    """Pads (b, c, h, w) as TensorFlow does before a convolution or pooling that pads nothing."""

    def __init__(self, kernel: int, stride: int, value: float = 0.0) -> None:
        super().__init__()
        self.kernel, self.stride, self.value = kernel, stride, value

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) -> (b, c, h + a little, w + a little)."""
        height, width = pictures.shape[-2:]
        rows = same_padding(height, self.kernel, self.stride)
        columns = same_padding(width, self.kernel, self.stride)
        return functional.pad(pictures, (*columns, *rows), value=self.value)


class MammoModel(nn.Sequential):
    """Nine convolutions, two dense layers of 2,048 and ``dense_out``; layers named as published.

    With two classes at 224 pixels 22,761,986 parameters; with the running statistics 22,772,674.
    """

    def __init__(self, shape: Shape) -> None:
        rate = shape.rate(DROPOUT)
        super().__init__(
            OrderedDict(
                conv2d=_convolution(3, 32, stride=2),
                conv2d_1=_convolution(32, 32),
                conv2d_2=_convolution(32, 32),
                max_pooling2d=_pooling(3),
                dropout=nn.Dropout(rate),
                conv2d_3=_convolution(32, 64),
                conv2d_4=_convolution(64, 64),
                max_pooling2d_1=_pooling(2),
                conv2d_5=_convolution(64, 128),
                conv2d_6=_convolution(128, 128),
                max_pooling2d_2=_pooling(2),
                conv2d_7=_convolution(128, 256),
                max_pooling2d_3=_pooling(2),
                dropout_1=nn.Dropout(rate),
                conv2d_8=_convolution(256, 512),
                max_pooling2d_4=_pooling(2),
                dropout_2=nn.Dropout(rate),
                flatten=nn.Flatten(),
                dense=_dense(512 * _side(shape.input_size) ** 2, shape.units(DENSE), rate),
                dense_1=_dense(shape.units(DENSE), shape.units(DENSE), rate),
                dense_out=nn.Linear(shape.units(DENSE), shape.classes),
            )
        )

    @classmethod
    def build(cls, shape: Shape, weights: Mapping[str, torch.Tensor] | None) -> Self:
        """The network; with ``weights`` all but the last layer starts from them."""
        model = cls(shape)
        if weights is not None:
            kept = {k: v for k, v in weights.items() if not k.startswith("dense_out.")}
            missing, unexpected = model.load_state_dict(kept, strict=False)
            if unexpected or {k.partition(".")[0] for k in missing} != {"dense_out"}:
                raise ValueError(f"not weights of mammo_model: {[*missing, *unexpected]}")
        return model


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    layers = {
        "pad": SamePad(3, stride),
        "conv": nn.Conv2d(inputs, outputs, 3, stride=stride),
        "norm": nn.BatchNorm2d(outputs, eps=EPSILON),
        "relu": nn.ReLU(),
    }
    return nn.Sequential(OrderedDict(layers))


def _pooling(kernel: int) -> nn.Module:
    return nn.Sequential(SamePad(kernel, 2, -torch.inf), nn.MaxPool2d(kernel, 2))


def _dense(inputs: int, outputs: int, rate: float) -> nn.Module:
    layers = {
        "dense": nn.Linear(inputs, outputs),
        "norm": nn.BatchNorm1d(outputs, eps=EPSILON),
        "relu": nn.ReLU(),
        "dropout": nn.Dropout(rate),
    }
    return nn.Sequential(OrderedDict(layers))


def _side(size: int) -> int:
    """Of the last feature map: halved six times, rounded up."""
    return -(-size // 64)
