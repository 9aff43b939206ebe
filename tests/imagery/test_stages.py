"""Modality LUT, VOI LUT, inversion and padding against pydicom, to one grey level."""

from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import EXPLICIT, Made, breast, dicom_bytes, lut_item
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.reader import open_dicom
from imagery.dicom.stored import Reading, read_stored_values
from imagery.rendering.render import read_tones, render_values
from imagery.rendering.request import Rendering, Size
from imagery.rendering.survey import survey_of
from imagery.rendering.voi import Window
from numpy.typing import NDArray
from pydicom.pixels import apply_modality_lut, apply_voi_lut

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)
SIGNED = (np.arange(4096, dtype=np.int16) - 2048).reshape(64, 64)


def rendered(values: NDArray[Any], elements: dict[str, Any], **asked: Any) -> NDArray[Any]:
    file = open_dicom(dicom_bytes(values, Made(elements=elements)))
    rendering = Rendering(**asked)
    tones = read_tones(file, rendering.window)
    stored = read_stored_values(file, tones.image, Reading())
    return render_values(stored, tones, rendering, survey_of(stored, tones.image))


def by_pydicom(values: NDArray[Any], elements: dict[str, Any]) -> NDArray[Any]:
    """What pydicom makes of the same file, from its output range to 0..255."""
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(values, Made(elements=elements))))
    modality = apply_modality_lut(dataset.pixel_array, dataset)
    if dataset.get("VOILUTSequence"):
        modality = modality.astype(np.int64)
    shown = apply_voi_lut(modality, dataset).astype(np.float64)
    ends = output_range(dataset)
    grey = (shown - ends[0]) / (ends[1] - ends[0]) * 255
    return 255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


def output_range(dataset: pydicom.Dataset) -> tuple[float, float]:
    if dataset.get("VOILUTSequence"):
        return 0, 2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1
    if dataset.get("ModalityLUTSequence"):
        return 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    low, high = (-2048, 2047) if dataset.PixelRepresentation else (0, 4095)
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    return low * slope + intercept, high * slope + intercept


CURVE = [int(65535 * (i / 999) ** 2) for i in range(1000)]

