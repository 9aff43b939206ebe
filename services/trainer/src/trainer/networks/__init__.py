"""Networks by name: the reports' own, each with the parameter total that they print."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from trainer.networks.fusion import FORMS, SIZES, BiradsOnly, FusionViT
from trainer.networks.mammo import MammoModel
from trainer.networks.pretrained import BASES, DenseHead, Siamese
from trainer.networks.scratch import scratch_a, scratch_b
from trainer.networks.shape import Shape
from trainer.networks.tiny import tiny_cnn

State = Mapping[str, torch.Tensor]
Builder = Callable[[Shape, State | None], nn.Module]

__all__ = ["NETWORKS", "Builder", "Shape", "State"]


def _alone(build: Callable[[Shape], nn.Module]) -> Builder:
    """A network that nobody publishes weights of."""

    def built(shape: Shape, weights: State | None) -> nn.Module:
        assert weights is None
        return build(shape)

    return built


def _dense(base: str) -> Builder:
    return lambda shape, weights: DenseHead(base, shape, weights)


def _fusion(size: str, form: str) -> Builder:
    return lambda shape, weights: FusionViT(size, form, shape, weights)


NETWORKS: dict[str, Builder] = {
    "tiny_cnn": _alone(tiny_cnn),
    "scratch_a": _alone(scratch_a),
    "scratch_b": _alone(scratch_b),
    "mammo_model": MammoModel.build,
    **{f"{base}_dense": _dense(base) for base in BASES},
    "siamese_vgg16": Siamese,
    "birads_only": _alone(BiradsOnly),
    **{f"{size}_{form}": _fusion(size, form) for size in SIZES for form in FORMS},
}
