"""What a worker keeps of the file it rendered last never shows in a picture of another."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dicom_files import Made, dicom_bytes
from imagery.decoding.tasks import Kept
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.limits import DEFAULT_LIMITS
from imagery.rendering.voi import Window

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def opened(path: Path, centre: int) -> int:
    """A descriptor of a file whose window lies at ``centre``."""
    made = Made(elements={"WindowCenter": centre, "WindowWidth": 400})
    path.write_bytes(dicom_bytes(RAMP, made))
    return os.open(path, os.O_RDONLY)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Two files of the same size."""
    found = opened(tmp_path / "a", 1111), opened(tmp_path / "b", 2222)
    yield found
    for descriptor in found:
        os.close(descriptor)


def test_files_in_turn(two: tuple[int, int]) -> None:
    kept = Kept()
    for descriptor, centre in (*zip(two, (1111, 2222), strict=True), (two[0], 1111)):
        file = kept.open(descriptor, DEFAULT_LIMITS)
        assert kept.open(descriptor, DEFAULT_LIMITS) is file
        own = kept.tones(file, None, DEFAULT_LIMITS)
        assert isinstance(own.voi, Window)
        assert own.voi.center == centre
        asked = kept.tones(file, Window(5, 6), DEFAULT_LIMITS)
        assert asked.voi == Window(5, 6)
        again = kept.tones(file, None, DEFAULT_LIMITS)
        assert again.voi == own.voi


def test_a_file_that_cannot_be_read_is_not_kept(two: tuple[int, int], tmp_path: Path) -> None:
    kept = Kept()
    kept.open(two[0], DEFAULT_LIMITS)
    (tmp_path / "broken").write_bytes(b"\0" * 128 + b"DICM")
    broken = os.open(tmp_path / "broken", os.O_RDONLY)
    try:
        for _ in range(2):
            with pytest.raises(UnreadableImageError):
                kept.open(broken, DEFAULT_LIMITS)
    finally:
        os.close(broken)
    assert kept.open(two[0], DEFAULT_LIMITS).dataset.WindowCenter == 1111
