"""Heat maps of what moved a network's score, for a batch of pictures at the size it was trained at.

``arguments`` are what the network takes (pictures first, (b, 3, h, w)), ``target`` (b,) the class
whose logit is explained. A map is (b, h, w), not negative, at most one. The network must be in
evaluation mode; its parameters are left as they are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

STEPS = 16
PLANAR = (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
"""Modules that take and give (b, channels, h, w) and nothing else."""
Method = Callable[[nn.Module, Sequence[torch.Tensor], torch.Tensor], "Explained"]


@dataclass(frozen=True)
class Explained:
    """``maps`` (b, h, w); ``told`` (b,) share of the relevance that the BI-RADS token has."""

    maps: torch.Tensor
    told: torch.Tensor | None = None


class NotExplainableError(ValueError):
    """The network has nothing that this method looks at; the text says what."""


def saliency(
    model: nn.Module, arguments: Sequence[torch.Tensor], target: torch.Tensor
) -> Explained:
    """|d score / d grey value| (Simonyan et al., 2013). A grey value enters all channels."""
    gradient = _gradient(model, arguments[0], arguments[1:], target)
    return Explained(_scaled(gradient.sum(dim=1).abs()))


def integrated_gradients(
    model: nn.Module,
    arguments: Sequence[torch.Tensor],
    target: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    steps: int = STEPS,
) -> Explained:
    """Gradients summed on the way from a black picture (Sundararajan et al., 2017), midpoint rule.

    ``black`` (b, 3, h, w) or broadcastable; by default the darkest value of each picture, which
    for a normalised mammogram is its background.
    """
    pictures, *others = arguments
    if black is None:
        black = pictures.amin(dim=(2, 3), keepdim=True)
    total = torch.zeros_like(pictures)
    for step in range(steps):
        share = (step + 0.5) / steps
        total += _gradient(model, black + share * (pictures - black), others, target)
    contribution = (total / steps * (pictures - black)).sum(dim=1)
    return Explained(_scaled(contribution.abs()))


def grad_cam(
    model: nn.Module, arguments: Sequence[torch.Tensor], target: torch.Tensor
) -> Explained:
    """Grad-CAM (Selvaraju et al., 2017) of the last layer that still tells places apart."""
    layer = last_spatial_layer(model, arguments)
    with torch.enable_grad(), _outputs_of(layer) as kept:
        pictures = arguments[0].detach().requires_grad_()
        score = _score(model, pictures, arguments[1:], target)
        (gradient,) = torch.autograd.grad(score, kept[0])
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    coarse = (weights * kept[0].detach()).sum(dim=1, keepdim=True).relu()
    return Explained(_scaled(_enlarged(coarse, arguments[0])))


def attention(
    model: nn.Module, arguments: Sequence[torch.Tensor], target: torch.Tensor
) -> Explained:
    """Attention weighted by its gradient, through all blocks (Chefer et al., ICCV 2021).

    The relevance of the class token, for the patches as a map and for the BI-RADS token as its
    share; that enters the rule in the block that it enters the network.
    """
    look = getattr(model, "attention", None)
    if look is None:
        raise NotExplainableError("the network has no attention")
    with torch.enable_grad(), _outputs_of(model) as logits:
        weights: list[torch.Tensor] = look(*arguments)
        score = logits[0].gather(1, target[:, None]).sum()
        gradients = torch.autograd.grad(score, weights)
    relevance = _identity(weights[0])
    for block, gradient in zip(weights, gradients, strict=True):
        grown = block.shape[-1] - relevance.shape[-1]
        relevance = nn.functional.pad(relevance, (0, grown, 0, grown))
        if grown:
            relevance[:, -1, -1] = 1
        mean = (block.detach() * gradient).clamp(min=0).mean(dim=1)
        relevance = relevance + mean @ relevance
    return _from_class_token(relevance[:, 0, 1:], arguments[0])


def _from_class_token(row: torch.Tensor, pictures: torch.Tensor) -> Explained:
    """(b, patches) or (b, patches and the BI-RADS token) as a map and a share."""
    side = int(row.shape[1] ** 0.5)
    patches, told = row[:, : side * side], row[:, side * side :]
    coarse = patches.reshape(-1, 1, side, side)
    share = None
    if told.shape[1]:
        share = told.sum(dim=1) / row.sum(dim=1).clamp(min=1e-12)
    return Explained(_scaled(_enlarged(coarse, pictures)), share)


METHODS: dict[str, Method] = {
    "saliency": saliency,
    "grad-cam": grad_cam,
    "integrated-gradients": integrated_gradients,
    "attention": attention,
}
NAMES = {
    "saliency": "Gradient saliency",
    "grad-cam": "Grad-CAM",
    "integrated-gradients": "Integrated gradients",
    "attention": "Attention",
}


def methods_of(model: nn.Module, arguments: Sequence[torch.Tensor]) -> list[str]:
    """The methods that apply to a network; none where pictures have no say in its score."""
    try:
        _gradient(model, arguments[0][:1], [a[:1] for a in arguments[1:]], _first(arguments))
    except NotExplainableError:
        return []
    if hasattr(model, "attention"):
        return ["saliency", "integrated-gradients", "attention"]
    try:
        last_spatial_layer(model, arguments)
    except NotExplainableError:
        return ["saliency", "integrated-gradients"]
    return ["saliency", "grad-cam", "integrated-gradients"]


def last_spatial_layer(model: nn.Module, arguments: Sequence[torch.Tensor]) -> nn.Module:
    """The last module to give (b, channels, h, w) with more than one place.

    Four axes are not enough: heads x tokens has them too, and so has h x w x channels. A module
    counts where convolution, normalisation or pooling of planes gave it the places that it has; and
    it is the last only where nothing that has places in another layout, as tokens, follows.

    Raises:
        NotExplainableError: there is none.
    """
    found: nn.Module | None = None
    given: torch.Tensor | None = None
    sizes: dict[nn.Module, torch.Size] = {}

    def note(module: nn.Module, taken: tuple[Any, ...], output: Any) -> None:
        nonlocal found, given
        if not isinstance(output, torch.Tensor) or not _has_places(output):
            return
        size = output.shape[2:]
        if isinstance(module, PLANAR):
            sizes[module] = size
        planar = output.ndim == 4 and (
            any(sizes.get(part) == size for part in module.modules())
            or (given is not None and taken[0] is given and output.shape == given.shape)
        )
        found, given = (module, output) if planar else (None, None)

    hooks = [module.register_forward_hook(note) for module in model.modules()]
    try:
        with torch.no_grad():
            model(*(argument[:1] for argument in arguments))
    finally:
        for hook in hooks:
            hook.remove()
    if found is None:
        raise NotExplainableError("the network ends in no layer of planes that tells places apart")
    return found


def _has_places(output: torch.Tensor) -> bool:
    """Whether an image has more than one vector in it: planes larger than a pixel, or tokens."""
    if output.ndim < 3:
        return False
    return int(min(output.shape[2:] if output.ndim > 3 else output.shape[1:])) > 1


def _gradient(
    model: nn.Module,
    pictures: torch.Tensor,
    others: Sequence[torch.Tensor],
    target: torch.Tensor,
) -> torch.Tensor:
    """(b, 3, h, w) of the target's logit by the normalised picture."""
    with torch.enable_grad():
        inputs = pictures.detach().requires_grad_()
        score = _score(model, inputs, others, target)
        found = torch.autograd.grad(score, inputs, allow_unused=True)[0] if score.grad_fn else None
    if found is None:
        raise NotExplainableError("the pictures have no say in its score")
    return found


