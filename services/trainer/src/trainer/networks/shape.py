"""What the ends of a network depend on."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Shape:
    """``None``: what the report gave the network."""

    classes: int
    input_size: int = 224
    hidden_units: int | None = None
    dropout: float | None = None

    def units(self, published: int) -> int:
        """Hidden units, where nothing else was asked for as published."""
        return published if self.hidden_units is None else self.hidden_units

    def rate(self, published: float) -> float:
        """Share dropped, where nothing else was asked for as published."""
        return published if self.dropout is None else self.dropout


def start_like_keras(model: nn.Module) -> None:
    """Glorot-uniform weights and no bias: what the reports' networks began with."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
