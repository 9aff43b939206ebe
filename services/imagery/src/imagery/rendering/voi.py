"""VOI LUT: which values are of interest, from black to white (PS3.3 C.11.2)."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from pydicom.dataset import Dataset

from imagery.dicom.attributes import numbers
from imagery.dicom.errors import UnreadableImageError
from imagery.rendering.luts import Lut, Real, read_lut

VoiFunction = Literal["linear", "linear_exact", "sigmoid"]
VOI_FUNCTIONS: tuple[VoiFunction, ...] = get_args(VoiFunction)


@dataclass(frozen=True)
class Window:
    """Center and width in the modality's units, and the function between black and white."""

    center: float
    width: float
    function: VoiFunction = "linear"


@dataclass(frozen=True)
class FullRange:
    """Black and white at the least and the greatest value that is not padding."""

    low: float
    high: float


Voi = Lut | Window | FullRange


def read_voi(dataset: Dataset, *, signed: bool, big_endian: bool = False) -> Lut | Window | None:
    """The VOI LUT module: its first lookup table, else its first window, else None."""
    sequence = dataset.get("VOILUTSequence")
    if sequence:
        return read_lut(sequence[0], signed=signed, big_endian=big_endian)
    centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if not centers or not widths:
        return None
    function = voi_function(dataset.get("VOILUTFunction"))
    return checked_window(Window(centers[0], widths[0], function))


def voi_function(value: Any) -> VoiFunction:
    """A VOI LUT Function by its DICOM or PS3.18 spelling; absent means linear."""
    name = str(value or "linear").strip().lower().replace("-", "_")
    if name not in VOI_FUNCTIONS:
        raise UnreadableImageError(f"VOI LUT function '{value}' is unknown", "VOILUTFunction")
    return name


def checked_window(window: Window) -> Window:
    """PS3.3 C.11.2.1.2: a linear window is at least 1 wide, the others more than 0."""
    if window.width < 1 if window.function == "linear" else window.width <= 0:
        least = "at least 1" if window.function == "linear" else "greater than 0"
        reason = f"a {window.function} window is {least} wide, not {window.width:g}"
        raise UnreadableImageError(reason, "WindowWidth")
    return window


def apply_voi_lut(values: Real, voi: Voi) -> Real:
    """Modality values as grey from 0 (black) to 1 (white), any shape."""
    match voi:
        case Lut():
            return voi.apply(values) / ((1 << voi.bits) - 1)
        case FullRange():
            return np.clip((values - voi.low) / max(voi.high - voi.low, 1e-12), 0, 1)
        case Window():
            return _apply_window(values, voi)


def _apply_window(values: Real, window: Window) -> Real:
    """PS3.3 C.11.2.1.2.1 (linear), C.11.2.1.3.1 (sigmoid), C.11.2.1.3.2 (linear exact)."""
    center, width = window.center, window.width
    if window.function == "sigmoid":
        exponent = np.clip(-4 * (values - center) / width, -700, 700)
        return 1 / (1 + np.exp(exponent))
    if window.function == "linear":
        center, width = center - 0.5, width - 1
    if width == 0:
        return (values > center).astype(np.float64)
    return np.clip((values - center) / width + 0.5, 0, 1)
