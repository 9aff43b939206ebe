"""A convolutional base with ImageNet's weights below a dense head, alone or as a Siamese pair."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import nn

from trainer.networks.shape import Shape, start_like_keras

HIDDEN = 256
VGG = {"vgg16": "D", "vgg19": "E"}
BASES = (*VGG, "resnet50")

State = Mapping[str, torch.Tensor]


class DenseHead(nn.Module):
    """``base`` (no top), flatten, ``dense`` 256 with ReLU, dropout, ``out``.

    At 150 pixels with two classes VGG16 has 16,812,610 parameters and VGG19 22,122,306, of which
    2,097,922 are the head's.
    """

    def __init__(self, base: str, shape: Shape, weights: State | None) -> None:
        super().__init__()
        self.base = convolutional_base(base, weights)
        self.dense = nn.Linear(_features(self.base, shape), shape.units(HIDDEN))
        self.dropout = nn.Dropout(shape.rate(0.0))
        self.out = nn.Linear(shape.units(HIDDEN), shape.classes)
        start_like_keras(nn.ModuleList([self.dense, self.out]))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(b, 3, h, w) -> (b, classes)."""
        hidden = self.dense(self.base(pictures).flatten(1)).relu()
        logits: torch.Tensor = self.out(self.dropout(hidden))
        return logits


class Siamese(nn.Module):
    """VGG16 and ``dense`` 256 see the abnormality and then its baseline; ``out`` the difference.

    At 150 pixels with two classes 16,812,096 parameters are shared, of 16,812,610 in all.
    """

    def __init__(self, shape: Shape, weights: State | None) -> None:
        super().__init__()
        base = convolutional_base("vgg16", weights)
        dense = nn.Linear(_features(base, shape), shape.units(HIDDEN))
        layers = {"base": base, "flatten": nn.Flatten(), "dense": dense, "relu": nn.ReLU()}
        self.shared = nn.Sequential(OrderedDict(layers))
        self.dropout = nn.Dropout(shape.rate(0.0))
        self.out = nn.Linear(shape.units(HIDDEN), shape.classes)
        start_like_keras(nn.ModuleList([dense, self.out]))

    def forward(self, abnormality: torch.Tensor, baseline: torch.Tensor) -> torch.Tensor:
        """Two of (b, 3, h, w) -> (b, classes)."""
        difference = self.shared(abnormality) - self.shared(baseline)
        logits: torch.Tensor = self.out(self.dropout(difference))
        return logits


def convolutional_base(name: str, weights: State | None) -> nn.Sequential:
    """``block1`` to ``block5`` of a VGG, or the layers of a ResNet, without pooling and head."""
    from trainer.training.torch_compat import torchvision  # four seconds of imports

    if name not in VGG:
        whole = torchvision.models.get_model(name, weights=None)
        if weights is not None:
            whole.load_state_dict(weights)
        kept = [(k, m) for k, m in whole.named_children() if k not in ("avgpool", "fc")]
        return nn.Sequential(OrderedDict(kept))
    vgg = torchvision.models.vgg
    layers = vgg.make_layers(vgg.cfgs[VGG[name]], batch_norm=False)
    if weights is not None:
        prefix = "features."
        named = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        layers.load_state_dict(named)
    else:
        _start_like_torchvision(layers)
    return _blocks(layers)


def _start_like_torchvision(layers: nn.Module) -> None:
    """As `torchvision.models.VGG` does: without it sixteen layers let no signal through."""
    for module in layers.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)


def _blocks(layers: nn.Sequential) -> nn.Sequential:
    """Grouped as Keras names them: a block ends with its pooling."""
    blocks, current = OrderedDict[str, nn.Module](), list[nn.Module]()
    for layer in layers:
        current.append(layer)
        if isinstance(layer, nn.MaxPool2d):
            blocks[f"block{len(blocks) + 1}"] = nn.Sequential(*current)
            current = []
    return nn.Sequential(blocks)


def _features(base: nn.Module, shape: Shape) -> int:
    with torch.no_grad():
        training = base.training
        base.eval()  # a picture of zeros must not enter running statistics
        found: int = base(torch.zeros(1, 3, shape.input_size, shape.input_size)).numel()
        base.train(training)
    return found
