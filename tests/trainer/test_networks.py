"""The reports' networks: their printed totals, what they are given, and what is frozen."""

import pytest
import torch
from torch import nn
from trainer.architectures import ARCHITECTURES
from trainer.experiments import EXPERIMENTS
from trainer.networks import NETWORKS, Shape
from trainer.networks.fusion import ASSESSMENTS, FORMS
from trainer.networks.mammo import same_padding
from trainer.training.freezing import freeze
from trainer.training.models import build_model, count_parameters

SETTINGS = EXPERIMENTS["labelled-array"].defaults
TAKES_BIRADS = [name for name in NETWORKS if name.startswith(("vit_", "birads"))]


def count_with_statistics(model: nn.Module) -> int:
    """As Keras counts: running statistics too, but not torch's counters of batches."""
    state = model.state_dict().items()
    return sum(v.numel() for k, v in state if not k.endswith("num_batches_tracked"))


def trainable(name: str, size: int, **changes: object) -> int:
    with torch.device("meta"):
        model = build_model(name, Shape(2, size))
    freeze(model, SETTINGS.model_copy(update=changes))
    return count_parameters(model, trainable=True)


def given(name: str, size: int, count: int = 2) -> list[torch.Tensor]:
    pictures = torch.rand(count, 3, size, size)
    if name in TAKES_BIRADS:
        return [pictures, torch.arange(count) % ASSESSMENTS]
    return [pictures, torch.rand(count, 3, size, size)] if "siamese" in name else [pictures]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_networks_have_the_declared_parameters_and_give_a_score_per_class(name: str) -> None:
    architecture = ARCHITECTURES[name]
    with torch.device("meta"):  # shapes without values: no second is spent on drawing them
        model = build_model(name, Shape(2, architecture.published_size)).eval()
        assert count_parameters(model) == architecture.parameters
        assert model(*given(name, architecture.published_size)).shape == (2, 2)


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("scratch_a", 343_842),
        ("scratch_b", 360_354),
        ("vgg16_dense", 16_812_610),
        ("vgg19_dense", 22_122_306),
        ("siamese_vgg16", 16_812_610),
    ],
)
def test_patch_networks_have_the_parameters_that_the_report_prints(name: str, total: int) -> None:
    with torch.device("meta"):
        assert count_with_statistics(build_model(name, Shape(2, 150))) == total


def test_mammo_model_has_the_parameters_that_the_report_prints() -> None:
    with torch.device("meta"):
        model = build_model("mammo_model", Shape(2, 224))
    assert count_with_statistics(model) == 22_772_674
    assert count_parameters(model, trainable=True) == 22_761_986


def test_a_siamese_pair_shares_its_features() -> None:
    model = build_model("siamese_vgg16", Shape(2, 150)).eval()
    assert count_parameters(model.get_submodule("shared")) == 16_812_096
    assert count_parameters(model.get_submodule("out")) == 514
    one, other = torch.rand(2, 1, 3, 150, 150)
    with torch.inference_mode():
        assert torch.equal(model(one, one), model.get_submodule("out").bias[None])
        assert not torch.equal(model(one, other), model(other, one))


def test_features_are_extracted_by_training_the_head_alone() -> None:
    head = {"trainable_blocks": ("dense", "out")}
    assert trainable("vgg16_dense", 150, **head) == 2_097_922
    assert trainable("vgg19_dense", 150, **head) == 2_097_922
    assert trainable("siamese_vgg16", 150, trainable_blocks=("shared.dense", "out")) == 2_097_922
    fifth = 3 * (512 * 512 * 9 + 512)
    block5 = ("base.block5", "dense", "out")
    assert trainable("vgg16_dense", 150, trainable_blocks=block5) == 2_097_922 + fifth


@pytest.mark.parametrize(("last", "layers"), [(1, {"dense_out"}), (2, {"dense_out", "dense_1"})])
def test_the_last_layers_can_be_trained_by_number_or_by_name(last: int, layers: set[str]) -> None:
    by_name = trainable("mammo_model", 64, trainable_blocks=tuple(layers))
    linear = 2048 * 2 + 2
    expected = {1: linear, 2: linear + 2048 * 2048 + 2048 + 2 * 2048}
    assert by_name == expected[last]
    assert trainable("mammo_model", 64, trainable_layers=1) == linear


def test_hidden_units_and_dropout_are_as_published_or_as_asked_for() -> None:
    first = build_model("scratch_a", Shape(2, 150, hidden_units=256, dropout=0.5))
    assert first.get_submodule("dense").out_features == 256
    assert first.get_submodule("dropout").p == 0.5
    assert build_model("scratch_b", Shape(2, 150)).get_submodule("dropout").p == 0.2
    assert build_model("vgg16_dense", Shape(2, 64)).get_submodule("dropout").p == 0.0


