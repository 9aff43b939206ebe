"""A vision transformer that is also told the image's BI-RADS assessment.

``vit_b16_late`` is the published form; the others are what its report proposes next. Where the
assessment is a token of the sequence it stands last: behind the class token and the patches.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from trainer.networks.shape import Shape

ASSESSMENTS = 7
"""A, N, B, P, S, M, K as 0 to 6."""
EMBEDDING = 32
HIDDEN = 256
SECOND_BLOCKS = 2

SIZES = {"vit_b16": "vit_base_patch16_224", "vit_ti16": "vit_tiny_patch16_224"}
FORMS = ("late", "late_embedding", "late_mlp", "late_transformer", "mid", "early")


class FusionViT(nn.Module):
    """Pictures and assessments to logits, by one of `FORMS`.

    ``late``: a linear layer makes 32 values of the assessment's number, beside the class token's
    before the last layer; ``late_embedding``: 32 learned values for each; ``late_mlp``: these
    before two layers; ``late_transformer``: as a token after the last block, before two more;
    ``mid``: as a token from half way; ``early``: as a token from the start.
    """

    def __init__(
        self,
        size: str,
        form: str,
        shape: Shape,
        weights: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = _backbone(SIZES[size], shape.input_size, weights)
        width, depth = self.backbone.embed_dim, len(self.backbone.blocks)
        self.form = form
        self.enters = {"early": 0, "mid": depth // 2, "late_transformer": depth}.get(form)
        self.second = nn.ModuleList(self._second(form, width))
        self.norm = nn.LayerNorm(width) if form == "late_transformer" else nn.Identity()
        values = EMBEDDING if self.enters is None else width
        self.birads: nn.Module = nn.Embedding(ASSESSMENTS, values)
        if form == "late":
            self.birads = nn.Linear(1, EMBEDDING)
        joined = width + EMBEDDING if self.enters is None else width
        self.head = _head(form, joined, shape)

    def _second(self, form: str, width: int) -> Iterator[nn.Module]:
        if form == "late_transformer":
            heads = self.backbone.blocks[0].attn.num_heads
            for _ in range(SECOND_BLOCKS):
                yield type(self.backbone.blocks[0])(dim=width, num_heads=heads, qkv_bias=True)

    def forward(self, pictures: torch.Tensor, birads: torch.Tensor) -> torch.Tensor:
        """(b, 3, size, size), (b,) places in A N B P S M K -> (b, classes)."""
        told = self._told(birads)
        found = self._sequence(pictures, told)[:, 0]
        if self.enters is None:
            found = torch.cat([found, told], dim=1)
        logits: torch.Tensor = self.head(found)
        return logits

    def attention(self, pictures: torch.Tensor, birads: torch.Tensor) -> list[torch.Tensor]:
        """(b, heads, tokens, tokens) of every block in order; rows sum to one.

        Token 0 is the class, then the patches row by row, and last, in the blocks it takes part
        in, the assessment. A gradient flows through them.
        """
        found: list[torch.Tensor] = []
        with _seen(self._attentions(), found):
            self(pictures, birads)
        return found

    def _told(self, birads: torch.Tensor) -> torch.Tensor:
        told: torch.Tensor = self.birads(
            birads[:, None].to(self.backbone.pos_embed.dtype) if self.form == "late" else birads
        )
        return told

    def _sequence(self, pictures: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """(b, tokens, width) after the last block; the assessment enters before block `enters`."""
        vit = self.backbone
        tokens = vit.norm_pre(vit.patch_drop(vit._pos_embed(vit.patch_embed(pictures))))
        for place, block in enumerate(vit.blocks):
            if place == self.enters:
                tokens = torch.cat([tokens, told[:, None].to(tokens.dtype)], dim=1)
            tokens = block(tokens)
        tokens = vit.norm(tokens)
        if self.form == "late_transformer":
            tokens = torch.cat([tokens, told[:, None].to(tokens.dtype)], dim=1)
        for block in self.second:
            tokens = block(tokens)
        found: torch.Tensor = self.norm(tokens)
        return found

    def _attentions(self) -> list[Any]:
        return [block.attn for block in (*self.backbone.blocks, *self.second)]


class BiradsOnly(nn.Module):
    """The assessment alone decides: what a fusion must better to have used the pixels."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.logits = nn.Embedding(ASSESSMENTS, shape.classes)
        nn.init.zeros_(self.logits.weight)

    def forward(self, pictures: torch.Tensor, birads: torch.Tensor) -> torch.Tensor:
        """Anything, (b,) places in A N B P S M K -> (b, classes)."""
        logits: torch.Tensor = self.logits(birads)
        return logits


def _backbone(name: str, size: int, weights: Mapping[str, torch.Tensor] | None) -> Any:
    """timm's network without a head; position embeddings of 224 pixels are resampled."""
    from trainer.training.torch_compat import import_timm  # seconds of imports

    vit = import_timm().create_model(name, pretrained=False, num_classes=0, img_size=size)
    if weights is not None:
        from timm.models.vision_transformer import checkpoint_filter_fn

        kept = {k: v for k, v in weights.items() if not k.startswith("head.")}
        vit.load_state_dict(checkpoint_filter_fn(kept, vit))
    return vit


def _head(form: str, joined: int, shape: Shape) -> nn.Module:
    if form != "late_mlp":
        return nn.Linear(joined, shape.classes)
    units = shape.units(HIDDEN)
    dropout = nn.Dropout(shape.rate(0.0))
    return nn.Sequential(
        nn.Linear(joined, units), nn.GELU(), dropout, nn.Linear(units, shape.classes)
    )


@contextmanager
def _seen(attentions: list[Any], found: list[torch.Tensor]) -> Iterator[None]:
    """Keep what passes the attentions' dropout: the weights, which the fused kernel never shows."""
    fused = [attention.fused_attn for attention in attentions]
    hooks = [a.attn_drop.register_forward_hook(partial(_keep, found)) for a in attentions]
    for attention in attentions:
        attention.fused_attn = False
    try:
        yield
    finally:
        for attention, was, hook in zip(attentions, fused, hooks, strict=True):
            attention.fused_attn = was
            hook.remove()


def _keep(found: list[torch.Tensor], _module: nn.Module, _given: Any, output: torch.Tensor) -> None:
    found.append(output)
