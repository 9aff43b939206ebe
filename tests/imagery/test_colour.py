"""Colour images against pydicom's decoding, syntax by syntax and by photometric interpretation."""

from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import dicom_files as made
import numpy as np
import pydicom
import pytest
from dicom_files import Made, breast, dicom_bytes
from imagery.dicom.attributes import image_attributes
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.reader import open_dicom
from imagery.dicom.stored import Reading, read_stored_values
from imagery.rendering.encode import encode
from imagery.rendering.palette import read_palette
from imagery.rendering.render import read_tones, render_values
from imagery.rendering.request import ParameterError, Region, Rendering, Size
from imagery.rendering.survey import survey_of
from imagery.rendering.voi import Window
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.pixels import convert_color_space

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def colourful(rows: int = 64, columns: int = 48) -> NDArray[np.uint8]:
    """Smooth and different in each colour."""
    y, x = np.mgrid[0:rows, 0:columns]
    planes = (y * 255 / rows, x * 255 / columns, 255 - (x + y) * 255 / (rows + columns))
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def as_ybr(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(convert_color_space(rgb, "RGB", "YBR_FULL"))


def rendered(content: bytes, **asked: Any) -> NDArray[Any]:
    file = open_dicom(content)
    rendering = Rendering(**asked)
    tones = read_tones(file, rendering.window)
    stored = read_stored_values(file, tones.image, Reading(rendering.frame))
    return render_values(stored, tones, rendering, survey_of(stored, tones.image))


def by_pydicom(content: bytes) -> NDArray[Any]:
    return np.asarray(pydicom.dcmread(BytesIO(content)).pixel_array)


def apart(one: NDArray[Any], other: NDArray[Any]) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


EXACT = [
    (made.EXPLICIT, "RGB"),
    (made.IMPLICIT, "RGB"),
    (made.BIG_ENDIAN, "RGB"),
    (made.DEFLATED, "RGB"),
    (made.EXPLICIT, "YBR_FULL"),
    (made.RLE, "RGB"),
    (made.RLE, "YBR_FULL"),
    (made.JPEG_LOSSLESS, "RGB"),
    (made.JPEG_LOSSLESS_SV1, "RGB"),
    (made.JPEG_LS, "RGB"),
    (made.JPEG_LS, "YBR_FULL"),
    (made.JPEG_2000_LOSSLESS, "YBR_RCT"),
    (made.HTJ2K_LOSSLESS, "YBR_RCT"),
]
LOSSY = [
    # Halved chrominance is widened smoothly by one decoder, in steps by the other.
    (made.JPEG_BASELINE, "YBR_FULL_422", 6, 4),
    (made.JPEG_LS_NEAR, "RGB", 2, 0),
    (made.JPEG_2000, "YBR_ICT", 6, 0),
    (made.HTJ2K, "YBR_ICT", 6, 1),
]


@pytest.mark.parametrize(("syntax", "photometric"), EXACT)
def test_colours_are_exact(syntax: str, photometric: str) -> None:
    rgb = colourful()
    stored = as_ybr(rgb) if photometric == "YBR_FULL" else rgb
    content = dicom_bytes(stored, Made(syntax, photometric=photometric))
    found = rendered(content)
    assert apart(found, by_pydicom(content)) == 0
    assert apart(found, rgb) <= (2 if photometric == "YBR_FULL" else 0)


@pytest.mark.parametrize(("syntax", "photometric", "most", "between"), LOSSY)
def test_lossy_colours_are_pydicoms_and_near(
    syntax: str, photometric: str, most: int, between: int
) -> None:
    rgb = colourful()
    stored = as_ybr(rgb) if photometric == "YBR_FULL_422" else rgb
    content = dicom_bytes(stored, Made(syntax, photometric=photometric))
    found = rendered(content)
    assert apart(found, by_pydicom(content)) <= between
    assert apart(found, rgb) <= most


def test_planes_one_after_another() -> None:
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(colourful(), Made(photometric="RGB"))))
    dataset.PlanarConfiguration = 1
    dataset.PixelData = np.ascontiguousarray(colourful().transpose(2, 0, 1)).tobytes()
    assert (rendered(made.written(dataset)) == colourful()).all()


def test_sixteen_bits_a_sample() -> None:
    values = colourful().astype(np.uint16) * 257
    content = dicom_bytes(values, Made(made.RLE, bits_stored=16, photometric="RGB"))
    assert (rendered(content) == colourful()).all()
    assert (rendered(content, depth=16) == values).all()