def test_the_two_scratch_networks_look_at_one_channel() -> None:
    model = build_model("scratch_a", Shape(2, 96)).eval()
    picture = torch.rand(1, 3, 96, 96)
    other = picture.clone()
    other[:, 1:] = 0
    with torch.inference_mode():
        assert torch.equal(model(picture), model(other))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [(224, 3, 2, (0, 1)), (225, 3, 2, (1, 1)), (7, 2, 2, (0, 1)), (8, 2, 2, (0, 0)),
     (9, 3, 1, (1, 1))],
)  # fmt: skip
def test_same_is_padded_as_tensorflow_does(
    size: int, kernel: int, stride: int, padding: tuple[int, int]
) -> None:
    assert same_padding(size, kernel, stride) == padding


@pytest.mark.parametrize("form", FORMS)
def test_attention_can_be_seen_and_includes_the_assessment_where_it_takes_part(form: str) -> None:
    model = build_model(f"vit_ti16_{form}", Shape(3, 48)).eval()
    pictures, birads = given("vit_ti16_late", 48)
    with torch.no_grad():
        before = model(pictures, birads)
        layers = model.attention(pictures, birads)
        assert torch.equal(before, model(pictures, birads)), "looking changes nothing"
    patches = 3 * 3
    without, told = 1 + patches, 2 + patches
    tokens = {
        "early": [told] * 12,
        "mid": [without] * 6 + [told] * 6,
        "late_transformer": [without] * 12 + [told] * 2,
    }
    assert [layer.shape[-1] for layer in layers] == tokens.get(form, [without] * 12)
    for layer in layers:
        torch.testing.assert_close(layer.sum(dim=-1), torch.ones(layer.shape[:-1]))


@pytest.mark.parametrize("form", FORMS)
def test_the_assessment_and_the_pixels_both_reach_the_classes(form: str) -> None:
    torch.manual_seed(1)
    model = build_model(f"vit_ti16_{form}", Shape(2, 32)).eval()
    for parameter in model.parameters():  # zeros at the start would hide a way
        nn.init.normal_(parameter, std=0.05)
    pictures = torch.rand(1, 3, 32, 32, requires_grad=True)
    scores = [model(pictures, torch.tensor([place]))[0, 0] for place in range(ASSESSMENTS)]
    assert len({score.item() for score in scores}) == ASSESSMENTS
    scores[0].backward()
    assert pictures.grad is not None
    assert pictures.grad.abs().sum() > 0


def test_the_assessment_alone_ignores_pixels() -> None:
    model = build_model("birads_only", Shape(6))
    nn.init.normal_(next(model.parameters()))
    birads = torch.tensor([0, 3])
    with torch.inference_mode():
        one, other = (model(torch.rand(2, 3, 32, 32), birads) for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.equal(one[0], one[1])


@pytest.mark.parametrize("name", ["vgg16_dense", "siamese_vgg16", "resnet50_dense"])
def test_a_base_starts_from_its_torchvision_weights(name: str) -> None:
    from trainer.training.torch_compat import torchvision

    base = "resnet50" if "resnet" in name else "vgg16"
    source = torchvision.models.get_model(base, weights=None)
    state = source.state_dict()
    if base == "vgg16":  # of its 138 million parameters the base takes a tenth
        state = {k: v for k, v in state.items() if k.startswith("features.")}
    taken = NETWORKS[name](Shape(2, 64), state)
    if base == "vgg16":
        state.pop("features.0.bias")
        with pytest.raises(RuntimeError, match=r"0\.bias"):
            NETWORKS[name](Shape(2, 64), state)
    found = taken.get_submodule("shared.base" if "siamese" in name else "base").state_dict()
    kept = [v for k, v in source.state_dict().items() if not k.startswith(("fc.", "classifier."))]
    assert len(found) == len(kept)
    for ours, theirs in zip(found.values(), kept, strict=True):
        assert torch.equal(ours, theirs)


def test_a_fusion_starts_from_timm_s_weights_at_another_size() -> None:
    source = build_model("vit_ti16_late", Shape(2, 224)).get_submodule("backbone").state_dict()
    taken = NETWORKS["vit_ti16_late"](Shape(2, 64), source | {"head.weight": torch.zeros(1)})
    found = taken.get_submodule("backbone").state_dict()
    assert torch.equal(found["blocks.3.mlp.fc1.weight"], source["blocks.3.mlp.fc1.weight"])
    assert found["pos_embed"].shape == (1, 1 + 4 * 4, 192)


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [("scratch_a", 77, "78 pixels"), ("scratch_b", 109, "110 pixels"), ("vit_b16_mid", 72, "of 16"),
     ("scratch_a", 78, None), ("vit_b16_mid", 64, None)],
)  # fmt: skip
def test_a_size_that_leaves_nothing_to_see_is_refused(
    name: str, size: int, said: str | None
) -> None:
    refusal = ARCHITECTURES[name].size_refusal(size)
    assert (refusal is None) == (said is None)
    assert said is None or said in str(refusal)
    if said is None:
        assert build_model(name.replace("b16", "ti16"), Shape(2, size))
