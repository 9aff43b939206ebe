"""Networks of torchvision and timm by their own names; where both have one, torchvision's.

`python -m trainer.training.zoo` writes the names for `trainer.zoo`, which knows no torch.
"""

from collections.abc import Mapping
from functools import partial

import torch
from torch import nn

from trainer.training.torch_compat import torchvision
from trainer.zoo import FILE

AUXILIARY = ("googlenet", "inception_v3")
IMAGENET = 1000


def list_names() -> list[str]:
    """Of all classifiers that there are, sorted."""
    import timm

    listed = torchvision.models.list_models(module=torchvision.models)
    return sorted({*listed, *timm.list_models()})


def build_named(
    name: str, classes: int, size: int, state: Mapping[str, torch.Tensor] | None = None
) -> nn.Module:
    """A network for pictures of ``size`` pixels; ``state`` is ImageNet's, with its last layer."""
    told = classes if state is None else IMAGENET
    if name in torchvision.models.list_models(module=torchvision.models):
        plain = {"aux_logits": False, "init_weights": True} if name in AUXILIARY else {}
        model: nn.Module = torchvision.models.get_model(
            name, weights=None, num_classes=told, **plain
        )
        if state is not None:
            model.load_state_dict(state)
            replace_last(model, classes)
        return model
    return _of_timm(name, classes, told, size, state)


def _of_timm(
    name: str, classes: int, told: int, size: int, state: Mapping[str, torch.Tensor] | None
) -> nn.Module:
    import timm

    make = partial(timm.create_model, name, pretrained=False, num_classes=told)
    try:  # transformers are built for pictures of one size, convolutions know of none
        model: nn.Module = make(img_size=size)
    except TypeError:
        model = make()
    if state is not None:
        model.load_state_dict(state)
        model.reset_classifier(classes)
    return model


def replace_last(model: nn.Module, classes: int) -> None:
    """Exchange the last linear layer, whatever it is called."""
    name, last = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, nn.Linear(last.in_features, classes))


if __name__ == "__main__":
    FILE.write_text("\n".join(list_names()) + "\n")
