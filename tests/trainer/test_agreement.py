"""Boxes in the frame of a training picture, and whether heat maps lie in them."""

import io

import numpy as np
import pytest
from PIL import Image
from trainer.explanations.agreement import measure, measure_agreement
from trainer.explanations.boxes import boxes_in_square, inside, scattered
from trainer.explanations.pictures import BOX, encode_png, overlay
from trainer.pixels import Fit, Geometry

ROI = {"ymin": 1000, "xmin": 200, "ymax": 1400, "xmax": 500}
FULL = (3328, 2560)


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_a_box_goes_the_way_of_its_pixels(fit: Fit) -> None:
    """A film that is white inside its ROI, scaled as imagery would and squared by training."""
    stored, size = 256, 224
    edge = min(FULL) if fit == "crop" else max(FULL)
    shape = (round(FULL[0] * stored / edge), round(FULL[1] * stored / edge))
    film = np.zeros(FULL, np.uint8)
    film[ROI["ymin"] : ROI["ymax"], ROI["xmin"] : ROI["xmax"]] = 255
    small = np.asarray(Image.fromarray(film).resize(shape[::-1], Image.Resampling.BOX))
    square = Geometry(stored, fit).square(small)
    centre = square[16:240, 16:240]
    (box,) = boxes_in_square([ROI], FULL, stored, fit, size)
    seen = centre > 127
    mask = inside(np.array([box]), size)
    assert (seen & mask).sum() / (seen | mask).sum() > 0.8
    assert seen.any()


def test_a_box_that_was_cropped_away_is_left_out() -> None:
    top = {"ymin": 0, "xmin": 0, "ymax": 40, "xmax": 40}
    assert len(boxes_in_square([top], FULL, 256, "crop", 224)) == 0


def test_the_measures_are_what_their_names_say() -> None:
    heat = np.zeros((10, 10), np.float32)
    heat[2, 2], heat[7, 7] = 1.0, 0.6
    mask = inside(np.array([[1, 1, 4, 4]]), 10)
    pointing, energy, iou = measure(heat, mask)
    assert pointing == 1
    assert energy == pytest.approx(1 / 1.6)
    assert iou == pytest.approx(1 / 10)
    assert measure(np.zeros((10, 10), np.float32), mask).tolist() == [0, 0, 0]


def test_maps_in_the_boxes_lead_and_maps_anywhere_do_not() -> None:
    generator = np.random.default_rng(0)
    boxes = [scattered(np.array([[0, 0, 8, 8]]), 40, 1, generator)[0] for _ in range(60)]
    pointing = [inside(b, 40).astype(np.float32) for b in boxes]
    found = measure_agreement(pointing, boxes, np.arange(60) // 2, draws=300)
    assert (found["images"], found["patients"]) == (60, 30)
    assert found["pointing"]["value"] == found["iou"]["value"] == 1.0
    assert found["pointing"]["random"] == pytest.approx(64 / 33**2, abs=0.06)
    assert found["energy"]["lead"]["low"] > 0.8
    noise = [generator.random((40, 40)).astype(np.float32) for _ in range(60)]
    chance = measure_agreement(noise, boxes, np.arange(60) // 2, draws=300)
    assert chance["energy"]["lead"]["low"] < 0 < chance["energy"]["lead"]["high"]


def test_random_boxes_keep_their_shape_and_stay_inside() -> None:
    boxes = np.array([[0, 0, 3, 9], [2, 2, 10, 4]])
    for placed in scattered(boxes, 12, 50, np.random.default_rng(1)):
        assert (placed[:, 2:] - placed[:, :2]).tolist() == [[3, 9], [8, 2]]
        assert placed.min() >= 0
        assert placed.max() <= 12


def test_a_png_is_what_was_drawn() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    assert (np.asarray(Image.open(io.BytesIO(encode_png(grey)))) == grey).all()
    heat = np.zeros((3, 4), np.float32)
    drawn = overlay(grey, heat, np.array([[0, 0, 2, 2]]))
    assert (drawn[2] == grey[2][:, None]).all()
    assert tuple(drawn[0, 0]) == BOX
    heat[2, 3] = 1
    assert tuple(overlay(grey, heat)[2, 3]) != tuple([grey[2, 3]] * 3)
    assert (np.asarray(Image.open(io.BytesIO(encode_png(drawn)))) == drawn).all()
