"""Which layers of a network are trained, and which keep the weights they came with."""

from torch import nn

from trainer.spec import TrainingSettings


class FreezingError(ValueError):
    """Nothing would be trained; the text says what there is."""


def freeze(model: nn.Module, settings: TrainingSettings) -> list[nn.Module]:
    """Freeze all but the chosen layers; the frozen modules, whose mode must stay evaluation.

    Raises:
        FreezingError: no module has a name that begins so.
    """
    layers = [(n, m) for n, m in model.named_modules() if list(m.parameters(recurse=False))]
    frozen = [m for n, m in layers if not _is_chosen(n, [name for name, _ in layers], settings)]
    if len(frozen) == len(layers):
        blocks = ", ".join(name for name, _ in model.named_children())
        raise FreezingError(f"no block is called {settings.trainable_blocks}; there are {blocks}")
    for module in frozen:
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(False)
    return frozen


def _is_chosen(name: str, names: list[str], settings: TrainingSettings) -> bool:
    blocks, last = settings.trainable_blocks, settings.trainable_layers
    named = blocks is not None and any((name + ".").startswith(b + ".") for b in blocks)
    late = last is not None and name in names[-last:]
    return named or late or (blocks is None and last is None)
