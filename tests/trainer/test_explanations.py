"""Heat maps equal captum's where it has the method, and finite differences where it has not."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from torch import nn
from trainer.explanations import methods
from trainer.explanations.methods import NotExplainableError, methods_of
from trainer.networks import NETWORKS, Shape
from trainer.training.zoo import build_named

SIDE = 32
TARGET = torch.tensor([1, 0, 1])


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(3)
    return NETWORKS["tiny_cnn"](Shape(2, SIDE), None).eval()


@pytest.fixture
def pictures() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(3, 1, SIDE, SIDE, generator=generator).repeat(1, 3, 1, 1)


def scaled(maps: torch.Tensor) -> np.ndarray:
    found = maps.detach().numpy()
    return found / found.max(axis=(1, 2), keepdims=True)


def test_saliency_is_captums(network: nn.Module, pictures: torch.Tensor) -> None:
    found = methods.saliency(network, [pictures], TARGET).maps.numpy()
    pictures = pictures.clone().requires_grad_()  # captum warns where it must ask for gradients
    expected = Saliency(network).attribute(pictures, TARGET, abs=False).sum(1).abs()
    assert found == pytest.approx(scaled(expected), abs=1e-6)
    assert found.shape == (3, SIDE, SIDE)


def test_saliency_is_the_slope_that_a_small_change_finds(
    network: nn.Module, pictures: torch.Tensor
) -> None:
    double = network.double()
    found = methods.saliency(double, [pictures.double()], TARGET).maps[0].numpy()
    slopes = []
    for place in ((4, 7), (20, 11), (9, 30)):
        changed = pictures[:1].double().repeat(2, 1, 1, 1)
        for row, sign in enumerate((1, -1)):
            changed[row, :, place[0], place[1]] += sign * 1e-4
        with torch.no_grad():
            up, down = double(changed)[:, TARGET[0]]
        slopes.append((place, abs(float(up - down))))
    (first, slope), *others = slopes
    for place, other in others:
        assert found[place] / found[first] == pytest.approx(other / slope, rel=1e-3)


def test_integrated_gradients_are_captums(network: nn.Module, pictures: torch.Tensor) -> None:
    black = torch.zeros_like(pictures)
    found = methods.integrated_gradients(network, [pictures], TARGET, black=black, steps=24)
    captum = IntegratedGradients(network)
    expected = captum.attribute(
        pictures.clone(), black, TARGET, n_steps=24, method="riemann_middle"
    )
    assert found.maps.numpy() == pytest.approx(scaled(expected.sum(1).abs()), abs=1e-4)


def test_grad_cam_is_captums_of_the_last_layer_with_places(
    network: nn.Module, pictures: torch.Tensor
) -> None:
    layer = methods.last_spatial_layer(network, [pictures])
    assert layer is network[8]
    found = methods.grad_cam(network, [pictures], TARGET).maps
    coarse = LayerGradCam(network, layer).attribute(pictures.clone(), TARGET).relu()
    larger = nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear")[:, 0]
    assert found.numpy() == pytest.approx(scaled(larger), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "side", "layer"),
    [
        ("resnet18", 64, "layer4"),
        ("convnext_atto", 64, "norm_pre"),
        ("vit_tiny_patch16_224", 64, None),
        ("swin_tiny_patch4_window7_224", 64, None),
    ],
)
def test_grad_cam_is_of_planes_and_never_of_tokens(name: str, side: int, layer: str | None) -> None:
    """Heads x tokens and h x w x channels have four axes too; a map of them means nothing."""
    torch.manual_seed(0)
    network = build_named(name, 2, side).eval()
    seen = [torch.rand(2, 3, side, side)]
    if layer is not None:
        found = methods.last_spatial_layer(network, seen)
        assert found is network.get_submodule(layer)
        assert "grad-cam" in methods_of(network, seen)
        return
    assert methods_of(network, seen) == ["saliency", "integrated-gradients"]
    with pytest.raises(NotExplainableError, match="no layer of planes"):
        methods.grad_cam(network, seen, TARGET[:2])


def test_a_picture_is_explained_alike_alone_and_in_a_batch(
    network: nn.Module, pictures: torch.Tensor
) -> None:
    for method in (methods.saliency, methods.grad_cam, methods.integrated_gradients):
        together = method(network, [pictures], TARGET).maps
        alone = method(network, [pictures[1:2]], TARGET[1:2]).maps
        assert together[1].numpy() == pytest.approx(alone[0].numpy(), abs=1e-4)


def test_explaining_leaves_the_network_as_it_was(
    network: nn.Module, pictures: torch.Tensor
) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for name in methods_of(network, [pictures]):
        methods.METHODS[name](network, [pictures], TARGET)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())


def test_a_frozen_network_is_explained_too(network: nn.Module, pictures: torch.Tensor) -> None:
    expected = methods.saliency(network, [pictures], TARGET).maps
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    assert torch.equal(methods.saliency(network, [pictures], TARGET).maps, expected)
    assert methods.grad_cam(network, [pictures], TARGET).maps.max() > 0


class Fused(nn.Module):
    """A class token that attends to four patches and, last, a token that it is told."""

    def __init__(self, *, told: bool) -> None:
        super().__init__()
        self.told = told
        self.embed = nn.Conv2d(3, 4, SIDE // 2, stride=SIDE // 2)
        self.token, self.values = nn.Embedding(7, 4), nn.Linear(4, 2, bias=False)
        self.weights: list[torch.Tensor] = []

    def forward(self, pictures: torch.Tensor, birads: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(pictures).flatten(2).transpose(1, 2)
        first = tokens.mean(dim=1, keepdim=True)
        parts = [first, tokens] + ([self.token(birads)[:, None]] if self.told else [])
        tokens = torch.cat(parts, dim=1)
        weights = (tokens @ tokens.transpose(1, 2) / 2).softmax(dim=-1)[:, None]
        self.weights = [weights]
        logits: torch.Tensor = self.values((weights[:, 0] @ tokens)[:, 0])
        return logits

    def attention(self, pictures: torch.Tensor, birads: torch.Tensor) -> list[torch.Tensor]:
        self(pictures, birads)
        return self.weights


@pytest.mark.parametrize("told", [True, False])
def test_one_block_of_attention_is_its_weight_times_its_gradient(
    pictures: torch.Tensor, told: bool
) -> None:
    torch.manual_seed(5)
    network, birads = Fused(told=told), torch.tensor([1, 2, 3])
    found = methods.attention(network, [pictures, birads], TARGET)
    logits = network(pictures, birads)
    (gradient,) = torch.autograd.grad(logits.gather(1, TARGET[:, None]).sum(), network.weights)
    row = (network.weights[0] * gradient).clamp(min=0)[:, 0, 0, 1:].detach()
    corners = found.maps[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    expected = row[:, :4] / row[:, :4].amax(dim=1, keepdim=True).clamp(min=1e-12)
    assert (expected.amax(dim=1) > 0).any()
    assert corners.numpy() == pytest.approx(expected.numpy(), abs=1e-5)
    assert (found.told is not None) == told
    if found.told is not None:
        share = row[:, 4] / row.sum(dim=1).clamp(min=1e-12)
        assert found.told.numpy() == pytest.approx(share.numpy(), abs=1e-5)


@pytest.fixture(scope="module", params=["late", "mid", "early", "late_transformer"])
def fusion(request: pytest.FixtureRequest) -> tuple[str, nn.Module]:
    torch.manual_seed(2)
    return request.param, NETWORKS[f"vit_ti16_{request.param}"](Shape(2, SIDE), None).eval()


def test_a_fusion_is_explained_by_attention_with_its_token(
    fusion: tuple[str, nn.Module], pictures: torch.Tensor
) -> None:
    form, network = fusion
    arguments = [pictures, torch.tensor([0, 4, 6])]
    assert methods_of(network, arguments) == ["saliency", "integrated-gradients", "attention"]
    found = methods.attention(network, arguments, TARGET)
    assert found.maps.shape == (3, SIDE, SIDE)
    assert found.maps.max() == 1
    if form == "late":
        assert found.told is None
    else:
        assert found.told is not None
        assert ((found.told >= 0) & (found.told < 1)).all()


def test_a_network_that_sees_no_pixels_has_no_map(pictures: torch.Tensor) -> None:
    blind = NETWORKS["birads_only"](Shape(2, SIDE), None).eval()
    assert methods_of(blind, [pictures, torch.tensor([0, 1, 2])]) == []
    with pytest.raises(NotExplainableError):
        methods.attention(blind, [pictures, torch.tensor([0, 1, 2])], TARGET)
