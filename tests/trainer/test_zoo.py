"""Networks of torchvision and timm by name."""

import pytest
import torch
from trainer.architectures import find_architecture
from trainer.networks import Shape
from trainer.training.models import build_model
from trainer.training.zoo import build_named, list_names
from trainer.zoo import nearest, zoo


def test_the_api_knows_the_names_of_the_pinned_versions() -> None:
    assert sorted(zoo()) == list_names(), "run `python -m trainer.training.zoo`"


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("mobilenet_v3_small", 32),
        ("googlenet", 64),
        ("deit_tiny_patch16_224", 48),
        ("resnet10t", 32),
    ],
)
def test_a_network_takes_pictures_of_the_size_it_is_asked_for(name: str, size: int) -> None:
    model = build_model(name, Shape(3, size)).train()
    assert model(torch.rand(2, 3, size, size)).shape == (2, 3)
    assert find_architecture(name).weights_of == name


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet10t"])
def test_pretrained_weights_go_in_and_the_last_layer_is_replaced(name: str) -> None:
    state = build_named(name, 1000, 32).state_dict()
    model = build_named(name, 2, 32, state)
    kept = [k for k, v in model.state_dict().items() if k in state and v.shape == state[k].shape]
    assert len(kept) >= len(state) - 2
    assert all(torch.equal(model.state_dict()[k], state[k]) for k in kept)


def test_a_name_nobody_has_is_answered_with_the_nearest() -> None:
    assert "resnet18" in nearest("resnet_18", ("tiny_cnn",))
    assert nearest("xyzzy", ("tiny_cnn",)) == ["tiny_cnn"]