CASES: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
    "hologic": (RAMP, {"WindowCenter": 2047, "WindowWidth": 4096}),
    "c-view": (RAMP, {"WindowCenter": 540, "WindowWidth": 580}),
    "first of several": (RAMP, {"WindowCenter": [900, 3000], "WindowWidth": [700, 100]}),
    "linear exact": (
        RAMP,
        {"WindowCenter": 900.5, "WindowWidth": 700, "VOILUTFunction": "LINEAR_EXACT"},
    ),
    "sigmoid": (RAMP, {"WindowCenter": 2000, "WindowWidth": 900, "VOILUTFunction": "SIGMOID"}),
    "width of one": (RAMP, {"WindowCenter": 2000, "WindowWidth": 1}),
    "signed": (SIGNED, {"WindowCenter": 0, "WindowWidth": 1000}),
    "rescaled": (
        RAMP,
        {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 800, "WindowWidth": 3000},
    ),
    "falling slope": (
        RAMP,
        {"RescaleSlope": -1, "RescaleIntercept": 4095, "WindowCenter": 3000, "WindowWidth": 900},
    ),
    "voi lut": (RAMP, {"VOILUTSequence": [lut_item(500, CURVE, 16)]}),
    "voi lut before window": (
        RAMP,
        {"VOILUTSequence": [lut_item(0, CURVE, 16)], "WindowCenter": 10, "WindowWidth": 10},
    ),
    "second voi lut unused": (
        RAMP,
        {"VOILUTSequence": [lut_item(0, CURVE, 16), lut_item(0, CURVE[::-1], 16)]},
    ),
    "voi lut of ten bits": (RAMP, {"VOILUTSequence": [lut_item(100, [*range(1000)], 10)]}),
    "modality lut": (
        RAMP,
        {
            "ModalityLUTSequence": [lut_item(1000, CURVE, 16)],
            "WindowCenter": 30000,
            "WindowWidth": 40000,
        },
    ),
    "monochrome1": (
        RAMP,
        {"WindowCenter": 900, "WindowWidth": 700, "PhotometricInterpretation": "MONOCHROME1"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rendering_equals_pydicom(name: str) -> None:
    values, elements = CASES[name]
    found, expected = rendered(values, elements), by_pydicom(values, elements)
    assert np.abs(found - expected).max() <= 1


def test_a_window_of_the_request_replaces_the_files_own() -> None:
    own = {"VOILUTSequence": [lut_item(0, CURVE, 16)]}
    found = rendered(RAMP, own, window=Window(900, 700))
    expected = by_pydicom(RAMP, {"WindowCenter": 900, "WindowWidth": 700})
    assert np.abs(found - expected).max() <= 1


def test_without_a_window_the_full_range_is_shown() -> None:
    values = (RAMP % 1000 + 300).astype(np.uint16)
    found = rendered(values, {})
    assert np.abs(found - (values - 300.0) / 999 * 255).max() <= 1


def test_a_windowed_image_is_never_stretched() -> None:
    faint = (RAMP % 100).astype(np.uint16)
    assert rendered(faint, {"WindowCenter": 2047, "WindowWidth": 4096}).max() <= 7


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("invert", [False, True])
def test_padding_is_black_and_no_part_of_the_range(photometric: str, invert: bool) -> None:
    values = (RAMP % 1000 + 300).astype(np.uint16)
    values[:10], values[10:20] = 0, 40
    elements = {
        "PhotometricInterpretation": photometric,
        "PixelPaddingValue": 0,
        "PixelPaddingRangeLimit": 50,
    }
    found = rendered(values, elements, invert=invert)
    assert (found[:20] == 0).all()
    expected = (values[20:] - 300.0) / 999 * 255
    if (photometric == "MONOCHROME1") != invert:
        expected = 255 - expected
    assert np.abs(found[20:] - expected).max() <= 1


def test_signed_padding() -> None:
    values = SIGNED.copy()
    values[:5] = -2000
    found = rendered(values, {"PixelPaddingValue": -2000, "WindowCenter": 0, "WindowWidth": 4096})
    assert (found[:5] == 0).all()
    assert (found[5:] > 0).mean() > 0.9


def test_values_above_bits_stored_are_not_values() -> None:
    dirty = (RAMP | 0x3000).astype(np.uint16)
    window = {"WindowCenter": 2047, "WindowWidth": 4096}
    assert (rendered(dirty, window) == rendered(RAMP, window)).all()


def test_high_bit_above_bits_stored() -> None:
    shifted = (RAMP << 4).astype(np.uint16)
    window = {"WindowCenter": 2047, "WindowWidth": 4096}
    assert (rendered(shifted, window | {"HighBit": 15}) == rendered(RAMP, window)).all()


def test_sixteen_bits_out() -> None:
    found = rendered(RAMP, {"WindowCenter": 2047, "WindowWidth": 4096}, depth=16)
    assert found.dtype == np.uint16
    eight = rendered(RAMP, {"WindowCenter": 2047, "WindowWidth": 4096})
    assert np.abs(found / 257 - eight).max() <= 0.51


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": 2047, "WindowWidth": 4096},
        {"WindowCenter": 1500, "WindowWidth": 900},
        {"WindowCenter": 1800, "WindowWidth": 600, "VOILUTFunction": "SIGMOID"},
        {},
    ],
)
def test_scaling_first_is_as_true_as_scaling_last(elements: dict[str, Any]) -> None:
    values = breast(1024, 768)
    small = rendered(values, elements, size=Size("longest", 128)).astype(np.float64)
    full = rendered(values, elements).astype(np.float64)
    truth = full.reshape(128, 8, 96, 8).mean(axis=(1, 3))
    assert np.abs(small - truth).max() <= 1


@pytest.mark.parametrize(
    ("elements", "field"),
    [
        ({"WindowCenter": 100, "WindowWidth": 0}, "WindowWidth"),
        (
            {"WindowCenter": 1, "WindowWidth": 1, "VOILUTFunction": "CUBIC"},
            "VOILUTFunction",
        ),
        ({"VOILUTSequence": [lut_item(0, [1, 2, 3], 32)]}, "LUTDescriptor"),
        ({"PhotometricInterpretation": "RGB"}, "SamplesPerPixel"),
        ({"PhotometricInterpretation": "HSV"}, "PhotometricInterpretation"),
        ({"BitsStored": 20}, "BitsStored"),
        ({"Rows": 0}, "Rows"),
    ],
)
def test_what_cannot_be_shown_is_named(elements: dict[str, Any], field: str) -> None:
    with pytest.raises(UnreadableImageError) as refused:
        rendered(RAMP, elements)
    assert refused.value.element == field


def test_short_lut_is_named() -> None:
    item = lut_item(0, [1, 2, 3], 16)
    item.LUTDescriptor = [100, 0, 16]
    with pytest.raises(UnreadableImageError, match="3 of 100"):
        rendered(RAMP, {"VOILUTSequence": [item]})


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        (Size("longest", 32), (32, 24)),
        (Size("longest", 4096), (256, 192)),
        (Size("short_edge", 96), (128, 96)),
        (Size("short_edge", 384), (512, 384)),
        (Size("viewport", 100, 64), (64, 48)),
        (Size("viewport", 960, 960), (960, 720)),
        (Size(), (256, 192)),
    ],
)
def test_sizes(size: Size, shape: tuple[int, int]) -> None:
    assert rendered(breast(), {}, size=size).shape == shape


def test_explicit_syntax_is_the_default_of_these_tests() -> None:
    assert open_dicom(dicom_bytes(RAMP)).transfer_syntax_uid == EXPLICIT
