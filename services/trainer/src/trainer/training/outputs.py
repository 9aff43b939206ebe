"""From logits to a loss and to probabilities, for either output of the published networks."""

import torch
from torch.nn import functional

SOFTMAX = "softmax"


def summed_loss(
    logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, output: str
) -> torch.Tensor:
    """Sum over (b, classes) logits of each image's loss, weighted by its class.

    Softmax: cross-entropy. Sigmoid: binary cross-entropy of each class against the rest, averaged
    over the classes.
    """
    if output == SOFTMAX:
        return functional.cross_entropy(logits.float(), target, weight=weights, reduction="sum")
    truth = functional.one_hot(target, logits.shape[1]).float()
    each = functional.binary_cross_entropy_with_logits(logits.float(), truth, reduction="none")
    return (each.mean(dim=1) * weights[target]).sum()


def probabilities(logits: torch.Tensor, output: str) -> torch.Tensor:
    """(b, classes) in double precision, rows that sum to one."""
    if output == SOFTMAX:
        return logits.double().softmax(dim=1)
    each = logits.double().sigmoid()
    return each / each.sum(dim=1, keepdim=True)
