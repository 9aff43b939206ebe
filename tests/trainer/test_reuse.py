"""A picture that another array has is copied, and only where it is the very same."""

from pathlib import Path

import numpy as np
from trainer.budget import hold
from trainer.pixels import MISSING, PRESENT, WAITING, Geometry, PixelArray
from trainer.reuse import name_pictures, reuse_pictures

CROP = Geometry(8, "crop")


def make_array(root: Path, name: str, uids: list[str], geometry: Geometry = CROP) -> PixelArray:
    """An array that knows the names of its pictures and has none of them yet."""
    hold(root / name) if root.exists() else root.mkdir()
    (root / name).with_suffix(".use").touch()
    array = PixelArray.open(root / name, len(uids), geometry.size)
    reuse_pictures(array, name_pictures("embed", "1", uids, geometry))
    return array


def fill(array: PixelArray) -> None:
    """Every second picture; the others are missing."""
    writer = array.writer()
    for place in range(len(array.states)):
        if place % 2:
            writer.put_missing(place)
        else:
            writer.put(place, np.full((9, 8), place, np.uint8), np.full((8, 8), place, np.uint8))
    writer.flush()


def test_pictures_of_an_overlapping_cohort_are_copied(tmp_path: Path) -> None:
    root = tmp_path / "pixels"
    first = make_array(root, "a", ["u0", "u1", "u2", "u3", "u4"])
    fill(first)
    second = make_array(root, "b", ["u4", "new", "u0", "u1"])
    assert second.states.tolist() == [PRESENT, WAITING, PRESENT, WAITING]
    assert second.images[0, 0, 0] == 4
    assert second.shapes[2].tolist() == [9, 8]
    assert first.states.tolist() == [PRESENT, MISSING, PRESENT, MISSING, PRESENT]


def test_another_geometry_revision_or_dataset_is_another_picture(tmp_path: Path) -> None:
    fill(make_array(tmp_path / "pixels", "a", ["u0"]))
    other = make_array(tmp_path / "pixels", "b", ["u0"], Geometry(8, "pad"))
    assert other.states.tolist() == [WAITING]
    names = {
        tuple(name_pictures(*known, ["u0"], CROP).tolist())
        for known in (("embed", "1"), ("embed", "2"), ("other", "1"))
    }
    assert len(names) == 3
