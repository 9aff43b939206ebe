"""`mammo_model`'s weights from and to TensorFlow: named arrays, as in an `.npz` of a checkpoint.

``conv2d_3/kernel`` (h, w, in, out), ``conv2d_3/bias``, ``batch_normalization_3/gamma``, ``beta``,
``moving_mean``, ``moving_variance``, ``dense/kernel`` (in, out), ``dense/bias``; a ``:0`` at the
end of a name is TensorFlow's own and ignored. Batch normalisations are counted through: nine of
convolutions, then two of dense layers.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
State = Mapping[str, torch.Tensor]

CONVOLUTIONS, DENSE = 9, 2
NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
LAST_CHANNELS = 512


class WeightsError(ValueError):
    """The arrays are not those of the network; the text names the one at fault."""


def read_tensorflow(path: Path) -> dict[str, torch.Tensor]:
    """State of `mammo_model` from an `.npz` file; WeightsError where it is another network's."""
    with np.load(path, allow_pickle=False) as arrays:
        return from_tensorflow(arrays)


def from_tensorflow(arrays: Arrays) -> dict[str, torch.Tensor]:
    """HWIO to OIHW, (in, out) to (out, in), and the rows behind the flattening from (h, w, c) to
    (c, h, w). Names that belong to no layer (an optimiser's slots) are left alone.
    """
    named = {name.removesuffix(":0"): np.asarray(array) for name, array in arrays.items()}
    state = {}
    for theirs, ours in _names():
        if theirs not in named:
            raise WeightsError(f"there is no array {theirs}")
        state[ours] = torch.from_numpy(_to_torch(theirs, named[theirs]).astype(np.float32))
    return state | {f"{ours}.num_batches_tracked": torch.tensor(0) for ours in _norms()}


def to_tensorflow(state: State) -> dict[str, NDArray[Any]]:
    """The way back."""
    return {theirs: _to_tensorflow(theirs, state[ours].numpy()) for theirs, ours in _names()}


def _names() -> Iterator[tuple[str, str]]:
    """(TensorFlow's, ours) of every array."""
    for place in range(CONVOLUTIONS):
        layer = _numbered("conv2d", place)
        yield f"{layer}/kernel", f"{layer}.conv.weight"
        yield f"{layer}/bias", f"{layer}.conv.bias"
    for place in range(DENSE):
        layer = _numbered("dense", place)
        yield f"{layer}/kernel", f"{layer}.dense.weight"
        yield f"{layer}/bias", f"{layer}.dense.bias"
    for place, ours in enumerate(_norms()):
        for theirs, attribute in NORM.items():
            yield f"{_numbered('batch_normalization', place)}/{theirs}", f"{ours}.{attribute}"
    yield "dense_out/kernel", "dense_out.weight"
    yield "dense_out/bias", "dense_out.bias"


def _norms() -> list[str]:
    layers = [_numbered("conv2d", place) for place in range(CONVOLUTIONS)]
    return [f"{name}.norm" for name in (*layers, *(_numbered("dense", p) for p in range(DENSE)))]


def _numbered(name: str, place: int) -> str:
    return f"{name}_{place}" if place else name


def _to_torch(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if not name.endswith("/kernel"):
        return array
    if name.startswith("conv2d"):
        _check(name, array, 4)
        return np.ascontiguousarray(array.transpose(3, 2, 0, 1))
    _check(name, array, 2)
    if name == "dense/kernel":
        side = _side(name, len(array))
        rows = array.reshape(side, side, LAST_CHANNELS, -1).transpose(2, 0, 1, 3)
        array = rows.reshape(len(array), -1)
    return np.ascontiguousarray(array.T)


def _to_tensorflow(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if not name.endswith("/kernel"):
        return array
    if name.startswith("conv2d"):
        return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    found = array.T
    if name == "dense/kernel":
        side = _side(name, len(found))
        rows = found.reshape(LAST_CHANNELS, side, side, -1).transpose(1, 2, 0, 3)
        found = rows.reshape(len(found), -1)
    return np.ascontiguousarray(found)


def _check(name: str, array: NDArray[Any], dimensions: int) -> None:
    if array.ndim != dimensions:
        raise WeightsError(f"{name} has {array.ndim} dimensions, not {dimensions}")


def _side(name: str, inputs: int) -> int:
    side = math.isqrt(inputs // LAST_CHANNELS)
    if side * side * LAST_CHANNELS != inputs:
        raise WeightsError(f"{name} takes {inputs} values, not a square of {LAST_CHANNELS}")
    return side
