"""`mammo_model`'s weights from TensorFlow: there and back, and against a network made by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from trainer.networks import Shape
from trainer.networks.mammo import MammoModel
from trainer.networks.tensorflow import WeightsError, from_tensorflow, to_tensorflow
from trainer.training.models import build_model

Array = NDArray[Any]
CONVOLUTIONS = [(3, 32), (32, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 256),
                (256, 512)]  # fmt: skip


def numbered(name: str, place: int) -> str:
    return f"{name}_{place}" if place else name


def made_up(side: int, classes: int = 2, units: int = 2048) -> dict[str, Array]:
    """Arrays of a checkpoint as TensorFlow names and shapes them; ``side`` of the last map."""
    draw = np.random.default_rng(5)

    def normal(*shape: int) -> Array:
        fan = int(np.prod(shape[:-1]))
        return np.asarray(draw.normal(0, (2 / fan) ** 0.5, shape), np.float32)

    arrays = {}
    for place, (inputs, outputs) in enumerate(CONVOLUTIONS):
        arrays[numbered("conv2d", place) + "/kernel:0"] = normal(3, 3, inputs, outputs)
        arrays[numbered("conv2d", place) + "/bias:0"] = normal(1, outputs)[0] * 0.1
    arrays["dense/kernel:0"] = normal(side * side * 512, units)
    arrays["dense/bias:0"] = normal(1, units)[0] * 0.1
    arrays["dense_1/kernel:0"] = normal(units, units)
    arrays["dense_1/bias:0"] = normal(1, units)[0] * 0.1
    arrays["dense_out/kernel:0"] = normal(units, classes)
    arrays["dense_out/bias:0"] = normal(1, classes)[0]
    widths = [*(outputs for _, outputs in CONVOLUTIONS), units, units]
    for place, width in enumerate(widths):
        name = numbered("batch_normalization", place)
        arrays[f"{name}/gamma:0"] = draw.uniform(0.5, 1.5, width).astype(np.float32)
        arrays[f"{name}/beta:0"] = draw.normal(0, 0.2, width).astype(np.float32)
        arrays[f"{name}/moving_mean:0"] = draw.normal(0, 0.2, width).astype(np.float32)
        arrays[f"{name}/moving_variance:0"] = draw.uniform(0.001, 1.5, width).astype(np.float32)
    return arrays


class ByHand:
    """The network of the arrays in numpy, (h, w, c) throughout, padded as TensorFlow pads."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        self.arrays = {k.removesuffix(":0"): v.astype(np.float64) for k, v in arrays.items()}

    def __call__(self, picture: Array) -> Array:
        x = picture.astype(np.float64)
        pools = {2: 3, 4: 2, 6: 2, 7: 2, 8: 2}
        for place in range(len(CONVOLUTIONS)):
            kernel = self.arrays[numbered("conv2d", place) + "/kernel"]
            windows = self._windows(x, 3, 2 if place == 0 else 1, 0.0)
            x = np.tensordot(windows, kernel, axes=([2, 3, 4], [0, 1, 2]))
            x = self._normed(x + self.arrays[numbered("conv2d", place) + "/bias"], place)
            if place in pools:
                x = self._windows(x, pools[place], 2, -np.inf).max(axis=(2, 3))
        x = x.reshape(-1)
        for place, name in enumerate(("dense", "dense_1"), start=len(CONVOLUTIONS)):
            dense = x @ self.arrays[f"{name}/kernel"] + self.arrays[f"{name}/bias"]
            x = self._normed(dense, place)
        return x @ self.arrays["dense_out/kernel"] + self.arrays["dense_out/bias"]

    def _normed(self, x: Array, place: int) -> Array:
        name = numbered("batch_normalization", place)
        gamma, beta, mean, variance = (
            self.arrays[f"{name}/{k}"] for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return np.maximum((x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0)

    @staticmethod
    def _windows(x: Array, kernel: int, stride: int, fill: float) -> Array:
        """(h, w, kernel, kernel, c): more padding after than before, as TensorFlow does."""
        pads = []
        for size in x.shape[:2]:
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads.append((total // 2, total - total // 2))
        padded = np.pad(x, (*pads, (0, 0)), constant_values=fill)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(0, 1))
        return windows[::stride, ::stride].transpose(0, 1, 3, 4, 2)


def test_weights_go_there_and_back() -> None:
    arrays = made_up(side=2, units=64)
    back = to_tensorflow(from_tensorflow(arrays))
    assert {f"{name}:0" for name in back} == set(arrays)
    for name, array in back.items():
        np.testing.assert_array_equal(array, arrays[f"{name}:0"])


@pytest.mark.parametrize("size", [224, 96])
def test_the_network_gives_what_one_made_by_hand_gives(size: int) -> None:
    arrays = made_up(side=-(-size // 64), units=32)
    model = MammoModel(Shape(2, size, hidden_units=32)).eval()
    model.load_state_dict(from_tensorflow(arrays))
    picture = np.random.default_rng(1).normal(0, 1, (size, size, 3)).astype(np.float32)
    with torch.inference_mode():
        found = model(torch.from_numpy(picture.transpose(2, 0, 1))[None])[0].numpy()
    expected = ByHand(arrays)(picture)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_file_of_weights_starts_all_but_the_last_layer(tmp_path: Path) -> None:
    arrays = made_up(side=1, classes=2, units=2048) | {"Adam/m:0": np.zeros(3, np.float32)}
    np.savez(tmp_path / "mammo_model.npz", allow_pickle=False, **arrays)
    model = build_model("mammo_model", Shape(3, 64), tmp_path / "mammo_model.npz")
    state = model.state_dict()
    np.testing.assert_array_equal(state["dense_1.dense.weight"].T, arrays["dense_1/kernel:0"])
    np.testing.assert_array_equal(
        state["conv2d_8.conv.weight"].permute(2, 3, 1, 0), arrays["conv2d_8/kernel:0"]
    )
    assert state["dense_out.weight"].shape == (3, 2048)


def test_another_network_s_weights_are_refused_by_name() -> None:
    arrays = made_up(side=1, units=16)
    del arrays["batch_normalization_4/gamma:0"]
    with pytest.raises(WeightsError, match="batch_normalization_4/gamma"):
        from_tensorflow(arrays)
    arrays = made_up(side=1, units=16)
    arrays["dense/kernel:0"] = arrays["dense/kernel:0"][:100]
    with pytest.raises(WeightsError, match="dense/kernel takes 100"):
        from_tensorflow(arrays)
    arrays["dense/kernel:0"] = np.zeros((3, 3, 3), np.float32)
    with pytest.raises(WeightsError, match="dense/kernel has 3 dimensions"):
        from_tensorflow(arrays)
