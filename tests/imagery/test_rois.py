"""ROIs: cut out with a margin, and drawn over the picture where they lie."""

import io
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from conftest import Lab
from dicom_files import Made, breast, dicom_bytes
from numpy.typing import NDArray

WINDOW = {"WindowCenter": 2047, "WindowWidth": 4096}
BOX = {"n": 0, "ymin": 100, "xmin": 20, "ymax": 140, "xmax": 80, "match_level": 1}
YELLOW = (255, 200, 0)


def picture(response: httpx.Response) -> NDArray[Any]:
    assert response.status_code == 200, response.text
    found = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return np.asarray(found)


def put(lab: Lab, *, right: bool = False, rois: list[Any] | None = None, **elements: Any) -> None:
    """An image with its chest wall left or right, and its ROIs in the chest-wall-left frame."""
    orientation = {"PatientOrientation": ["P" if right else "A", "F"]}
    made = Made(elements=WINDOW | orientation | elements)
    boxes = [BOX] if rois is None else rois
    lab.put(1, dicom_bytes(breast(right=right), made), rois=boxes)


@pytest.mark.parametrize("right", [False, True])
async def test_an_roi_is_cut_out_of_the_picture_with_the_chest_wall_left(
    lab: Lab, right: bool
) -> None:
    put(lab, right=right)
    response = await lab.get("/1/rois/0")
    whole = picture(await lab.get("/1/rendered?orient=chest-wall-left"))
    assert (picture(response) == whole[100:140, 20:80]).all()
    assert response.headers["x-region"] == "20,100,60,40"
    assert response.headers["x-mirrored"] == str(right).lower()


async def test_a_margin_in_pixels_ends_at_the_edge(lab: Lab) -> None:
    put(lab)
    response = await lab.get("/1/rois/0?margin=30px")
    assert response.headers["x-region"] == "0,70,110,100"
    assert picture(response).shape == (100, 110)


@pytest.mark.parametrize(
    ("elements", "pixels"),
    [
        ({"ImagerPixelSpacing": [0.1, 0.2]}, (10, 5)),
        ({"ImagerPixelSpacing": [0.1, 0.1], "PixelSpacing": [0.05, 0.05]}, (20, 20)),
        (
            {
                "ImagerPixelSpacing": [0.1, 0.1],
                "EstimatedRadiographicMagnificationFactor": 2,
            },
            (20, 20),
        ),
    ],
)
async def test_a_margin_in_millimetres_is_one_in_the_breast(
    lab: Lab, elements: dict[str, Any], pixels: tuple[int, int]
) -> None:
    put(lab, **elements)
    left, top, width, height = (
        int(n) for n in (await lab.get("/1/rois/0?margin=1mm")).headers["x-region"].split(",")
    )
    assert (top, height) == (100 - pixels[0], 40 + 2 * pixels[0])
    assert (left, width) == (20 - pixels[1], 60 + 2 * pixels[1])


async def test_millimetres_need_a_spacing(lab: Lab) -> None:
    put(lab)
    response = await lab.get("/1/rois/0?margin=1mm")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "margin")


async def test_an_roi_as_an_array_of_sixteen_bits(lab: Lab) -> None:
    put(lab)
    response = await lab.get("/1/rois/0?format=npy&depth=16&margin=5")
    found = np.load(io.BytesIO(response.content))
    assert (found.shape, found.dtype) == ((50, 70), np.uint16)


@pytest.mark.parametrize(
    ("query", "status"),
    [("rois/1", 404), ("rois/0?margin=5in", 422), ("rois/0?format=jpeg&depth=16", 422)],
)
async def test_what_cannot_be_cut_is_named(lab: Lab, query: str, status: int) -> None:
    put(lab)
    assert (await lab.get(f"/1/{query}")).status_code == status


async def test_an_roi_outside_the_image_is_a_422(lab: Lab) -> None:
    put(lab, rois=[BOX | {"ymin": 1000, "ymax": 1100}])
    response = await lab.get("/1/rois/0")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "region")


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("orient", ["as-stored", "chest-wall-left"])
async def test_outlines_lie_over_the_tissue_they_mean(lab: Lab, right: bool, orient: str) -> None:
    put(lab, right=right)
    found = picture(await lab.get(f"/1/rendered?rois=true&orient={orient}"))[..., ::-1]
    mirrored = right and orient == "as-stored"
    at = 192 - 20 if mirrored else 20
    assert tuple(found[120, at]) == YELLOW
    assert tuple(found[120, 192 - 80 if mirrored else 80]) == YELLOW
    assert tuple(found[140, 100 if not mirrored else 192 - 100]) != YELLOW


async def test_outlines_are_coloured_by_match_level_and_scaled(lab: Lab) -> None:
    put(lab, rois=[BOX, BOX | {"n": 1, "ymin": 180, "ymax": 220, "match_level": 2}])
    found = picture(await lab.get("/1/rendered?rois=true&viewport=96,128"))[..., ::-1]
    assert found.shape == (128, 96, 3)
    assert tuple(found[60, 10]) == YELLOW
    assert tuple(found[100, 10]) == (0, 200, 255)


async def test_a_picture_without_rois_stays_grey(lab: Lab) -> None:
    put(lab, rois=[])
    assert picture(await lab.get("/1/rendered?rois=true")).ndim == 2
