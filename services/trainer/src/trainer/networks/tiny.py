"""A network for tests and small patches."""

from torch import nn

from trainer.networks.shape import Shape


def tiny_cnn(shape: Shape) -> nn.Module:
    """Three strided convolutions and a mean: enough for small patches, quick enough for tests."""
    return nn.Sequential(
        *_block(3, 16),
        *_block(16, 32),
        *_block(32, 48),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(shape.rate(0.1)),
        nn.Linear(48, shape.classes),
    )


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()