def _score(
    model: nn.Module,
    pictures: torch.Tensor,
    others: Sequence[torch.Tensor],
    target: torch.Tensor,
) -> torch.Tensor:
    """Sum of the targets' logits: each depends on its own picture alone."""
    logits: torch.Tensor = model(pictures, *others)
    return logits.gather(1, target[:, None]).sum()


def _first(arguments: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.zeros(1, dtype=torch.int64, device=arguments[0].device)


def _scaled(maps: torch.Tensor) -> torch.Tensor:
    """Each by its own maximum; all nought where it is nought."""
    found: torch.Tensor = maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    return found.detach().float()


def _enlarged(coarse: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """(b, 1, r, c) as (b, h, w) of the pictures, bilinear."""
    size = (pictures.shape[2], pictures.shape[3])
    return nn.functional.interpolate(coarse.float(), size, mode="bilinear")[:, 0]


def _identity(weights: torch.Tensor) -> torch.Tensor:
    """(b, tokens, tokens) ones on the diagonal."""
    tokens = weights.shape[-1]
    return torch.eye(tokens, device=weights.device).repeat(len(weights), 1, 1)


@contextmanager
def _outputs_of(module: nn.Module) -> Iterator[list[torch.Tensor]]:
    """What a module gives each time it is called."""
    found: list[torch.Tensor] = []
    hook = module.register_forward_hook(lambda _module, _given, output: found.append(output))
    try:
        yield found
    finally:
        hook.remove()