def test_each_frame_of_a_colour_image() -> None:
    frames = np.stack([colourful(), colourful()[::-1]])
    content = dicom_bytes(frames, Made(photometric="RGB"))
    for number in (1, 2):
        assert (rendered(content, frame=number) == frames[number - 1]).all()


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_jpeg.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_jpeg_app14_dcmd.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_gdcm_KY.dcm",
        "GDCMJ2K_TextGBR.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "examples_ybr_color.dcm",
    ],
)
def test_colours_of_other_makers(name: str) -> None:
    content = Path(str(get_testdata_file(name))).read_bytes()
    file = open_dicom(content)
    image = image_attributes(file.dataset)
    expected = by_pydicom(content)
    first = expected[0] if image.number_of_frames > 1 else expected
    # Two decoders may smooth halved chrominance differently at the edges of saturated colours.
    found = read_stored_values(file, image, Reading())
    assert np.abs(found.astype(int) - first.astype(int)).mean() <= 1


def test_a_palette_of_another_maker() -> None:
    content = Path(str(get_testdata_file("examples_palette.dcm"))).read_bytes()
    dataset = pydicom.dcmread(BytesIO(content))
    colours = pydicom.pixels.apply_color_lut(dataset.pixel_array, dataset)
    found = rendered(content)
    assert apart(found, np.rint(colours / np.iinfo(colours.dtype).max * 255)) <= 1


def paletted(bits: int = 16, **changed: Any) -> bytes:
    indices = breast(64, 48, bits=8).astype(np.uint8)
    dataset = made.dataset_of(indices, Made(photometric="PALETTE COLOR"))
    dataset.PixelData = indices.tobytes()
    for colour, step in (("Red", 1), ("Green", 2), ("Blue", 3)):
        table = (np.arange(256) * step % 256 * (257 if bits == 16 else 1)).astype("<u2")
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, bits])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table.tobytes())
    for keyword, value in changed.items():
        setattr(dataset, keyword, value)
    return made.written(dataset)


@pytest.mark.parametrize("bits", [8, 16])
def test_indices_into_a_palette(bits: int) -> None:
    indices = breast(64, 48, bits=8).astype(int)
    expected = np.stack([indices * step % 256 for step in (1, 2, 3)], axis=-1)
    assert (rendered(paletted(bits)) == expected).all()
    assert (rendered(paletted(bits), invert=True) == 255 - expected).all()


def test_a_segmented_palette() -> None:
    # Discrete: 0; linear: 255 steps up to 255 * 257 (PS3.3 C.7.9.2).
    segments = np.array([0, 1, 0, 1, 255, 65535], "<u2").tobytes()
    dataset = pydicom.dcmread(BytesIO(paletted()))
    for colour in ("Red", "Green", "Blue"):
        del dataset[f"{colour}PaletteColorLookupTableData"]
        setattr(dataset, f"Segmented{colour}PaletteColorLookupTableData", segments)
    indices = breast(64, 48, bits=8)
    assert apart(rendered(made.written(dataset)), np.stack([indices] * 3, axis=-1)) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"GreenPaletteColorLookupTableData": b"\0\0"},
        {"GreenPaletteColorLookupTableDescriptor": [256, 0, 32]},
    ],
)
def test_a_broken_palette_is_named(changed: dict[str, Any]) -> None:
    with pytest.raises(UnreadableImageError):
        read_palette(open_dicom(paletted(**changed)).dataset)


def test_no_window_applies_to_colours() -> None:
    content = dicom_bytes(colourful(), Made(photometric="RGB"))
    with pytest.raises(ParameterError) as refused:
        rendered(content, window=Window(100, 10))
    assert refused.value.parameter == "window"


def test_tones() -> None:
    content = dicom_bytes(colourful(), Made(photometric="RGB"))
    grey = rendered(content, tone="grey")
    luma = colourful() @ np.array([0.299, 0.587, 0.114])
    assert apart(grey, np.rint(luma)) <= 1
    assert (rendered(content, tone="bitonal") == np.where(grey > 127, 255, 0)).all()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_region_size_and_rotation_in_that_order(degrees: Any) -> None:
    content = dicom_bytes(colourful(), Made(photometric="RGB"))
    found = rendered(content, region=Region(8, 16, 20, 30), rotation=degrees)
    assert (found == np.rot90(colourful()[16:46, 8:28], -degrees // 90)).all()
    small = rendered(
        content, region=Region(8, 16, 20, 30), size=Size("exact", 10, 40), rotation=degrees
    )
    assert small.shape[:2] == ((40, 10) if degrees % 180 == 0 else (10, 40))


def test_a_colour_picture_of_every_format() -> None:
    values = rendered(dicom_bytes(colourful(), Made(photometric="RGB")))
    for file_format, most in (("png", 0), ("jpeg", 12), ("webp", 12)):
        body = np.frombuffer(encode(values, file_format, 95), np.uint8)  # type: ignore[arg-type]
        found = cv2.imdecode(body, cv2.IMREAD_COLOR)
        assert found is not None
        assert apart(np.asarray(found)[..., ::-1], values) <= most
