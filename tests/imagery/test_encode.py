"""Files that other readers open."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from imagery.rendering.encode import encode
from imagery.rendering.png import encode_png
from imagery.rendering.resize import resize
from PIL import Image

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (37, 53)])
def test_png_is_lossless_for_two_readers(dtype: type, shape: tuple[int, int]) -> None:
    values = RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    content = encode_png(values)
    with Image.open(BytesIO(content)) as picture:
        assert (np.asarray(picture) == values).all()
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    assert found.dtype == dtype
    assert (found == values).all()


@pytest.mark.parametrize(("name", "kind"), [("jpeg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")])
def test_pictures_open_and_look_the_same(name: str, kind: str) -> None:
    values = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    with Image.open(BytesIO(encode(values, name, 90))) as picture:
        assert picture.format == kind
        found = np.asarray(picture.convert("L")).astype(int)
    assert np.abs(found - values).mean() < 1.5


def test_npy_is_an_array() -> None:
    values = RNG.integers(0, 65535, (5, 7), dtype=np.uint16)
    assert (np.load(BytesIO(encode(values, "npy", 90)), allow_pickle=False) == values).all()


@pytest.mark.parametrize("shape", [(1024, 768), (1023, 769), (2457, 1996)])
@pytest.mark.parametrize("size", [(256, 192), (100, 75)])
def test_scaling_keeps_brightness_everywhere(shape: tuple[int, int], size: tuple[int, int]) -> None:
    """A tilted plane stays the same plane: no shift, no lost border."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    plane = (x / shape[1] * 30000 + y / shape[0] * 30000).astype(np.uint16)
    found = resize(plane, *size).astype(float)
    v, u = np.mgrid[0 : size[0], 0 : size[1]]
    expected = (u + 0.5) / size[1] * 30000 + (v + 0.5) / size[0] * 30000
    assert np.abs(found - expected).max() < 60000 / 256 / 2  # half a grey level
